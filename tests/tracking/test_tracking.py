"""Trainings that are tracked, with the real libraries: an MLflow server, a served model, a run of W&B, no telemetry."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = pytest.mark.tracking

ROWS = [
    (f"a {word} film about number {number}", label)
    for number in range(60)
    for word, label in (("great", "pos"), ("awful", "neg"))
]
TEXTS = ["a great film", "an awful film", "nothing of either", ""]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class RecordingProxy:
    """A proxy that lets nothing through and notes what was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._answer, daemon=True).start()

    def _answer(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection:
                self.asked.append(connection.recv(4096).split(b"\r\n")[0].decode())
                connection.sendall(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n")


@pytest.fixture(scope="module")
def proxy():
    return RecordingProxy()


@pytest.fixture(scope="module")
def env(proxy, tmp_path_factory):
    """An environment of a user who has set nothing, behind the proxy."""
    prefixes = ("MLFLOW_", "WANDB_", "CI", "DO_NOT_TRACK", "PYTEST")
    plain = {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}
    home = str(tmp_path_factory.mktemp("home"))
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), proxy.url)
    local = {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
    path = os.pathsep.join([str(Path(sys.executable).parent), plain["PATH"]])  # as in an active environment
    return {**plain, **proxies, **local, "HOME": home, "XDG_CACHE_HOME": home, "PATH": path}


@contextmanager
def running(command: list[str], address: str, env: dict[str, str], log: Path) -> Iterator[None]:
    """Run a server until the block ends, once ``address`` answers."""
    with log.open("w") as output, subprocess.Popen(command, stdout=output, stderr=output, env=env) as process:
        try:
            end = time.monotonic() + 240
            while True:
                try:
                    urllib.request.urlopen(address, timeout=5).read()
                    break
                except OSError:
                    assert process.poll() is None, log.read_text()
                    assert time.monotonic() < end, log.read_text()
                    time.sleep(0.3)
            yield
        finally:
            process.terminate()
            process.wait(30)


def train(folder, env, *words):
    """Train as a user does; return the finished process."""
    source = folder / "rows.csv"
    source.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in ROWS))
    command = [sys.executable, "-m", "textwright", "train", str(source), "--out", str(folder / "run")]
    family = [
        "--family",
        "bow",
        "--num-epochs",
        "3",
        "--min-steps",
        "1",
        "--no-baselines",
        "--model.embedding-dim",
        "8",
    ]
    return subprocess.run([*command, *family, *words], capture_output=True, text=True, env=env, cwd=folder, check=False)


def control(env):
    """Send one request into the world, to show that the proxy notes what is sent."""
    code = "import requests\ntry:\n    requests.get('https://example.invalid/control')\nexcept OSError:\n    pass"
    subprocess.run([sys.executable, "-c", code], env=env, check=True)


@pytest.fixture(scope="module")
def mlflow_run(tmp_path_factory, env):
    """A training that a server has recorded; yields its folder, the server's address and an environment."""
    folder, port = tmp_path_factory.mktemp("mlflow"), free_port()
    address = f"http://127.0.0.1:{port}"
    store = ["--backend-store-uri", f"sqlite:///{folder}/store.db", "--artifacts-destination", str(folder / "models")]
    server = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1", *store]
    tracked = {**env, "MLFLOW_TRACKING_URI": address}
    quiet = {**tracked, "MLFLOW_DISABLE_TELEMETRY": "true"}
    with running(server, f"{address}/health", quiet, folder / "server.log"):
        done = train(folder, tracked, "--track", "mlflow", "--json")
        assert done.returncode == 0, done.stderr
        yield folder, json.loads(done.stdout), quiet


def test_mlflow_has_parameters_epochs_metrics_and_tags(mlflow_run, monkeypatch):
    folder, result, env = mlflow_run
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    from mlflow import MlflowClient

    client = MlflowClient(env["MLFLOW_TRACKING_URI"])
    (run,) = client.search_runs([client.get_experiment_by_name("textwright").experiment_id])
    assert run.info.status == "FINISHED"
    assert run.data.params["num_epochs"] == "3"
    assert run.data.params["model.embedding_dim"] == "8"
    history = [json.loads(line) for line in (folder / "run/history.jsonl").read_text().splitlines()]
    recorded = client.get_metric_history(run.info.run_id, "validation/loss")
    assert [(item.step, item.value) for item in recorded] == [(row["epoch"], row["validation_loss"]) for row in history]
    assert run.data.metrics["test/accuracy"] == result["metrics"]["accuracy"]["value"]
    assert run.data.metrics["test/accuracy_low"] == result["metrics"]["accuracy"]["low"]
    assert run.data.tags["textwright.model"] == f"{result['name']}@{result['version']}"


