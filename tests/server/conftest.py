"""Applications over the tiny artifact, and a client that speaks to them through ASGI."""

from __future__ import annotations

import asyncio
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


class SettledClient(TestClient):
    """Gives an answer when the server has also told of it: metrics and log are written after the answer is sent."""

    def request(self, *args, **kwargs):
        answer = super().request(*args, **kwargs)
        if self.portal is not None:
            self.portal.call(asyncio.sleep, 0.001)
        return answer


@pytest.fixture
def client(predictor, settings) -> Iterator[TestClient]:
    with SettledClient(create_app(predictor, settings), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def keep_loggers() -> Iterator[None]:
    """Put the loggers that ``logs.configure`` touches back as they were."""
    loggers = [logging.getLogger(name) for name in ("textwright", "uvicorn")]
    before = [(logger.handlers[:], logger.level, logger.propagate) for logger in loggers]
    yield
    for logger, (handlers, level, propagate) in zip(loggers, before, strict=True):
        logger.handlers[:], logger.level, logger.propagate = handlers, level, propagate
