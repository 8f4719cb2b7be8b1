"""What is recorded is what was answered; and recording takes no answer away, whatever happens to it."""

from __future__ import annotations

import json
import os
import threading
from datetime import UTC, datetime, timedelta

import pytest
from pyarrow import parquet
from starlette.testclient import TestClient

from textwright.core.prediction_record import PredictionRecord
from textwright.errors import SettingsError
from textwright.server.app import create_app
from textwright.server.settings import ServeSettings
from textwright.server.telemetry import recorder as module
from textwright.server.telemetry.recorder import Recorder, remove_old
from textwright.storage import locate

TEXTS = ["a good film", "an awful film", "unheard of " * 20]


def rows_of(folder):
    return [row for path in sorted(folder.glob("records-*.parquet")) for row in parquet.read_table(path).to_pylist()]


def counted(metrics, name):
    lines = [line for line in metrics.splitlines() if line.startswith(f"textwright_{name}")]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


@pytest.fixture
def serve(predictor, tmp_path):
    def begin(**fields):
        return TestClient(create_app(predictor, ServeSettings(record=tmp_path / "records", **fields)))

    return begin


def test_a_row_holds_what_was_answered(serve, predictor, tmp_path):
    with serve() as client:
        answer = client.post("/v1/predict", json={"texts": TEXTS})
        other = client.post("/v1/predict", json={"text": "bad"}, headers={"x-request-id": "mine-7"})
    rows = rows_of(tmp_path / "records")
    assert [row["request_id"] for row in rows] == [answer.headers["x-request-id"]] * 3 + ["mine-7"]
    assert other.headers["x-request-id"] == "mine-7"
    assert [row["position"] for row in rows] == [0, 1, 2, 0]
    assert tuple(rows[0]) == PredictionRecord._fields
    for row, said in zip(rows, answer.json()["predictions"], strict=False):
        assert row["labels"] == [said["label"]]
        assert row["probabilities"] == pytest.approx(list(said["probabilities"].values()), abs=1e-6)
        assert row["confidence"] == pytest.approx(said["probabilities"][said["label"]], abs=1e-6)
        assert (row["truncated"], row["stage"], row["text"]) == (said["truncated"], None, None)
    assert [row["num_tokens"] for row in rows[:3]] == predictor.encode(TEXTS).lengths.tolist()
    assert rows[2]["unknown_rate"] == 1.0
    assert rows[0]["version"] == predictor.artifact.version
    metadata = parquet.read_schema(next((tmp_path / "records").glob("*.parquet"))).metadata
    assert json.loads(metadata[b"textwright.labels"]) == ["negative", "positive"]


def test_texts_are_recorded_only_when_asked_for(serve, tmp_path):
    with serve(record_texts=True) as client:
        client.post("/v1/predict", json={"texts": TEXTS})
    assert [row["text"] for row in rows_of(tmp_path / "records")] == TEXTS


def test_every_protocol_is_recorded_and_refusals_are_not(serve, tmp_path):
    with serve(max_texts=3) as client:
        client.post("/predict", json={"inputs": "a good film"})
        client.post("/invocations", json={"text": "a bad film"})
        client.post("/v1/predict", json={"text": "great", "explain": True})
        assert client.post("/v1/predict", json={"texts": ["a"] * 4}).status_code == 422
    assert [row["labels"] for row in rows_of(tmp_path / "records")] == [["positive"], ["negative"], ["positive"]]


def test_a_full_queue_drops_records_and_answers_all_the_same(serve, tmp_path, monkeypatch):
    """The thread stands still, as on a slow disk: nobody waits for it, and what is lost is counted."""
    stands, goes_on = threading.Event(), threading.Event()

    def stand_still(*_arguments, **_fields):
        stands.set()
        goes_on.wait(20)
        return []

    monkeypatch.setattr(module, "_QUEUE_TEXTS", 3)
    monkeypatch.setattr(module, "describe_request", stand_still)
    with serve() as client:
        try:
            client.post("/v1/predict", json={"text": "good"})
            assert stands.wait(20)
            answers = [client.post("/v1/predict", json={"texts": ["good", "bad"]}) for _ in range(5)]
            metrics = client.get("/metrics").text
        finally:
            goes_on.set()
    assert {answer.status_code for answer in answers} == {200}
    assert counted(metrics, "record_dropped_texts_total") == 8


