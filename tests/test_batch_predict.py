"""A file in, a file out: one row per row, in order, or nothing at all."""

from __future__ import annotations

import csv
import gzip
import io
import json

import pyarrow as pa
import pytest
from pyarrow import parquet

import textwright
from textwright.batch_predict import predict_file
from textwright.cli.main import run
from textwright.data.settings import DataSettings
from textwright.errors import DataError

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
    assert predict_file(predictor, source, tmp_path / name, settings) == (len(TEXTS), 0, "")
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


BROKEN_CSV = 'id,text\n1,good\n2,bad,extra\n3,"never closed\n4,great\n5,"a \n "" b"\n6,"x" y\n7,caf\udce9\n8,awful\n'


def test_broken_rows_are_skipped_in_order_and_named(tmp_path, tiny_artifact, capsys):
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_bytes(BROKEN_CSV.encode("utf-8", "surrogateescape"))
    flags = ["--input", str(source), "--output", str(target), "--on-error", "skip", "--json"]
    assert run(["predict", str(tiny_artifact), *flags]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out) == {"output": str(target), "num_rows": 8, "num_errors": 4}
    assert f"4 of 8 rows have no prediction; the column 'error' says why. The first: {source}, line 3" in shown.err
    records = read(target)
    assert [record["id"] for record in records] == ["1", "", "", "4", "5", "", "7", "8"]
    labels = [record["predicted_label"] for record in records]
    assert labels[0] == labels[3] == "positive"
    assert labels[7] == "negative"
    errors = [record["error"] for record in records]
    assert [bool(error) for error in errors] == [not label for label in labels]
    places = [error.partition(": ")[0] for error in errors if error]
    assert places == [f"{source}, line {number}" for number in (3, 6, 8, 9)]


def test_rows_of_json_lines_that_cannot_be_read_are_skipped(tmp_path, tiny_artifact):
    source = tmp_path / "in.jsonl"
    lines = ['{"text": "good", "n": 1}', "{", '{"text": 5}', "[1]", '{"n": 3}', '{"text": null}', '{"text": "\\ud83d"}']
    more = [*(['{"text": "bad", "n": 2}'] * 300), '{"text": "good", "late": 1}']
    source.write_text("\n".join([*lines, *more, ""]))
    predictor = textwright.load(tiny_artifact)
    for name, num_errors in (("out.jsonl", 5), ("out.csv", 6)):  # JSON lines alone have room for a late key
        written = predict_file(predictor, source, tmp_path / name, DataSettings(), skip_errors=True)
        assert (written.num_rows, written.num_errors) == (308, num_errors)
        records = read(tmp_path / name)
        places = [record["error"].partition(": ")[0] for record in records[:7] if record["error"]]
        assert places == [f"{source}, line {number}" for number in (2, 3, 4, 5, 7)]
        assert [bool(record["predicted_label"]) for record in records] == [not record["error"] for record in records]


def test_a_file_of_broken_rows_alone_is_an_error(tmp_path, tiny_artifact):
    source = tmp_path / "in.jsonl"
    source.write_text('{"text": 1}\n{"text": 2}\n')
    with pytest.raises(DataError, match=r"none of 2 rows can be predicted; the first: .*line 1"):
        predict_file(textwright.load(tiny_artifact), source, tmp_path / "o.csv", DataSettings(), skip_errors=True)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["in.jsonl"]


def test_parquet_keeps_the_types_of_the_other_columns(tmp_path, tiny_artifact):
    num_rows = 9_000
    late = [None] * 8_500 + [7] * 500
    table = pa.table(
        {
            "map": pa.array([[("a", 1)], None, []] * 3_000, pa.map_(pa.string(), pa.int64())),
            "time": pa.array(range(num_rows), pa.timestamp("ns", "Europe/Paris")),
            "text": pa.array([None, "good", "bad"] * 3_000).dictionary_encode(),
            "late": pa.array(late, pa.int16()),
            "nested": pa.array([[{"x": [1.5]}], [], None] * 3_000, pa.list_(pa.struct({"x": pa.list_(pa.float32())}))),
            "empty": pa.nulls(num_rows, pa.date32()),
            "wide": pa.array(["x", None, ""] * 3_000, pa.large_string()),
        },
        metadata={"made by": "a test"},
    )
    parquet.write_table(table, tmp_path / "in.parquet")
    predictor = textwright.load(tiny_artifact)
    settings = DataSettings(text_column="text")
    predict_file(predictor, tmp_path / "in.parquet", tmp_path / "out.parquet", settings, skip_errors=True)
    written = parquet.read_table(tmp_path / "out.parquet")
    assert written.select(table.column_names).equals(table)
    assert written.schema.metadata[b"made by"] == b"a test"
    assert [str(field.type) for field in written.schema][len(table.column_names) :] == [
        *("string", "double", "bool", "double", "double", "string")
    ]
    assert written["predicted_label"].to_pylist()[1:3] == ["positive", "negative"]
    predict_file(predictor, tmp_path / "in.parquet", tmp_path / "out.jsonl", settings)
    assert read(tmp_path / "out.jsonl")[8_999]["late"] == 7


def test_predictions_alone_decide_their_types_in_parquet(tmp_path, tiny_multilabel_artifact):
    source = tmp_path / "in.jsonl"
    source.write_text('{"text": 1}\n' * 8_192 + '{"text": "song and story"}\n')
    predictor = textwright.load(tiny_multilabel_artifact)
    predict_file(predictor, source, tmp_path / "out.parquet", DataSettings(text_column="text"), skip_errors=True)
    last = parquet.read_table(tmp_path / "out.parquet").slice(8_192).to_pylist()[0]
    assert set(last["predicted_labels"]) == {"music", "plot"}
    assert last["text"] == "song and story"


@pytest.mark.parametrize(
    ("content", "first"),
    [
        ("id|text\n1|good\n2|bad\n", "id,text,predicted_label"),
        ('[{"text": "good"},\n{"text": "bad"}]\n', '{"text": "good", "predicted_label": "positive"'),
        ('\n{"text": "good"}\n{"text": "bad"}\n', '{"text": "good", "predicted_label": "positive"'),
    ],
)
def test_standard_input_to_standard_output(tiny_artifact, monkeypatch, capsys, content, first):
    stream = io.TextIOWrapper(io.BufferedReader(io.BytesIO(content.encode())))
    monkeypatch.setattr("sys.stdin", stream)
    assert run(["predict", str(tiny_artifact), "--input", "-", "--output", "-", "--json"]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith(first)
    assert len(shown.out.splitlines()) == content.strip().count("\n") + 1
    assert "2 rows" in shown.err


def test_what_cannot_come_through_standard_input_is_said(tiny_artifact, monkeypatch, capsys):
    for content, message in ((gzip.compress(b"text\n"), "decompress it"), (b"", "the file is empty")):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(content))))
        assert run(["predict", str(tiny_artifact), "--input", "-", "--output", "-"]) == 3
        assert message in capsys.readouterr().err
