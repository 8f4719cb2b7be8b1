"""Queues of uncertain texts: of a file, of a built-in source's form, and of what a server has recorded."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

import textwright
from textwright.core.callbacks import Callback
from textwright.core.labels import Task
from textwright.data.settings import DataSettings
from textwright.errors import DataError
from textwright.review.settings import ReviewSettings
from textwright.review.start import make_queue
from textwright.review.uncertain import is_records, queue_of_uncertain, read_records, score_file

TEXTS = ["the good", "good bad", "good bad", "the awful", "a film", "great great"]


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "texts.csv"
    path.write_text("id,text\n" + "".join(f"{number},{text}\n" for number, text in enumerate(TEXTS)) + "7,\n")
    return path


def queue_of(source, artifact, **settings):
    return make_queue(str(source), artifact, ReviewSettings(**settings), DataSettings(), Callback())


def test_a_model_that_abstains_suggests_its_most_probable_label(source, tiny_artifact, tiny_abstaining_artifact):
    plain, abstaining = (queue_of(source, path) for path in (tiny_artifact, tiny_abstaining_artifact))
    assert [item.suggested for item in abstaining.items] == [item.suggested for item in plain.items]


def test_uncertain_texts_come_first_each_once_with_their_lines(source, tiny_artifact):
    queue = queue_of(source, tiny_artifact)
    texts = [item.text for item in queue.items]
    assert sorted(texts) == sorted(set(TEXTS))
    certain = textwright.load(tiny_artifact).predict(texts)
    assert certain[0].confidence == min(item.confidence for item in certain)
    assert {item.line for item in queue.items if item.text == "good bad"} == {3}
    assert queue.labels == ("negative", "positive")
    assert all(item.given is None and item.suggested for item in queue.items)


def test_no_more_than_asked_for(source, tiny_artifact):
    assert len(queue_of(source, tiny_artifact, num_texts=2).items) == 2


def test_a_multi_label_model_makes_a_multi_label_queue(source, tiny_multilabel_artifact):
    assert queue_of(source, tiny_multilabel_artifact).task is Task.MULTI_LABEL


def test_a_file_without_a_text_is_said(tmp_path, tiny_artifact):
    (tmp_path / "none.csv").write_text("text\n\n")
    with pytest.raises(DataError, match=r"none\.csv"):
        score_file(tmp_path / "none.csv", textwright.load(tiny_artifact), DataSettings(), Callback())


def write_records(folder, rows, labels=("bad", "good")):
    folder.mkdir(exist_ok=True)
    schema = pa.schema(
        [
            ("request_id", pa.string()),
            ("position", pa.int32()),
            ("labels", pa.list_(pa.string())),
            ("probabilities", pa.list_(pa.float32())),
            ("text", pa.string()),
        ],
        metadata={b"textwright.labels": json.dumps(labels).encode()},
    )
    parquet.write_table(pa.Table.from_pylist(rows, schema), folder / f"{len(list(folder.iterdir()))}.parquet")


def record(number, text, good):
    shares = [1 - good, good]
    label = ["bad", "good"][int(np.argmax(shares))]
    return {"request_id": f"r{number}", "position": 1, "labels": [label], "probabilities": shares, "text": text}


def test_recorded_texts_are_asked_about_by_their_request(tmp_path):
    folder = tmp_path / "records"
    write_records(folder, [record(1, "sure thing", 0.99), record(2, None, 0.5)])
    write_records(folder, [record(3, "who knows", 0.52)])
    assert is_records(str(folder))
    queue = queue_of_uncertain(read_records(str(folder)), 10)
    assert [(item.file, item.line, item.text) for item in queue.items] == [
        ("r3", 1, "who knows"),
        ("r1", 1, "sure thing"),
    ]
    assert queue.task is Task.SINGLE_LABEL
    assert queue_of(folder, None).items == queue.items


def test_records_without_texts_or_of_two_models_are_refused(tmp_path):
    folder = tmp_path / "records"
    write_records(folder, [record(1, None, 0.9)])
    with pytest.raises(DataError, match="--record-texts"):
        read_records(str(folder))
    write_records(folder, [record(2, "text", 0.9)], labels=("no", "yes"))
    with pytest.raises(DataError, match="other labels"):
        read_records(str(folder))


def test_other_folders_are_no_records(tmp_path, source):
    assert not is_records(str(tmp_path))
    assert not is_records(str(source))
    assert not is_records("bbc-news")
