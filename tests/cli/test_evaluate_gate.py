"""``evaluate --slice --behavior --gate``: what is printed, what is drawn, and the exit code."""

from __future__ import annotations

import json

import pytest

import textwright
from textwright.cli.main import run


@pytest.fixture(scope="module")
def model(make_artifact):
    return make_artifact("reviews")


@pytest.fixture
def rows(tmp_path):
    """Texts that the model has right in Oslo, and mostly wrong in Bergen."""
    path = tmp_path / "rows.csv"
    lines = [(f"a great film {number}", "positive", "Oslo") for number in range(60)]
    lines += [(f"an awful film {number}", "negative" if number % 4 else "positive", "Oslo") for number in range(20)]
    lines += [(f"a great play {number}", "negative" if number % 3 else "positive", "Bergen") for number in range(30)]
    path.write_text("text,label,city\n" + "".join(f"{','.join(line)}\n" for line in lines))
    return path


@pytest.fixture
def tests(tmp_path):
    path = tmp_path / "tests.json"
    path.write_text(json.dumps({"praise": {"positive": ["great"]}, "blame": {"negative": ["awful", "great"]}}))
    return path


COLUMNS = ("--text-column", "text", "--label-column", "label")


def evaluate(capsys, *words):
    code = run(["evaluate", *map(str, words), *COLUMNS])
    return code, *capsys.readouterr()


def test_slices_and_tests_are_in_the_result(capsys, model, rows, tests):
    slices = ("--slice", "city", "--slice", "contains:play", "--slice", "length")
    code, out, _ = evaluate(capsys, model, rows, *slices, "--behavior", tests, "--json")
    result = json.loads(out)
    assert code == 0
    by_name = {item["name"]: item for item in result["slices"]}
    assert by_name["city = Bergen"]["num_texts"] == by_name["contains 'play'"]["num_texts"] == 30
    assert by_name["city = Bergen"]["adjusted_p_value"] < 0.05
    assert [item["num_failures"] for item in result["behavior"]] == [0, 1]
    assert len(result["gate_failures"]) >= 2


def test_the_gate_ends_with_its_code_after_the_result(capsys, model, rows, tests):
    code, out, err = evaluate(capsys, model, rows, "--slice", "city", "--behavior", tests, "--gate")
    assert code == 15
    assert "WORSE" in out
    assert "FAILED" in out
    assert "city = Bergen" in err
    assert "'blame'" in err


def test_the_gate_lets_pass_what_is_as_it_should_be(capsys, model, rows, tmp_path):
    passing = tmp_path / "passing.json"
    passing.write_text(json.dumps({"praise": {"positive": ["great"]}}))
    code, _, _ = evaluate(capsys, model, rows, "--slice", "contains:number", "--behavior", passing, "--gate")
    assert code == 0


def test_the_page_shows_both(capsys, model, rows, tests, tmp_path):
    report = tmp_path / "report.html"
    code, _, _ = evaluate(capsys, model, rows, "--slice", "city", "--behavior", tests, "--report", report)
    page = report.read_text()
    assert code == 0
    assert "Is it worse somewhere?" in page
    assert "city = Bergen" in page
    assert "Behavioral tests" in page


def test_python_measures_the_same(model, rows, tests):
    result = textwright.load(model).evaluate(
        rows, slices=["city"], behavior=tests, text_column="text", label_column="label"
    )
    assert [item.name for item in result.slices] == ["city = Bergen", "city = Oslo"]
    assert [item.is_passed for item in result.behavior] == [True, False]
