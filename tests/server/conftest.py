"""Applications over the tiny artifact, and a client that speaks to them through ASGI."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

import textwright
from textwright.runtime.predictor import Predictor
from textwright.server.app import create_app
from textwright.server.settings import ServeSettings


@pytest.fixture
def predictor(tiny_artifact) -> Predictor:
    return textwright.load(tiny_artifact, num_threads=1)


@pytest.fixture
def settings() -> ServeSettings:
    return ServeSettings(max_texts=5, max_text_chars=1000, max_body_bytes=10_000, body_timeout_s=0.5)


@pytest.fixture
def client(predictor, settings) -> Iterator[TestClient]:
    with TestClient(create_app(predictor, settings), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def keep_loggers() -> Iterator[None]:
    """Put the loggers that ``logs.configure`` touches back as they were."""
    loggers = [logging.getLogger(name) for name in ("textwright", "uvicorn")]
    before = [(logger.handlers[:], logger.level, logger.propagate) for logger in loggers]
    yield
    for logger, (handlers, level, propagate) in zip(loggers, before, strict=True):
        logger.handlers[:], logger.level, logger.propagate = handlers, level, propagate
