"""The Lambda image under AWS's own Runtime Interface Emulator."""

from __future__ import annotations

import json
import os
from time import monotonic, sleep

import pytest
from container_tools import docker, free_port, post
from lambda_events import function_url

from textwright.core import artifact as artifacts


@pytest.fixture(scope="module")
def invoke(lambda_image):
    """Return a function that sends an event through the emulator."""
    port, inner = free_port(), free_port()
    rie = ["/rie", "--runtime-interface-emulator-address", f"127.0.0.1:{port}"]
    container = docker(
        *("run", "-d", "--network", "host", "--read-only", "--tmpfs", "/tmp", "--user", "993:990"),  # noqa: S108
        *("--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--memory", "512m"),
        *("--volume", f"{os.environ['RIE']}:/rie:ro", "--env", "AWS_LAMBDA_FUNCTION_TIMEOUT=3"),
        *("--entrypoint", rie[0], lambda_image.image, *rie[1:]),
        *("--runtime-api-address", f"127.0.0.1:{inner}", "python", "-m", "awslambdaric", "function.handler"),
    )

    def call(event):
        return post(port, "/2015-03-31/functions/function/invocations", event)[1]

    deadline = monotonic() + 30
    while True:
        try:
            call(function_url(method="GET", path="/healthz"))
            break
        except ConnectionError:
            assert monotonic() < deadline, docker("logs", container)
            sleep(0.2)
    yield call
    docker("rm", "--force", container)


def test_it_has_answered_its_golden_examples(lambda_image, artifact):
    assert lambda_image.num_golden == len(artifacts.read(artifact).golden())


def test_a_good_request_is_answered(invoke):
    answer = invoke(function_url(json.dumps({"texts": ["a good film", "bad"]}), is_base64=True))
    labels = [row["label"] for row in json.loads(answer["body"])["predictions"]]
    assert (answer["statusCode"], labels) == (200, ["positive", "negative"])


@pytest.mark.parametrize(
    ("body", "status"), [("{", 400), ('{"text": 1}', 422), (json.dumps({"text": "x" * 4_000_000}), 413)]
)
def test_a_bad_request_is_refused(invoke, body, status):
    answer = invoke(function_url(body))
    assert (answer["statusCode"], json.loads(answer["body"])["status"]) == (status, status)
