"""Many files in, as many rows out, in order; refused where it could not be so."""

from __future__ import annotations

import csv
import json
import os
import sys

import pyarrow as pa
import pytest
from pyarrow import parquet
from scoring_process import contents

import textwright
from textwright.batch_predict import predict_file
from textwright.bulk.ledger import LEDGER
from textwright.bulk.run import score_files
from textwright.bulk.settings import ScoreSettings
from textwright.cli.main import run
from textwright.core.callbacks import Callback
from textwright.data.settings import DataSettings
from textwright.errors import DataError, MissingExtraError, NotFoundError, SettingsError

TEXTS = ["a good film", 'awful,\n"quoted"', "", "日本語 great", *(f"good {n} bad" for n in range(46))]
SMALL = ScoreSettings(workers=1, fragment_rows=7)


def write(path, texts=TEXTS):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        parquet.write_table(pa.table({"id": range(len(texts)), "text": texts}), path, row_group_size=10)
    elif path.suffix == ".csv":
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("id", "text"), *enumerate(texts)])
    else:
        rows = [json.dumps({"id": number, "text": text}) + "\n" for number, text in enumerate(texts)]
        path.write_text("".join(rows), encoding="utf-8")
    return path


def read(path):
    if path.suffix == ".parquet":
        return parquet.read_table(path).to_pylist()
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def records(out, pattern="*"):
    return [row for path in sorted(out.rglob(pattern)) if path.name[0] != "_" and path.is_file() for row in read(path)]


@pytest.mark.parametrize("given", ["parquet", "csv", "jsonl"])
@pytest.mark.parametrize("wanted", [None, "parquet", "csv", "jsonl"])
def test_every_row_comes_out_once_and_in_order(tmp_path, tiny_artifact, given, wanted):
    source, out = write(tmp_path / f"in.{given}"), tmp_path / "out"
    summary = score_files(tiny_artifact, str(source), str(out), settings=SMALL.model_copy(update={"format": wanted}))
    assert (summary.num_rows, summary.num_files, summary.num_errors) == (50, 8, 0)
    assert {path.suffix for path in out.iterdir() if path.name != LEDGER} == {f".{wanted or given}"}
    rows = records(out)
    assert [row["text"] for row in rows] == TEXTS
    assert [int(row["id"]) for row in rows] == list(range(50))
    expected = textwright.load(tiny_artifact).predict(TEXTS)
    assert [row["predicted_label"] for row in rows] == [item.label for item in expected]
    for label in ("negative", "positive"):
        probabilities = [float(row[f"probability_{label}"]) for row in rows]
        assert probabilities == pytest.approx([item.probabilities[label] for item in expected], abs=1e-6)


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_the_parts_hold_what_predict_writes_for_the_whole_file(tmp_path, tiny_artifact, suffix):
    source, out, whole = write(tmp_path / f"in.{suffix}"), tmp_path / "out", tmp_path / f"whole.{suffix}"
    if suffix != "parquet":
        with source.open("ab") as file:
            file.write(b'1,2,3\nbroken\n{"id": 7}\ncaf\xe9,x\n\n')
    predict_file(textwright.load(tiny_artifact), source, whole, DataSettings(), skip_errors=True)
    score_files(tiny_artifact, str(source), str(out), settings=SMALL)
    assert records(out) == read(whole)
    if suffix != "parquet":
        assert sum(bool(row["error"]) for row in read(whole)) >= 3


def test_a_parquet_file_keeps_its_schema(tmp_path, tiny_artifact):
    kinds = {
        "when": pa.timestamp("ns"),
        "tags": pa.map_(pa.string(), pa.int8()),
        "text": pa.dictionary(pa.int8(), pa.string()),
    }
    table = pa.table(
        {"when": [1, None], "tags": [[("a", 1)], None], "text": ["good", None]}, schema=pa.schema(kinds.items())
    )
    parquet.write_table(table.replace_schema_metadata({"k": "v"}), tmp_path / "in.parquet")
    score_files(tiny_artifact, str(tmp_path / "in.parquet"), str(tmp_path / "out"), settings=SMALL)
    (path,) = (tmp_path / "out").glob("*.parquet")
    scored = parquet.read_table(path)
    assert scored.select(["when", "tags", "text"]).equals(table)
    assert scored.schema.metadata[b"k"] == b"v"
    assert scored["error"].null_count == 2