def test_mlflow_serves_the_model_with_its_signature(mlflow_run, monkeypatch):
    folder, _, env = mlflow_run
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    import mlflow

    import textwright

    mlflow.set_tracking_uri(env["MLFLOW_TRACKING_URI"])
    (model,) = mlflow.search_logged_models(
        experiment_ids=[mlflow.get_experiment_by_name("textwright").experiment_id], output_format="list"
    )
    signature = mlflow.models.get_model_info(model.model_uri).signature
    assert signature.inputs.input_names() == ["text"]
    assert signature.outputs.input_names()[:2] == ["predicted_label", "confidence"]
    port = free_port()
    words = ["models", "serve", "-m", model.model_uri, "--port", str(port), "--env-manager", "local"]
    address = f"http://127.0.0.1:{port}"
    with running([sys.executable, "-m", "mlflow", *words], f"{address}/ping", env, folder / "serve.log"):
        body = json.dumps({"dataframe_records": [{"text": text} for text in TEXTS]}).encode()
        request = urllib.request.Request(f"{address}/invocations", body, {"content-type": "application/json"})
        rows = json.loads(urllib.request.urlopen(request, timeout=60).read())["predictions"]
    local = textwright.load(folder / "run").predict(TEXTS)
    assert [row["predicted_label"] for row in rows] == [item.label for item in local]
    assert [row["probability_pos"] for row in rows] == pytest.approx(
        [item.probabilities["pos"] for item in local], abs=1e-6
    )


def test_no_telemetry_of_mlflow_is_sent(mlflow_run, proxy, env):
    assert proxy.asked == []
    control(env)
    assert any("example.invalid" in line for line in proxy.asked)
    proxy.asked.clear()


def test_a_server_that_is_not_there_is_said_before_training(tmp_path, env):
    done = train(tmp_path, {**env, "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{free_port()}"}, "--track", "mlflow")
    assert done.returncode == 5
    assert "does not take the run" in done.stderr
    assert "MLFLOW_TRACKING_URI" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run/artifact").exists()


def test_weights_and_biases_records_offline_and_sends_nothing(tmp_path, env, proxy):
    proxy.asked.clear()
    done = train(tmp_path, env, "--track", "wandb", "--json")
    assert done.returncode == 0, done.stderr
    (written,) = (tmp_path / "run/wandb").glob("offline-run-*/run-*.wandb")
    values = read_wandb(written)
    assert values["summary"]["test/accuracy"] == json.loads(done.stdout)["metrics"]["accuracy"]["value"]
    assert len(values["epochs"]) == 3
    assert values["config"]["num_epochs"] == 3
    assert values["artifacts"] == [json.loads(done.stdout)["name"]]
    assert values["hosts"] == {"unknown"}, "the name of the machine is recorded"
    raw = written.read_bytes()
    assert b"a great film about" not in raw, "texts are recorded"
    assert proxy.asked == []


def wandb_records(raw, header=7, block=32_768):
    """Yield the records of a file of wandb: LevelDB's log behind a header of 7 bytes."""
    at, parts = header, []
    while at + 7 <= len(raw):
        if block - at % block < 7:  # what is left of a block holds no record
            at += block - at % block
            continue
        length, kind = int.from_bytes(raw[at + 4 : at + 6], "little"), raw[at + 6]
        parts.append(raw[at + 7 : at + 7 + length])
        at += 7 + length
        if kind in (1, 4):  # whole, or the last part
            yield b"".join(parts)
            parts = []


def read_wandb(path):
    """Read what a run recorded."""
    from wandb.proto import wandb_internal_pb2

    values = {"summary": {}, "epochs": [], "config": {}, "artifacts": [], "hosts": set()}
    for data in wandb_records(path.read_bytes()):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        match record.WhichOneof("record_type"):
            case "history":
                row = {
                    item.key or ".".join(item.nested_key): json.loads(item.value_json) for item in record.history.item
                }
                values["epochs"] += [row["epoch"]] if "epoch" in row else []
            case "summary":
                values["summary"] |= {
                    item.key or ".".join(item.nested_key): json.loads(item.value_json) for item in record.summary.update
                }
            case "run":
                values["hosts"].add(record.run.host)
                values["config"] |= {item.key: json.loads(item.value_json) for item in record.run.config.update}
            case "artifact":
                values["artifacts"].append(record.artifact.name)
    return values
