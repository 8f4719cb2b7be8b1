"""A user's behavioral tests: the forms of the file, what fails, and what is said of a file that is wrong."""

from __future__ import annotations

import json

import pytest
import yaml

from textwright.errors import DataError, NotFoundError
from textwright.evaluate.behavior.suite import read_suite, run_suite
from textwright.runtime.loading import load

DATA = [f"the film number {number} is great" for number in range(40)]


@pytest.fixture(scope="module")
def model(make_artifact):
    """Knows "good", "great", "bad" and "awful", each of its own label, and nothing else."""
    return load(make_artifact("reviews"))


@pytest.fixture
def run(model, tmp_path):
    def run_file(tests, texts=DATA, name="tests.yaml"):
        path = tmp_path / name
        path.write_text(tests if isinstance(tests, str) else yaml.safe_dump(tests, sort_keys=False))
        return {item.name: item for item in run_suite(model, read_suite(path, model.labels), texts)}

    return run_file


def test_texts_under_their_labels(run):
    praise = run({"praise": {"positive": ["great", "good", "awful"]}})["praise"]
    assert (praise.num_texts, praise.num_failures, praise.is_passed) == (3, 1, False)
    assert [failure.text for failure in praise.failures] == ["awful"]
    assert praise.failures[0].expected == "positive"
    assert praise.share_failed.low < 1 / 3 < praise.share_failed.high


def test_several_labels_are_several_tests(run):
    results = run({"plain": {"positive": ["great"], "negative": ["awful"]}})
    assert {name: item.is_passed for name, item in results.items()} == {
        "plain (positive)": True,
        "plain (negative)": True,
    }


def test_templates_make_every_combination(run):
    test = {
        "type": "functionality",
        "label": "positive",
        "templates": ["the {thing} is {word}"],
        "fill": {"thing": ["film", "book"], "word": ["good", "great", "bad"]},
    }
    made = run({"made": test})["made"]
    assert (made.num_texts, made.num_failures) == (6, 2)
    assert run({"made": {**test, "max_failures": 34}})["made"].is_passed


def test_invariance_of_pairs(run):
    result = run({"names": {"type": "invariance", "pairs": [["great Mary", "great Wei"], ["great", "awful"]]}})["names"]
    assert (result.num_texts, result.num_failures) == (2, 1)
    assert result.failures[0].text == "awful"
    assert result.failures[0].expected == "positive"


def test_an_edit_without_texts_edits_the_data(run):
    result = run({"typos": {"type": "invariance", "edit": "typo", "max_failures": 100}})["typos"]
    assert result.num_texts == len(DATA)


def test_an_edit_that_fits_no_text_says_so_and_passes(run):
    result = run({"places": {"type": "invariance", "edit": "place"}})["places"]
    assert result.num_texts == 0
    assert result.share_failed is None
    assert result.is_passed


@pytest.mark.parametrize(("change", "num_failures"), [("up", 0), ("down", 1)])
def test_direction_of_pairs(run, change, num_failures):
    test = {"type": "direction", "label": "positive", "change": change, "pairs": [["awful", "awful great great"]]}
    assert run({"praise": test})["praise"].num_failures == num_failures


def test_what_is_appended(run):
    test = {"type": "direction", "label": "positive", "change": "down", "texts": ["great"], "append": "awful awful"}
    assert run({"blame": test})["blame"].is_passed


def test_lines_and_json_are_read_too(run):
    lines = "".join(f"{json.dumps({'test': 't', 'text': word, 'label': 'positive'})}\n" for word in ("great", "bad"))
    assert run(lines, name="tests.jsonl")["t (positive)"].num_failures == 1
    assert run(json.dumps({"t": {"positive": ["great"]}}), name="tests.json")["t"].is_passed


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "no table of tests"),
        (["great"], "no table of tests"),
        ({"t": "great"}, "test 't': it must hold a type"),
        ({"t": {"positive": "great"}}, "must be a list of texts"),
        ({"t": {"superb": ["great"]}}, "label 'superb' is unknown.*'positive'"),
        ({"t": {"type": "invariant"}}, "test 't': type"),
        ({"t": {"type": "invariance", "edits": "typo"}}, "edits: no such setting"),
        ({"t": {"type": "invariance"}}, "needs one of pairs, edit and append, and has 0"),
        ({"t": {"type": "invariance", "edit": "typo", "append": "x", "texts": ["y"]}}, "and has 2"),
        ({"t": {"type": "direction", "pairs": [["a", "b"]]}}, "label '' is unknown"),
        ({"t": {"type": "direction", "label": "positive", "append": "x"}}, "append needs texts"),
        ({"t": {"type": "functionality", "label": "positive"}}, "no texts and no templates"),
        ({"t": {"type": "functionality", "label": "positive", "templates": ["{x}"]}}, "fill has no words"),
        ({"t": {"type": "functionality", "label": "positive", "texts": ["x"], "max_failures": 101}}, "max_failures"),
        ({"t": {"type": "functionality", "label": "positive", "templates": ["{x"], "fill": {"x": ["a"]}}}, "template"),
        ("t: [", "not YAML"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(run, content, message):
    with pytest.raises(DataError, match=message):
        run(content)


def test_a_file_that_is_not_there(model, tmp_path):
    with pytest.raises(NotFoundError, match="no file of tests"):
        read_suite(tmp_path / "nothing.yaml", model.labels)
