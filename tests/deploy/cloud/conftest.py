"""No test of this room can reach AWS: see ``no_cloud``."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _guarded(no_cloud):
    pass


@pytest.fixture
def credentials(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "rehearsal")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "rehearsal")