def test_a_folder_and_a_pattern(tmp_path, tiny_artifact):
    for name in ("2023/a.csv", "2024/a.csv", "2024/deep/b.jsonl", "2024/_skip/c.csv", "2024/notes.txt"):
        write(tmp_path / "in" / name, TEXTS[:10])
    (tmp_path / "in" / "empty.csv").write_text("id,text\n")
    (tmp_path / "in" / "none.csv").touch()
    parquet.write_table(pa.table({"text": pa.array([], pa.string())}), tmp_path / "in" / "no-rows.parquet")
    summary = score_files(tiny_artifact, str(tmp_path / "in"), str(tmp_path / "all"), settings=SMALL)
    assert (summary.num_rows, summary.num_files) == (30, 6)
    assert max(contents(tmp_path / "all")) == "2024/deep/b-00001.jsonl"
    for pattern, count in (("*/a.csv", 20), ("2024/**/*.csv", 10), ("202[34]/*.csv", 20), ("**/b.js?nl", 10)):
        out = tmp_path / f"of {count} {pattern[0]}{pattern[5]}"
        summary = score_files(tiny_artifact, str(tmp_path / "in" / pattern), str(out), settings=SMALL)
        assert summary.num_rows == count, pattern


def test_a_pattern_that_matches_the_output_takes_none_of_it(tmp_path, tiny_artifact):
    write(tmp_path / "a.csv")
    for num_scored in (50, 0):
        summary = score_files(tiny_artifact, str(tmp_path / "**/*.csv"), str(tmp_path / "out"), settings=SMALL)
        assert (summary.num_rows, summary.num_scored) == (50, num_scored)


def test_csv_and_json_lines_need_no_extra(tmp_path, tiny_artifact, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] in ("pyarrow", "zstandard")]:
        monkeypatch.delitem(sys.modules, name)
    for name in ("pyarrow", "zstandard"):
        monkeypatch.setitem(sys.modules, name, None)
    for suffix in ("csv", "jsonl"):
        source = write(tmp_path / f"in.{suffix}")
        assert score_files(tiny_artifact, str(source), str(tmp_path / suffix), settings=SMALL).num_rows == 50
    with pytest.raises(MissingExtraError, match=r"textwright\[data\]"):
        score_files(tiny_artifact, "s3://bucket/key", str(tmp_path / "out"))


def test_the_most_probable_labels_alone(tmp_path, tiny_artifact, tiny_multilabel_artifact):
    source = write(tmp_path / "in.csv", ["song and story", "the"])
    one = ScoreSettings(workers=1, top_k=1)
    score_files(tiny_artifact, str(write(tmp_path / "b.csv", ["good", "bad"])), str(tmp_path / "b"), settings=one)
    first, second = records(tmp_path / "b")
    assert (first["top_1_label"], second["top_1_label"]) == ("positive", "negative")
    assert first["top_1_probability"] == first["confidence"]
    assert "probability_positive" not in first
    two = ScoreSettings(workers=1, top_k=2)
    score_files(tiny_multilabel_artifact, str(source), str(tmp_path / "out"), settings=two)
    row = records(tmp_path / "out")[0]
    assert {row["top_1_label"], row["top_2_label"]} == {"music", "plot"} == set(json.loads(row["predicted_labels"]))
    assert float(row["top_1_probability"]) >= float(row["top_2_probability"])
    with pytest.raises(SettingsError, match="top_k is 4, and the model has 3 labels"):
        score_files(tiny_multilabel_artifact, str(source), str(tmp_path / "no"), settings=ScoreSettings(top_k=4))


def test_stages_of_a_cascade_are_named(tmp_path, tiny_cascade):
    source = write(tmp_path / "in.jsonl", ["great great", "a subtle film"])
    score_files(tiny_cascade, str(source), str(tmp_path / "out"), settings=SMALL)
    assert [row["stage"] for row in records(tmp_path / "out")] == ["fast", "strong"]


def test_the_number_of_processes_changes_no_byte(tmp_path, tiny_artifact):
    source = write(tmp_path / "in.parquet")
    score_files(tiny_artifact, str(source), str(tmp_path / "one"), settings=SMALL)
    counts = []

    class Watcher(Callback):
        def on_progress(self, stage, done, total):  # noqa: ARG002
            counts.append((done, total))

    two = SMALL.model_copy(update={"workers": 2})
    score_files(tiny_artifact, str(source), str(tmp_path / "two"), settings=two, callback=Watcher())
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert counts[-1] == (50, 50)


