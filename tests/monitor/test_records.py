"""Records are read as they were written, and what cannot be read is said in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from monitored import make_texts, multilabel, write_requests
from pyarrow import parquet

import textwright
from textwright.errors import DataError, NotFoundError
from textwright.monitor.records import read_records
from textwright.monitor.windows import NUM_WINDOWS, cut_by_time
from textwright.storage import locate


@pytest.fixture
def predictor(tiny_artifact):
    return textwright.load(tiny_artifact, num_threads=1)


def test_records_of_several_files_are_one_sample(predictor, tmp_path):
    first, second = make_texts(20, 0).texts, make_texts(10, 1).texts
    write_requests(predictor, first, tmp_path / "records-20260101T000000.0Z-a-1.parquet", keep_texts=True)
    write_requests(predictor, second, tmp_path / "records-20260102T000000.0Z-b-1.parquet", keep_texts=True)
    (tmp_path / "notes.parquet").write_text("of somebody else")
    records = read_records(locate(tmp_path), predictor.artifact, with_texts=True)
    assert (records.num_rows, records.num_files, records.num_other_versions) == (30, 2, 0)
    assert sorted(records.sample.texts) == sorted([*first, *second])
    said = predictor.predict(records.sample.texts)
    assert np.allclose(records.sample.confidences, [item.confidence for item in said])
    assert sum(records.sample.predicted_counts) == 30


def test_texts_that_were_not_recorded_are_not_there(predictor, tmp_path):
    write_requests(predictor, make_texts(10, 0).texts, tmp_path / "records-1.parquet")
    assert read_records(locate(tmp_path), predictor.artifact, with_texts=True).sample.texts == []


def test_several_labels_come_back(tiny_multilabel_artifact, tmp_path):
    predictor = textwright.load(tiny_multilabel_artifact, num_threads=1)
    examples = multilabel(20, 0)
    write_requests(predictor, examples.texts, tmp_path / "records-1.parquet")
    sample = read_records(locate(tmp_path / "records-1.parquet"), predictor.artifact).sample
    assert sample.predicted.shape == (20, 3)
    assert [int(row.sum()) for row in sample.predicted] == [len(it.labels) for it in predictor.predict(examples.texts)]


def test_where_a_model_abstained_its_most_probable_label_counts(tiny_abstaining_artifact, predictor, tmp_path):
    abstaining, texts = textwright.load(tiny_abstaining_artifact, num_threads=1), ["good", "good bad", "awful", "film"]
    write_requests(abstaining, texts, tmp_path / "records-1.parquet")
    sample = read_records(locate(tmp_path / "records-1.parquet"), abstaining.artifact).sample
    best = [predictor.labels.index[item.best_label] for item in abstaining.predict(texts)]
    assert sample.predicted.tolist() == best
    stored = parquet.read_table(tmp_path / "records-1.parquet")["labels"].to_pylist()
    assert stored == [["positive"], [], ["negative"], []]


def test_other_versions_are_counted_and_left_out(predictor, make_artifact, tmp_path):
    other = textwright.load(make_artifact("other"), num_threads=1)
    write_requests(predictor, make_texts(10, 0).texts, tmp_path / "records-1.parquet")
    write_requests(other, make_texts(6, 0).texts, tmp_path / "records-2.parquet")
    records = read_records(locate(tmp_path), predictor.artifact)
    assert (records.num_rows, records.num_other_versions) == (10, 6)


def test_only_the_last_hours_are_read(predictor, tmp_path):
    long_ago = datetime.now(UTC) - timedelta(hours=5)
    write_requests(predictor, make_texts(10, 0).texts, tmp_path / "records-1.parquet", first=long_ago, every_s=1)
    write_requests(predictor, make_texts(8, 0).texts, tmp_path / "records-2.parquet", every_s=1)
    assert read_records(locate(tmp_path), predictor.artifact, last_hours=1).num_rows == 8
    (tmp_path / "records-2.parquet").unlink()
    with pytest.raises(DataError, match="hours; leave --last-hours out"):
        read_records(locate(tmp_path), predictor.artifact, last_hours=0.0001)


def test_of_many_texts_evenly_spaced_ones_are_read(predictor, tmp_path):
    write_requests(predictor, make_texts(101, 0).texts, tmp_path / "records-1.parquet", every_s=1)
    records = read_records(locate(tmp_path), predictor.artifact, max_texts=11)
    assert (records.num_rows, len(records.sample)) == (101, 11)
    gaps = np.diff([time.timestamp() for time in records.sample.times])
    assert gaps.max() <= 6


def test_windows_cover_the_records(predictor, tmp_path):
    write_requests(predictor, make_texts(200, 0).texts, tmp_path / "records-1.parquet")
    sample = read_records(locate(tmp_path), predictor.artifact).sample
    windows = cut_by_time(sample)
    assert len(windows) == NUM_WINDOWS
    assert sum(window.num_texts for window in windows) == 200
    assert all(sum(share.value for share in window.label_shares) == pytest.approx(1) for window in windows)


def test_what_cannot_be_read_is_said_in_words(predictor, make_artifact, tmp_path):
    artifact = predictor.artifact
    with pytest.raises(NotFoundError, match="serve RUN --record"):
        read_records(locate(tmp_path / "nowhere"), artifact)
    with pytest.raises(DataError, match="there are records of: none at all"):
        read_records(locate(tmp_path), artifact)
    broken = tmp_path / "records-1.parquet"
    broken.write_bytes(b"PAR1 cut off")
    with pytest.raises(DataError, match="not a Parquet file that can be read"):
        read_records(locate(tmp_path), artifact)
    parquet.write_table(pa.table({"text": ["a"]}), broken)
    with pytest.raises(DataError, match="no column 'time'"):
        read_records(locate(tmp_path), artifact)
    write_requests(textwright.load(make_artifact("another"), num_threads=1), ["a", "b"], broken)
    with pytest.raises(DataError, match=r"no record is of tiny@.*Name the artifact that was served"):
        read_records(locate(tmp_path), artifact)
    write_requests(predictor, ["a", "b"], broken)
    table = parquet.read_table(broken)
    parquet.write_table(table.replace_schema_metadata({b"textwright.labels": b'["one", "two"]'}), broken)
    with pytest.raises(DataError, match="its labels are"):
        read_records(locate(tmp_path), artifact)
