"""The server's image: small, locked in, healthy, no request lost at its end, back after a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from time import monotonic, sleep

import kubernetes_validate
import pytest
import yaml
from container_tools import BASE, docker, free_port, post

from textwright.core import artifact as artifacts

MODEL_ROOM_BYTES = 25_000_000
"""What a MiniLM in int8 takes."""
LOCKED_IN = (
    *("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),  # noqa: S108
    *("--memory", "512m", "--memory-swap", "512m", "--pids-limit", "64", "--network", "host"),
)


@contextmanager
def running(image, *options, port):
    container = docker("run", "-d", *LOCKED_IN, "-e", "HOST=127.0.0.1", "-e", f"PORT={port}", *options, image)
    try:
        wait_healthy(container)
        yield container
    finally:
        docker("rm", "--force", container)


def wait_healthy(container, timeout_s=60):
    deadline = monotonic() + timeout_s
    while docker("inspect", "-f", "{{.State.Health.Status}}", container) != "healthy":
        assert monotonic() < deadline, docker("logs", container)
        sleep(0.2)


def predict(port, texts):
    return post(port, "/v1/predict", {"texts": texts})


def test_it_has_answered_its_golden_examples(server_image, artifact):
    assert server_image.num_golden == len(artifacts.read(artifact).golden())


def test_it_is_small_enough_with_a_minilm(server_image):
    base_bytes = int(docker("image", "inspect", "-f", "{{.Size}}", BASE))
    assert server_image.image_bytes - base_bytes + MODEL_ROOM_BYTES < 200_000_000


def test_its_base_is_named_by_the_digest_that_the_engine_knows(server_image, base_in_a_registry):
    digests = docker("image", "inspect", "--format", '{{join .RepoDigests " "}}', base_in_a_registry).split()
    repository = base_in_a_registry.rpartition(":")[0]
    assert server_image.base_image.partition("@")[0] == base_in_a_registry
    assert f"{repository}@{server_image.base_image.partition('@')[2]}" in digests
    assert f"ARG BASE_IMAGE={server_image.base_image}\n" in (server_image.path / "Dockerfile").read_text()


def test_it_says_what_it_holds(server_image):
    labels = json.loads(docker("image", "inspect", "-f", "{{json .Config.Labels}}", server_image.image))
    shipped = artifacts.read(server_image.path / "artifact")
    assert labels["dev.textwright.artifact.sha256"] == shipped.digest
    assert labels["org.opencontainers.image.version"] == server_image.version
    assert len(labels["org.opencontainers.image.revision"]) == 40


def test_it_runs_with_no_rights_and_writes_nowhere(server_image):
    with running(server_image.image, port=free_port()) as container:
        status = docker("exec", container, "cat", "/proc/1/status")
        told = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert told["Uid"].split() == ["10001"] * 4
        assert int(told["CapEff"], 16) == int(told["CapBnd"], 16) == 0
        assert told["NoNewPrivs"] == "1"
        script = "open('/srv/new', 'w')"
        done = subprocess.run(
            ["/usr/bin/docker", "exec", container, "python", "-c", script], capture_output=True, text=True, check=False
        )
        assert "Read-only file system" in done.stderr
        assert docker("exec", container, "sh", "-c", "echo $ORT_DISABLE_TELEMETRY") == "1"
        script = "import importlib.util as u; print([n for n in ('torch', 'transformers', 'pytest') if u.find_spec(n)])"
        assert docker("exec", container, "python", "-c", script) == "[]"


def test_a_setting_comes_from_the_environment(server_image):
    port = free_port()
    with running(server_image.image, "-e", "TEXTWRIGHT_SERVE_MAX_TEXTS=2", port=port):
        assert predict(port, ["good", "bad"])[0] == 200
        assert predict(port, ["good", "bad", "the"])[0] == 422


def test_the_layers_hold_the_same_bytes_when_built_again(server_image, settings):
    def listing(tag):
        script = "find /opt/textwright /srv -type f | LC_ALL=C sort | xargs -d '\\n' sha256sum"
        return docker("run", "--rm", "--network", "none", "--entrypoint", "sh", tag, "-c", script)

    again = f"{server_image.name}:again"
    options = [*settings.build_options(), "--no-cache", "--target", "server", "--tag", again]
    environment = {**os.environ, "DOCKER_BUILDKIT": "1"}
    command = ["/usr/bin/docker", "build", "--quiet", *options, str(server_image.path)]
    subprocess.run(command, check=True, capture_output=True, env=environment)
    assert listing(again) == listing(server_image.image)


def test_the_end_under_load_loses_no_request(server_image):
    port, texts = free_port(), ["the good the bad and the awful film " * 400] * 1000
    with running(server_image.image, "-e", "TEXTWRIGHT_SERVE_MAX_BODY_BYTES=50000000", port=port) as container:
        start = monotonic()
        assert predict(port, texts)[0] == 200
        alone_s = monotonic() - start
        with ThreadPoolExecutor(4) as pool:
            asked = [pool.submit(predict, port, texts) for _ in range(4)]
            sleep(alone_s)  # all have been read or are being read, and none can be finished
            assert not all(item.done() for item in asked)
            docker("stop", "--time", "30", container)
            statuses = [item.result()[0] for item in asked]
        assert statuses == [200] * 4
        assert docker("inspect", "-f", "{{.State.ExitCode}}", container) == "0"


def test_it_comes_back_after_a_kill(server_image):
    port = free_port()
    with running(server_image.image, "--restart", "always", port=port) as container:
        os.kill(int(docker("inspect", "-f", "{{.State.Pid}}", container)), signal.SIGKILL)
        deadline = monotonic() + 60
        while docker("inspect", "-f", "{{.RestartCount}}", container) == "0":
            assert monotonic() < deadline
            sleep(0.1)
        wait_healthy(container)
        assert predict(port, ["good"])[1]["predictions"][0]["label"] == "positive"


def test_an_image_that_does_not_reproduce_cannot_be_built(server_image, settings, tmp_path):
    context = tmp_path / "context"
    subprocess.run(["cp", "-a", str(server_image.path), str(context)], check=True)
    shipped = artifacts.read(context / "artifact")
    contents = {name: (shipped.path / name).read_bytes() for name in shipped.files}
    contents[artifacts.GOLDEN] = b'{"text": "good", "logits": [9.0, 9.0]}\n'
    artifacts.write(context / "artifact", shipped.manifest, contents)
    options = [*settings.build_options(), "--target", "server", "--progress", "plain"]
    done = subprocess.run(
        ["/usr/bin/docker", "build", *options, str(context)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "DOCKER_BUILDKIT": "1"},
    )
    assert done.returncode != 0
    assert "GoldenMismatchError" in done.stdout + done.stderr


def test_the_dockerfile_and_the_manifests_are_what_their_tools_accept(server_image):
    hadolint = os.path.join(os.path.dirname(sys.executable), "hadolint")  # noqa: PTH118, PTH120
    subprocess.run([hadolint, "--failure-threshold", "info", str(server_image.path / "Dockerfile")], check=True)
    documents = list(yaml.safe_load_all((server_image.path / "kubernetes.yaml").read_text()))
    assert [item["kind"] for item in documents] == [
        "Deployment",
        "Service",
        "HorizontalPodAutoscaler",
        "PodDisruptionBudget",
        "NetworkPolicy",
    ]
    for document in documents:
        kubernetes_validate.validate(document, "1.33", strict=True)
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate({**documents[0], "spec": {"replicas": "two"}}, "1.33", strict=True)
    compose = yaml.safe_load((server_image.path / "compose.yaml").read_text())
    assert set(compose["services"]) == {"server", "prometheus", "grafana"}
    for service in compose["services"].values():
        for volume in service.get("volumes", []):
            assert (server_image.path / volume.split(":")[0]).exists()