class TestGoingOn:
    @pytest.fixture
    def scored(self, tmp_path, tiny_artifact):
        source = write(tmp_path / "in.csv")
        score_files(tiny_artifact, str(source), str(tmp_path / "out"), settings=SMALL)
        return source, tmp_path / "out"

    def again(self, artifact, source, out, settings=SMALL):
        return score_files(artifact, str(source), str(out), settings=settings)

    def test_nothing_is_done_twice(self, tiny_artifact, scored):
        before = {path: path.stat().st_mtime_ns for path in scored[1].iterdir()}
        summary = self.again(tiny_artifact, *scored)
        assert (summary.num_rows, summary.num_scored, summary.usd_per_million) == (50, 0, None)
        assert {path: path.stat().st_mtime_ns for path in scored[1].iterdir()} == before

    def test_what_is_missing_or_cut_is_scored_again(self, tiny_artifact, scored):
        before = contents(scored[1])
        (scored[1] / "in-00001.csv").unlink()
        (scored[1] / "in-00003.csv").write_text("id,te")
        assert self.again(tiny_artifact, *scored).num_scored == 14
        assert contents(scored[1]) == before

    def test_a_changed_file_is_refused(self, tiny_artifact, scored):
        os.utime(scored[0], (1, 1))  # copied, and so younger or older, but the same
        assert self.again(tiny_artifact, *scored).num_scored == 0
        scored[0].write_text(scored[0].read_text().replace("film", "flim"))
        with pytest.raises(DataError, match=r"in\.csv has changed since it was planned"):
            self.again(tiny_artifact, *scored)

    def test_another_model_is_refused(self, make_artifact, scored):
        with pytest.raises(SettingsError, match=r"was begun with tiny fp32 .version .* and this is tiny fp32"):
            self.again(make_artifact(temperature=2.0), *scored)

    def test_other_settings_are_refused(self, tiny_artifact, scored):
        with pytest.raises(SettingsError, match="begun with fragment-rows 7, and this is 8"):
            self.again(tiny_artifact, *scored, SMALL.model_copy(update={"fragment_rows": 8}))

    def test_further_files_of_a_folder_are_added(self, tmp_path, tiny_artifact):
        write(tmp_path / "in" / "a.csv")
        self.again(tiny_artifact, tmp_path / "in", tmp_path / "o")
        write(tmp_path / "in" / "b.csv")
        assert self.again(tiny_artifact, tmp_path / "in", tmp_path / "o").num_scored == 50
        (tmp_path / "in" / "a.csv").unlink()
        with pytest.raises(DataError, match=r"a\.csv was an input .* and is not one any more"):
            self.again(tiny_artifact, tmp_path / "in", tmp_path / "o")

    def test_a_ledger_that_is_none_is_refused(self, tiny_artifact, scored):
        (scored[1] / LEDGER).write_text('{"format_version": 1}')
        with pytest.raises(DataError, match="is no ledger of textwright"):
            self.again(tiny_artifact, *scored)
        (scored[1] / LEDGER).write_text('{"format_version": 2}')
        with pytest.raises(DataError, match="upgrade textwright"):
            self.again(tiny_artifact, *scored)


def test_what_cannot_be_scored_is_refused(tmp_path, tiny_artifact):
    source = write(tmp_path / "in" / "a.csv")
    for given, out, error, message in (
        ("no.csv", "out", NotFoundError, "no file or folder"),
        ("in/*.parquet", "out", NotFoundError, "no file matches"),
        ("in", "in/out", SettingsError, "lies in, the input"),
        ("in/a.csv", "in", SettingsError, "did not begin it"),
        ("in/a.csv", "in/a.csv", SettingsError, "lies in, the input"),
    ):
        with pytest.raises(error, match=message):
            score_files(tiny_artifact, str(tmp_path / given), str(tmp_path / out))
    with pytest.raises(SettingsError, match="give a path of this machine, or s3://BUCKET/KEY"):
        score_files(tiny_artifact, "gs://bucket/key", str(tmp_path / "out"))
    source.write_text("text,confidence\ngood,high\n")
    with pytest.raises(DataError, match="'confidence' already"):
        score_files(tiny_artifact, str(source), str(tmp_path / "out"))
    source.write_text("id,text\n1\n2\n")
    with pytest.raises(DataError, match=r"none of 2 rows can be scored; the first: .*line 2"):
        score_files(tiny_artifact, str(source), str(tmp_path / "out"))
    write(tmp_path / "in" / "a.jsonl")
    csv_of_both = ScoreSettings(workers=1, format="csv")
    with pytest.raises(DataError, match=r"two input files would be written to a-00000\.csv"):
        score_files(tiny_artifact, str(tmp_path / "in"), str(tmp_path / "both"), settings=csv_of_both)


def test_the_command_line(tmp_path, tiny_artifact, capsys):
    source = write(tmp_path / "in.csv")
    arguments = ["score", str(tiny_artifact), str(source), "--out", str(tmp_path / "out"), "--workers", "1"]
    assert run([*arguments, "--instance-type", "c7i.large"]) == 0
    assert "50 rows in 1 output file:" in (shown := capsys.readouterr().out)
    assert " a million" in shown
    assert run([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["num_scored"] == 0
    assert run([*arguments, "--top-k", "0"]) == 2
    assert run([*arguments, "--address", "auto"]) == 0  # nothing is left to do
