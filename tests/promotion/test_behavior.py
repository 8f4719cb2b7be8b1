"""The edits of behavioral tests, the file of minimum functionality, and what counts as a failure."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_words import SENTIMENT, TOPICS

import textwright
from textwright.core.labels import Labels
from textwright.errors import DataError, NotFoundError
from textwright.evaluate.behavior import edits
from textwright.evaluate.behavior.functionality import read_cases
from textwright.evaluate.behavior.lexicon import NAMES, PLACES, find_poles
from textwright.evaluate.behavior.results import TestKind
from textwright.promotion.behavior.run import run_behavior_tests
from textwright.promotion.settings import PromotionSettings


def test_names_and_places_become_others():
    text = "James met Mary in Paris."
    assert edits.change_name(text).split()[0] in set(NAMES) - {"James"}
    assert "Paris" not in edits.change_place(text)
    assert edits.change_place(text).split()[-1].strip(".") in PLACES
    assert edits.change_name("james will mark the grace") is None


@given(st.lists(st.sampled_from(["James", "in", "Paris", "wordy", "ÀÉ", "ß", "don't", "\n", "GOOD"])).map(" ".join))
def test_an_edit_changes_a_text_the_same_way_each_time(text):
    for edit in (edits.change_case, edits.add_typo, edits.change_name, edits.change_place):
        changed = edit(text)
        assert changed == edit(text)
        assert changed != text


@given(st.text(alphabet="abcde ", max_size=60))
def test_a_typo_swaps_two_neighbors_of_one_word(text):
    changed = edits.add_typo(text)
    if changed is not None:
        assert sorted(changed) == sorted(text)
        assert sum(a != b for a, b in zip(text, changed, strict=True)) == 2


@pytest.mark.parametrize(
    ("text", "negated", "intensified", "is_praise"),
    [
        ("the film is good .", "the film is not good .", "the film is very good .", True),
        ("It was an awful day", "It was not an awful day", "It was a very awful day", False),
        ("a good film", None, None, None),
        ("it is good and she is bad.", None, None, None),
        ("what is good is cheap", None, None, None),
    ],
)
def test_evaluations_are_negated_and_intensified(text, negated, intensified, is_praise):
    assert edits.negate(text) == (None if negated is None else (negated, is_praise))
    assert edits.intensify(text) == (None if intensified is None else (intensified, is_praise))


@pytest.mark.parametrize(
    ("labels", "poles"),
    [
        (SENTIMENT, ("positive", "negative")),
        (Labels(("neg", "neutral", "Pos")), ("Pos", "neg")),
        (Labels(("sports", "tech")), None),
        (TOPICS, None),
    ],
)
def test_only_labels_of_sentiment_have_poles(labels, poles):
    assert find_poles(labels) == poles


def result_of(results, name, kind):
    (result,) = (item for item in results if item.name == name and item.kind is kind)
    return result


def test_a_model_that_is_moved_by_names_fails_more_often(make_artifact):
    words = {"good": (-2.0, 2.0), "bad": (2.0, -2.0), **{name.lower(): (0.0, 0.0) for name in NAMES}}
    moved = words | {name.lower(): (9.0, -9.0) for name in NAMES[::2]}
    steady, unsteady = (textwright.load(make_artifact(words=table), num_threads=1) for table in (words, moved))
    texts = [f"the man is {name} and it is good" for name in NAMES]
    results = run_behavior_tests(unsteady, steady, texts, [], PromotionSettings())
    result = result_of(results, "another name", TestKind.INVARIANCE)
    assert result.num_texts == len(NAMES)
    assert result.champion_failures == 0
    assert result.candidate_failures > 10
    assert result.is_worse
    assert result.failures[0].predicted.split()[0] != result.failures[0].expected
    back = run_behavior_tests(steady, unsteady, texts, [], PromotionSettings())
    assert not result_of(back, "another name", TestKind.INVARIANCE).is_worse
    assert result_of(results, "another place", TestKind.INVARIANCE).not_applicable.startswith("only 0 of the texts")


def test_a_model_that_takes_not_for_praise_fails_in_the_direction(make_artifact):
    words = {"good": (-2.0, 2.0), "bad": (2.0, -2.0), "not": (0.0, 0.0), "very": (0.0, 0.0), "is": (0.0, 0.0)}
    plain, odd = (
        textwright.load(make_artifact(words=table), num_threads=1) for table in (words, words | {"not": (-9.0, 9.0)})
    )
    texts = [f"the film number {number} is good." for number in range(30)]
    result = result_of(run_behavior_tests(odd, plain, texts, [], PromotionSettings()), "negation", TestKind.DIRECTION)
    assert result.champion_failures == 0
    assert result.candidate_failures >= 25
    assert result.is_worse
    assert "not more probable" in result.failures[0].expected


def test_what_does_not_apply_says_why(make_artifact):
    model = textwright.load(make_artifact(labels=Labels(("sports", "tech"))), num_threads=1)
    results = run_behavior_tests(model, model, ["der Film ist wirklich gut"] * 20, [], PromotionSettings())
    assert "labels are not of sentiment" in result_of(results, "negation", TestKind.DIRECTION).not_applicable
    assert "the texts are not" in result_of(results, "another name", TestKind.INVARIANCE).not_applicable
    assert not result_of(results, "a typo", TestKind.INVARIANCE).not_applicable


FORMS = {
    "tests.jsonl": '{"test": "praise", "text": "good", "label": "positive"}\n\n{"text": "bad", "label": "negative"}\n',
    "tests.json": json.dumps({"praise": {"positive": ["good"]}, "minimum functionality": {"negative": ["bad"]}}),
    "tests.yaml": "praise:\n  positive: [good]\nminimum functionality:\n  negative:\n    - bad\n",
}


@pytest.mark.parametrize("name", FORMS)
def test_cases_are_read_from_three_forms(name, tmp_path):
    (tmp_path / name).write_text(FORMS[name])
    cases = read_cases(tmp_path / name, SENTIMENT)
    assert cases == [("praise", "good", "positive"), ("minimum functionality", "bad", "negative")]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("tests.jsonl", '{"text": "good"}', "line 1"),
        ("tests.jsonl", "good", "line 1: not JSON"),
        ("tests.jsonl", "", "holds no test"),
        ("tests.json", "[1]", "no table of tests"),
        ("tests.json", '{"praise": ["good"]}', "a list of texts for each label"),
        ("tests.json", '{"praise": {"positive": "good"}}', "must be a list of texts"),
        ("tests.json", '{"praise": {"fine": ["good"]}}', "label 'fine' is unknown"),
        ("tests.yaml", "a: [", "not YAML"),
        ("tests.csv", "", "are read from"),
    ],
)
def test_a_wrong_file_of_tests_is_refused_in_words(name, content, expected, tmp_path):
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=expected):
        read_cases(tmp_path / name, SENTIMENT)


def test_a_missing_file_of_tests_is_refused(tmp_path):
    with pytest.raises(NotFoundError, match="no file of tests"):
        read_cases(tmp_path / "tests.jsonl", SENTIMENT)
