"""Records in S3 are bounded, and read by ``monitor`` and ``review``; an S3 that fails costs no answer."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime, timedelta

import pytest
from monitored import make_texts, with_profile
from pyarrow import parquet
from rehearsal import REGION
from starlette.testclient import TestClient

import textwright
from textwright.cli.main import run
from textwright.core.prediction_record import RECORD_FILES
from textwright.errors import NotFoundError, SettingsError
from textwright.monitor.monitoring import monitor
from textwright.monitor.settings import MonitorSettings
from textwright.review.uncertain import is_records, read_records
from textwright.server.app import create_app
from textwright.server.settings import ServeSettings
from textwright.server.telemetry.recorder import remove_old
from textwright.storage import locate

TARGET = "ec2"
FOLDER = "s3://traffic/records"
TEXTS = make_texts(40, 0).texts


@pytest.fixture
def bucket(aws):
    s3 = aws("s3")
    s3.create_bucket(Bucket="traffic", CreateBucketConfiguration={"LocationConstraint": REGION})
    return s3


@pytest.fixture
def predictor(first):
    return textwright.load(first, num_threads=1)


def ask(client, texts=TEXTS):
    answer = client.post("/v1/predict", json={"texts": list(texts)})
    assert answer.status_code == 200
    return answer.headers["x-request-id"]


def dropped(client):
    lines = client.get("/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("textwright_record_dropped_texts_total{"))


def test_what_is_recorded_in_s3_is_what_monitor_and_review_read(bucket, predictor, tmp_path):
    artifact = with_profile(predictor, make_texts(200, 1), tmp_path)
    settings = ServeSettings(record=FOLDER, record_texts=True)
    with TestClient(create_app(textwright.load(artifact, num_threads=1), settings)) as client:
        request_id = ask(client)
        assert dropped(client) == 0
    (key,) = [item["Key"] for item in bucket.list_objects_v2(Bucket="traffic")["Contents"] if item["Size"]]
    assert key.startswith("records/records-")
    report = monitor(artifact, FOLDER, MonitorSettings())
    assert (report.num_texts, report.records) == (len(TEXTS), FOLDER)
    assert run(["monitor", str(artifact), f"s3://traffic/{key}", "--json"]) == 0
    assert is_records(FOLDER)
    scored = read_records(FOLDER)
    assert (sorted(scored.texts), set(scored.files)) == (sorted(TEXTS), {request_id})


def test_files_in_s3_are_bounded_and_the_oldest_go_first(bucket):
    now = datetime(2026, 3, 10, tzinfo=UTC)
    for day in range(1, 7):
        name = f"records-{(now - timedelta(days=day)).strftime('%Y%m%dT%H%M%S.%fZ')}-a-1.parquet"
        bucket.put_object(Bucket="traffic", Key=f"records/{name}", Body=b"x" * 100)
    bucket.put_object(Bucket="traffic", Key="records/older/records-20200101T000000.0Z-a-1.parquet", Body=b"x")
    bucket.put_object(Bucket="traffic", Key="records/notes.txt", Body=b"x" * 1000)
    folder = locate(FOLDER)
    remove_old(folder, now - timedelta(days=4, hours=1), 10_000)
    assert [file.name.split("-")[1][6:8] for file, _ in folder.members(RECORD_FILES)] == ["06", "07", "08", "09"]
    remove_old(folder, now - timedelta(days=4, hours=1), 250)
    assert [file.name.split("-")[1][6:8] for file, _ in folder.members(RECORD_FILES)] == ["08", "09"]
    keys = {item["Key"] for item in bucket.list_objects_v2(Bucket="traffic")["Contents"]}
    assert {"records/older/records-20200101T000000.0Z-a-1.parquet", "records/notes.txt"} <= keys


def test_a_bucket_that_is_not_there_is_said_at_the_start(bucket, predictor):
    with pytest.raises(SettingsError, match=r"--record s3://nobody/records: .*NO_SUCH_BUCKET.*; check the address"):
        create_app(predictor, ServeSettings(record="s3://nobody/records"))
    with pytest.raises(SettingsError, match="give a path of this machine, or s3://BUCKET/KEY"):
        create_app(predictor, ServeSettings(record="gs://traffic/records"))
    with pytest.raises(NotFoundError, match="there are no records at s3://traffic/nothing"):
        monitor(predictor.artifact.path, "s3://traffic/nothing", MonitorSettings(), reference="movie-reviews")


def test_a_bucket_that_goes_away_loses_records_and_no_answer(bucket, predictor):
    with TestClient(create_app(predictor, ServeSettings(record=FOLDER, record_rotate_s=0.02))) as client:
        for key in [item["Key"] for item in bucket.list_objects_v2(Bucket="traffic").get("Contents", [])]:
            bucket.delete_object(Bucket="traffic", Key=key)
        bucket.delete_bucket(Bucket="traffic")
        ask(client)
        client.app.state.recorder.close()
        assert dropped(client) == len(TEXTS)


def test_an_s3_that_hangs_keeps_no_answer_waiting(bucket, predictor, emulator):
    """The emulator is stopped in the midst, as a network that swallows packets."""
    process = int((emulator / "pid").read_text())
    with TestClient(create_app(predictor, ServeSettings(record=FOLDER, record_rotate_s=0.02))) as client:
        os.kill(process, signal.SIGSTOP)
        try:
            began = datetime.now(UTC)
            for _ in range(20):
                ask(client)
            assert datetime.now(UTC) - began < timedelta(seconds=3)
        finally:
            os.kill(process, signal.SIGCONT)
        client.app.state.recorder.close()
        recorded = sum(len(read_table(file)) for file, _ in locate(FOLDER).members(RECORD_FILES))
        assert recorded + dropped(client) == 20 * len(TEXTS)


def read_table(file):
    with file.open() as opened:
        return parquet.read_table(opened)
