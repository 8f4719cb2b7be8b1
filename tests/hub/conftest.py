"""A stand-in of the hub for each test, which the real client of this process talks to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_server import Hub, point_client_to, serving_hub


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serving_hub() as running:
        point_client_to(running, tmp_path / "hf", monkeypatch)
        yield running
