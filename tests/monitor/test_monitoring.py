"""The command from records to report: what it says, what it writes, and its exit code."""

from __future__ import annotations

import json

import pytest
from monitored import make_texts, with_profile, write_requests

import textwright
from textwright.cli.main import run

AMAZON = ("delivery", "battery", "the", "screen", "broke")


@pytest.fixture
def served(tiny_artifact, tmp_path):
    """Return the folder of an artifact with a profile, and a function that records texts of it."""
    path = with_profile(textwright.load(tiny_artifact, num_threads=1), make_texts(600, 0), tmp_path)
    predictor = textwright.load(path, num_threads=1)

    def record(examples, **fields):
        write_requests(predictor, examples.texts, tmp_path / "records" / "records-1.parquet", **fields)
        return tmp_path / "records"

    return path, record


def test_the_same_kind_of_texts_ends_well(served, tmp_path, capsys):
    path, record = served
    records = record(make_texts(300, 1))
    assert run(["monitor", str(path), str(records), "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr()
    assert "no alarm" in said.out
    page = (tmp_path / "out" / "monitor.html").read_text()
    assert "No alarm" in page
    assert page.count('<svg class="plot only-wide"') == page.count('<svg class="plot only-narrow"') == 4
    assert "http:" not in page.replace("http://www.w3.org", "")
    assert "https:" not in page
    content = json.loads((tmp_path / "out" / "monitor.json").read_text())
    assert content["is_alarm"] is False
    assert content["num_texts"] == 300
    assert [test["name"] for test in content["tests"]] == ["labels", "confidence", "length", "unknown", "words"]


def test_other_texts_are_exit_code_12(served, tmp_path, capsys):
    path, record = served
    records = record(make_texts(300, 1, fillers=AMAZON))
    gauges = tmp_path / "gauges.prom"
    assert run(["monitor", str(path), str(records), "--json", "--quiet", "--prometheus", str(gauges)]) == 12
    said = capsys.readouterr()
    content = json.loads(said.out)
    assert content["is_alarm"]
    assert any("words" in sentence for sentence in content["alarms"])
    assert "only labels of some of them can tell" in " ".join(content["remarks"])
    assert "alarm: " in said.err
    version = content["version"]
    assert f'textwright_monitor_alarm{{model="tiny",version="{version}"}} 1' in gauges.read_text()


def test_few_texts_are_named_as_few(served, capsys):
    path, record = served
    assert run(["monitor", str(path), str(record(make_texts(20, 1)))]) == 0
    assert "only 20 recorded texts" in capsys.readouterr().err


def test_an_accuracy_that_is_too_low_is_an_alarm(served, capsys):
    path, record = served
    records = record(make_texts(300, 1))
    assert run(["monitor", str(path), str(records), "--min-accuracy", "1.0"]) == 12
    assert "expected accuracy is" in capsys.readouterr().err


def test_a_reference_stands_in_for_the_profile(tiny_artifact, tmp_path, capsys):
    predictor = textwright.load(tiny_artifact, num_threads=1)
    examples = make_texts(300, 0)
    rows = [f"{text},{('negative', 'positive')[label]}" for text, label in zip(*vars_of(examples), strict=True)]
    (tmp_path / "reference.csv").write_text("\n".join(["text,label", *rows, ""]))
    write_requests(
        predictor, make_texts(200, 1, fillers=AMAZON).texts, tmp_path / "records" / "records-1.parquet", keep_texts=True
    )
    records = str(tmp_path / "records")
    assert run(["monitor", str(tiny_artifact), records]) == 3
    assert "--reference SOURCE" in capsys.readouterr().err
    words = ["monitor", str(tiny_artifact), records, "--reference", str(tmp_path / "reference.csv"), "--json"]
    assert run(words) == 12
    tests = json.loads(capsys.readouterr().out)["tests"]
    assert tests[-1]["name"] == "domain"
    assert tests[-1]["is_alarm"]


def vars_of(examples):
    return examples.texts, examples.targets.tolist()
