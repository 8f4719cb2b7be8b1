"""Fixtures of the families: tiny encoders of every kind, made once."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_encoders import KINDS, save_tiny_encoder

from textwright.models.pretrained import Pretrained, open_pretrained


@pytest.fixture(params=KINDS, scope="package")
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="package")
def pretrained(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Pretrained:
    return open_pretrained(str(save_tiny_encoder(kind, tmp_path_factory.mktemp(kind))))


@pytest.fixture
def tiny_bert(tmp_path: Path) -> Path:
    """Return a folder that a test may damage."""
    return save_tiny_encoder("bert", tmp_path / "bert")
