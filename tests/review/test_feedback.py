"""Feedback of a real server, in SQLite and beside the records, joined with the texts that were recorded."""

from __future__ import annotations

import csv
import json

import pytest
from pyarrow import parquet
from starlette.testclient import TestClient

import textwright
from textwright.cli.main import run
from textwright.core.feedback_row import FeedbackRow
from textwright.data.load import read_source
from textwright.data.settings import DataSettings
from textwright.errors import DataError, NotFoundError, SettingsError
from textwright.review.feedback import join_feedback, read_feedback
from textwright.review.uncertain import read_records
from textwright.server.app import create_app
from textwright.server.settings import ServeSettings

TEXTS = ["a good film", "an awful film", "the story is great"]


@pytest.fixture(params=["sqlite", "parquet"])
def told(request, tmp_path, tiny_artifact):
    """Three texts were answered; the first was right, the second wrong after a second thought, the third unsaid."""
    records = tmp_path / "records"
    feedback = records if request.param == "parquet" else tmp_path / "feedback.db"
    settings = ServeSettings(record=records, record_texts=True, feedback=feedback)
    with TestClient(create_app(textwright.load(tiny_artifact, num_threads=1), settings)) as client:
        client.post("/v1/predict", json={"texts": TEXTS}, headers={"x-request-id": "r-1"})
        for position, label in [(0, "positive"), (1, "negative"), (1, "positive")]:
            body = {"request_id": "r-1", "position": position, "labels": [label]}
            assert client.post("/v1/feedback", json=body).status_code == 200
        client.post("/v1/feedback", json={"request_id": "elsewhere", "labels": ["negative"]})
        assert len(read_feedback(str(feedback))) == 4  # stored when it is answered
    return str(records), str(feedback)


def test_texts_with_feedback_become_a_labeled_file(told, tmp_path):
    records, feedback = told
    joined = join_feedback(records, feedback, tmp_path / "labeled.csv")
    assert joined == (3, 2, 1)
    with (tmp_path / "labeled.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["text"], row["label"], row["predicted_label"]) for row in rows] == [
        (TEXTS[0], "positive", "positive"),
        (TEXTS[1], "positive", "negative"),
    ]
    settings = DataSettings(label_column="label", text_column="text")
    assert read_source(str(tmp_path / "labeled.csv"), settings).texts == TEXTS[:2]


def test_the_command_says_what_to_train(told, tmp_path, capsys):
    records, feedback = told
    assert (
        run(["data", "feedback", records, "--feedback", feedback, "--out", str(tmp_path / "out.jsonl"), "--json"]) == 0
    )
    assert json.loads(capsys.readouterr().out)["num_joined"] == 2
    assert [json.loads(line)["label"] for line in (tmp_path / "out.jsonl").read_text().splitlines()] == ["positive"] * 2


def test_feedback_beside_records_disturbs_no_reader_of_them(told):
    records, _ = told
    assert sorted(read_records(records).texts) == sorted(TEXTS)


def test_several_labels_stay_a_list(tmp_path, tiny_multilabel_artifact):
    records = tmp_path / "records"
    settings = ServeSettings(record=records, record_texts=True, feedback=records)
    with TestClient(create_app(textwright.load(tiny_multilabel_artifact, num_threads=1), settings)) as client:
        names = client.get("/v1/model").json()["labels"]
        client.post("/v1/predict", json={"texts": ["the song", "the story"]}, headers={"x-request-id": "r"})
        for position, labels in [(0, names[:2]), (1, [])]:
            client.post("/v1/feedback", json={"request_id": "r", "position": position, "labels": labels})
    join_feedback(str(records), None, tmp_path / "out.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [row["label"] for row in rows] == [names[:2], []]


def test_what_cannot_be_joined_is_said(told, tmp_path, tiny_artifact):
    records, feedback = told
    with pytest.raises(NotFoundError, match="there is no feedback at"):
        join_feedback(records, str(tmp_path / "nowhere"), tmp_path / "out.csv")
    (tmp_path / "text.db").write_text("no database " * 100)
    with pytest.raises(DataError, match="name the file of textwright serve --feedback"):
        join_feedback(records, str(tmp_path / "text.db"), tmp_path / "out.csv")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFoundError, match="there are no records"):
        join_feedback(str(tmp_path / "empty"), feedback, tmp_path / "out.csv")
    other = tmp_path / "without-texts"
    with TestClient(create_app(textwright.load(tiny_artifact, num_threads=1), ServeSettings(record=other))) as client:
        client.post("/v1/predict", json={"texts": TEXTS}, headers={"x-request-id": "r-1"})
    with pytest.raises(DataError, match="--record-texts"):
        join_feedback(str(other), feedback, tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


def test_files_hold_what_sqlite_holds(tmp_path, tiny_artifact):
    settings = ServeSettings(record=tmp_path, feedback=tmp_path)
    with TestClient(create_app(textwright.load(tiny_artifact, num_threads=1), settings)) as client:
        client.post("/v1/feedback", json={"request_id": "a", "labels": ["positive"]})
    (file,) = tmp_path.glob("feedback-*.parquet")
    (row,) = parquet.read_table(file).to_pylist()
    assert tuple(row) == FeedbackRow._fields
    assert (row["request_id"], row["position"], row["labels"], row["key"]) == ("a", 0, ["positive"], None)


def test_another_folder_than_that_of_the_records_is_refused(tmp_path, tiny_artifact):
    predictor = textwright.load(tiny_artifact, num_threads=1)
    with pytest.raises(SettingsError, match="name a SQLite file, or the folder of --record"):
        create_app(predictor, ServeSettings(feedback=tmp_path))
    with pytest.raises(SettingsError, match="name a SQLite file, or the folder of --record"):
        create_app(predictor, ServeSettings(record=tmp_path / "a", feedback=tmp_path))
