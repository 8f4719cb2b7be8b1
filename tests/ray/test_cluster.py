"""Ray's actors write what the local engine writes, also when a machine of the cluster is lost; run by ``.ci/ray``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import psutil
import pyarrow as pa
import pytest
from pyarrow import parquet
from scoring_process import contents, num_done, start, wait_until

from textwright.bulk.run import score_files
from textwright.bulk.settings import ScoreSettings
from textwright.core import artifact as artifacts
from textwright.deploy.package import context
from textwright.deploy.package.dependency_closure import Locked
from textwright.deploy.package.packaging import package
from textwright.deploy.package.settings import PackageSettings
from textwright.deploy.targets import find_format
from textwright.errors import SettingsError

pytestmark = pytest.mark.ray

NUM_ROWS = 800
RAY = Path(sys.executable).with_name("ray")


@pytest.fixture
def source(tmp_path) -> Path:
    path = tmp_path / "in.jsonl"
    rows = [json.dumps({"id": number, "text": f"good {number} " + "the " * 12}) + "\n" for number in range(NUM_ROWS)]
    path.write_text("".join([*rows, "no JSON\n"]))
    return path


class Node:
    """One ``ray start`` with everything that it started."""

    def __init__(self, log: Path, *flags: str) -> None:
        command = [str(RAY), "start", "--block", "--num-cpus", "2", "--disable-usage-stats", *flags]
        with log.open("w") as file:
            self._process = subprocess.Popen(command, stdout=file, stderr=file)
        wait_until(lambda: "Ray runtime started" in log.read_text() or self._process.poll() is not None)
        assert self._process.poll() is None, log.read_text()

    def kill(self) -> None:
        """End every process at once, with no time to say farewell."""
        if self._process.poll() is not None:
            return
        processes = [*psutil.Process(self._process.pid).children(recursive=True), psutil.Process(self._process.pid)]
        for process in processes:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        self._process.wait(60)


@pytest.fixture
def cluster(unused_port, tmp_path, monkeypatch) -> Iterator[tuple[str, Node]]:
    """Start two nodes; gives the address, and the node that may be killed."""
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    address = f"127.0.0.1:{unused_port}"
    head = Node(tmp_path / "head.log", "--head", "--port", str(unused_port), "--include-dashboard", "false")
    try:
        other = Node(tmp_path / "other.log", "--address", address)
        try:
            yield address, other
        finally:
            other.kill()
    finally:
        head.kill()


def test_the_rayjobs_entrypoint_scores_as_the_local_engine_does(make_artifact, cluster, tmp_path, monkeypatch):
    """The manifest's own command, with the folders of the pods in their place; KubeRay tells the address as here."""
    import yaml

    monkeypatch.setattr(context, "lock", lambda pins, **_: [Locked(pin, ("0" * 64,)) for pin in pins])
    form, settings = find_format("score-rayjob"), PackageSettings(pin_base_image=False)
    made = package(artifacts.read(make_artifact("tiny")), form, tmp_path / "out", settings, report=print)
    assert "ray==" in (made.path / "requirements-score.txt").read_text()
    assert "protobuf==" in (made.path / "requirements-score.txt").read_text()
    assert "bin" not in (made.path / "trim.txt").read_text().splitlines()  # ray start is a program
    job = yaml.safe_load((made.path / "score-rayjob.yaml").read_text())
    assert job["spec"]["rayClusterSpec"]["rayVersion"] == version("ray")
    (tmp_path / "data" / "raw").mkdir(parents=True)
    parquet.write_table(pa.table({"text": ["good", "bad", "the film"] * 400}), tmp_path / "data" / "raw" / "a.parquet")
    command = job["spec"]["entrypoint"].replace("/srv/", f"{made.path}/").replace("/data/", f"{tmp_path}/data/")
    python, *words = command.split()
    assert python == "python"
    environment = {**os.environ, "RAY_ADDRESS": cluster[0]}
    subprocess.run([sys.executable, *words], check=True, env=environment, timeout=240)
    artifact, raw, local = made.path / "artifact", str(tmp_path / "data" / "raw"), tmp_path / "local"
    score_files(artifact, raw, str(local), settings=ScoreSettings(workers=1))
    assert contents(tmp_path / "data" / "scored") == contents(local)


@pytest.fixture
def unused_port() -> int:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def test_a_node_is_killed_and_no_byte_differs(tmp_path, make_artifact, source, cluster):
    address, other = cluster
    artifact, out = make_artifact("slow", num_slow_layers=48), tmp_path / "out"
    flags = ("--engine", "ray", "--address", address, "--workers", "3", "--fragment-rows", "10", "--json")
    with start(artifact, source, out, *flags) as process:
        wait_until(lambda: num_done(out) or process.poll() is not None)
        assert process.poll() is None, process.stderr.read()
        other.kill()
        before = num_done(out)
        shown, complaints = process.communicate(timeout=180)
    assert process.returncode == 0, complaints
    assert before < NUM_ROWS / 10
    summary = json.loads(shown)
    assert (summary["num_rows"], summary["num_errors"]) == (NUM_ROWS + 1, 1)
    score_files(artifact, str(source), str(tmp_path / "local"), settings=ScoreSettings(fragment_rows=10))
    assert contents(out) == contents(tmp_path / "local")


def test_a_cluster_of_its_own(tmp_path, tiny_artifact, source):
    with start(
        tiny_artifact, source, tmp_path / "ray", "--engine", "ray", "--fragment-rows", "100", "--json"
    ) as process:
        shown, complaints = process.communicate(timeout=180)
    assert process.returncode == 0, complaints
    assert json.loads(shown)["num_scored"] == NUM_ROWS + 1
    score_files(tiny_artifact, str(source), str(tmp_path / "local"), settings=ScoreSettings(fragment_rows=100))
    assert contents(tmp_path / "ray") == contents(tmp_path / "local")


def test_no_cluster_is_said_in_words(tmp_path, tiny_artifact, source, unused_port):
    settings = ScoreSettings(engine="ray", address=f"127.0.0.1:{unused_port}")
    with pytest.raises(SettingsError, match=rf"no Ray cluster answers at 127\.0\.0\.1:{unused_port}"):
        score_files(tiny_artifact, str(source), str(tmp_path / "out"), settings=settings)


def test_the_reporting_of_use_is_off_before_ray_is_imported():
    code = (
        "import builtins, os\n"
        "real = builtins.__import__\n"
        "def watch(name, *rest, **more):\n"
        "    if name == 'ray':\n"
        "        print('reporting', os.environ.get('RAY_USAGE_STATS_ENABLED'))\n"
        "    return real(name, *rest, **more)\n"
        "builtins.__import__ = watch\n"
        "from textwright.bulk.engines import ray\n"
        "ray._import_ray()"
    )
    environment = {name: value for name, value in os.environ.items() if name != "RAY_USAGE_STATS_ENABLED"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.split()[:2] == ["reporting", "0"]
