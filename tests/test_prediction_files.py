"""A file in, a file out: one row per row, in order, or nothing at all."""

from __future__ import annotations

import csv
import gzip
import json

import pytest

import textwright
from textwright.cli.main import run
from textwright.data.settings import DataSettings
from textwright.errors import DataError
from textwright.prediction_files import predict_file

TEXTS = ["a good film", "awful,\n\"quoted\" and 'bad'", "", "日本語 great", *(f"good {n}" for n in range(9_000))]


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "in.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "review"])
        rows.writerows(enumerate(TEXTS))
    return path


def read(path):
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [json.loads(line) for line in content.decode().splitlines()]


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "out.jsonl.gz"])
def test_one_row_out_per_row_in_and_in_order(tmp_path, tiny_artifact, source, name):
    predictor = textwright.load(tiny_artifact)
    settings = DataSettings(text_column="review")
    assert predict_file(predictor, source, tmp_path / name, settings) == len(TEXTS)
    records = read(tmp_path / name)
    assert [record["review"] for record in records] == TEXTS
    assert [int(record["id"]) for record in records] == list(range(len(TEXTS)))
    expected = predictor.predict(TEXTS)
    assert [record["predicted_label"] for record in records] == [item.label for item in expected]
    probabilities = [float(record["probability_positive"]) for record in records]
    assert probabilities == pytest.approx([item.probabilities["positive"] for item in expected], abs=1e-5)


def test_a_broken_row_late_in_the_file_writes_nothing(tmp_path, tiny_artifact, source, capsys):
    with source.open("a") as file:
        file.write("1,2,3\n")
    assert run(["predict", str(tiny_artifact), "--input", str(source), "--output", str(tmp_path / "out.csv")]) == 3
    assert f"{source}, line {len(TEXTS) + 3}" in capsys.readouterr().err
    assert not (tmp_path / "out.csv").exists()
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["in.csv"]


def test_an_existing_column_is_not_overwritten(tmp_path, tiny_artifact):
    path = tmp_path / "in.csv"
    path.write_text("text,confidence\ngood,high\n")
    with pytest.raises(DataError, match="'confidence' already"):
        predict_file(textwright.load(tiny_artifact), path, tmp_path / "out.csv", DataSettings())


def test_multi_label_predictions_are_lists(tmp_path, tiny_multilabel_artifact):
    path = tmp_path / "in.jsonl"
    path.write_text('{"text": "song and story"}\n{"text": "the"}\n')
    predict_file(textwright.load(tiny_multilabel_artifact), path, tmp_path / "out.jsonl", DataSettings())
    both, none = read(tmp_path / "out.jsonl")
    assert set(both["predicted_labels"]) == {"music", "plot"}
    assert none["predicted_labels"] == []


def test_progress_reaches_the_end(tmp_path, tiny_artifact, source):
    seen = []
    settings = DataSettings(text_column="review")
    predict_file(
        textwright.load(tiny_artifact), source, tmp_path / "o.csv", settings, progress=lambda *now: seen.append(now)
    )
    assert [count for count, _ in seen] == [4096, 8192, len(TEXTS)]
    assert seen[-1][1] == 1.0


@pytest.mark.parametrize("arguments", [[], ["good", "--input", "x.csv"], ["--input", "x.csv"], ["--output", "x.csv"]])
def test_the_command_line_says_what_goes_together(tiny_artifact, arguments, capsys):
    assert run(["predict", str(tiny_artifact), *arguments]) == 3
    assert "--input FILE together with --output FILE" in capsys.readouterr().err


def test_texts_on_the_command_line(tiny_artifact, capsys):
    assert run(["predict", str(tiny_artifact), "a good film", "[bold]bad", "--json"]) == 0
    predictions = json.loads(capsys.readouterr().out)["predictions"]
    assert [item["label"] for item in predictions] == ["positive", "negative"]
    assert run(["predict", str(tiny_artifact), "[bold]bad"]) == 0
    assert "[bold]bad" in capsys.readouterr().out