def test_a_disk_that_takes_no_more_loses_records_and_no_answer(serve, tmp_path, monkeypatch):
    def refuse(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "write_records", refuse)
    with serve(record_rotate_s=0.02) as client:
        assert client.post("/v1/predict", json={"texts": ["good", "bad"]}).status_code == 200
        recorder = client.app.state.recorder
        recorder.close()
        assert counted(client.get("/metrics").text, "record_dropped_texts_total") == 2
    assert list((tmp_path / "records").iterdir()) == []


def test_a_request_that_cannot_be_described_is_counted(serve, tmp_path, monkeypatch):
    calls = []

    def fail_once(request, *, keep_texts):
        calls.append(request)
        if len(calls) == 1:
            raise ValueError("a defect")
        return describe(request, keep_texts=keep_texts)

    describe = module.describe_request
    monkeypatch.setattr(module, "describe_request", fail_once)
    with serve() as client:
        client.post("/v1/predict", json={"text": "good"})
        client.post("/v1/predict", json={"text": "bad"})
        client.app.state.recorder.close()
        metrics = client.get("/metrics").text
    assert counted(metrics, "record_dropped_texts_total") == 1
    assert counted(metrics, "recorded_texts_total") == 1
    assert [row["labels"] for row in rows_of(tmp_path / "records")] == [["negative"]]


def test_files_are_written_as_time_passes(serve, tmp_path):
    with serve(record_rotate_s=0.05) as client:
        client.post("/v1/predict", json={"text": "good"})
        for _ in range(400):
            if rows_of(tmp_path / "records"):
                break
            threading.Event().wait(0.01)
        assert len(rows_of(tmp_path / "records")) == 1  # while the server runs
        client.post("/v1/predict", json={"text": "bad"})
    assert len(list((tmp_path / "records").iterdir())) == 2


def test_a_large_file_is_written_before_its_time(serve, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_FILE_ROWS", 2)
    with serve() as client:
        for _ in range(3):
            client.post("/v1/predict", json={"texts": ["good", "bad"]})
    assert len(list((tmp_path / "records").glob("records-*.parquet"))) == 3


def test_the_folder_is_bounded_and_the_oldest_go_first(tmp_path):
    now = datetime(2026, 3, 10, tzinfo=UTC)
    for day in range(1, 9):
        name = f"records-{(now - timedelta(days=day)).strftime('%Y%m%dT%H%M%S.%fZ')}-a-1.parquet"
        (tmp_path / name).write_bytes(b"x" * 100)
    (tmp_path / "notes.txt").write_bytes(b"x" * 1000)
    leftover = tmp_path / ".records-20260101T000000.0Z-a-1.parquet.abcd1234"
    leftover.write_bytes(b"")
    os.utime(leftover, (0, 0))
    remove_old(locate(tmp_path), now - timedelta(days=5, hours=1), 10_000)
    days = sorted(path.name.split("-")[1][:8] for path in tmp_path.glob("records-*"))
    assert days == ["20260305", "20260306", "20260307", "20260308", "20260309"]
    remove_old(locate(tmp_path), now - timedelta(days=5, hours=1), 250)
    assert sorted(path.name.split("-")[1][:8] for path in tmp_path.glob("records-*")) == ["20260308", "20260309"]
    assert [path.name for path in tmp_path.iterdir() if "records" not in path.name] == ["notes.txt"]
    assert not leftover.exists()


def test_a_folder_that_cannot_be_written_is_said_at_the_start(predictor, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match=r"--record .*name a folder that this user can write to"):
        create_app(predictor, ServeSettings(record=tmp_path / "file" / "records"))


def test_nothing_is_recorded_unless_asked_for(predictor):
    assert create_app(predictor).state.recorder is None


def test_a_cascade_says_which_stage_answered(tiny_cascade, tmp_path):
    import textwright

    settings = ServeSettings(record=tmp_path)
    with TestClient(create_app(textwright.load(tiny_cascade, num_threads=1), settings)) as client:
        client.post("/v1/predict", json={"texts": ["great great", "a subtle film"]})
    assert [row["stage"] for row in rows_of(tmp_path)] == ["fast", "strong"]


def test_a_recorder_needs_a_folder(predictor):
    with pytest.raises(SettingsError):
        Recorder(ServeSettings(), metrics=None)
