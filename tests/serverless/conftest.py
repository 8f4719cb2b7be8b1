"""The function over the tiny artifact, events of each source, and what it wrote to its log."""

from __future__ import annotations

import io
import json

import pytest

from textwright.serverless.handler import LambdaHandler
from textwright.serverless.logs import Log
from textwright.serverless.start import start


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def make_handler(tiny_artifact, stream):
    """Return a function that loads the tiny model; keywords are settings."""

    def make(artifact=tiny_artifact, **settings: object) -> LambdaHandler:
        values = {f"TEXTWRIGHT_LAMBDA_{name.upper()}": str(value) for name, value in settings.items()}
        return start(
            artifact.parent, environment={"TEXTWRIGHT_LAMBDA_ARTIFACT": artifact.name, **values}, log=Log(stream)
        )

    return make


@pytest.fixture
def handler(make_handler) -> LambdaHandler:
    return make_handler(max_texts=5, max_text_chars=1000, max_body_bytes=10_000)


@pytest.fixture
def lines(stream):
    """Return a function that reads the lines of the log."""
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
