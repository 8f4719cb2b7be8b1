"""A small source with a rule in it, and rows that learn it in a second."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from compared import RECIPE, shorten_search, write_recipe, write_source


@pytest.fixture(autouse=True, scope="package")
def one_thread() -> Iterator[None]:
    """Threads that wait for each other over tiny tensors take most of the time on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def short_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """Search few settings of the linear baseline: its own tests search them all."""
    shorten_search(monkeypatch)


@pytest.fixture
def source(tmp_path: Path) -> str:
    return write_source(tmp_path / "reviews.csv")


@pytest.fixture
def recipe(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a quick recipe: ``recipe("small", embedding_dim=4)``."""

    def write(name: str = "small", text: str = RECIPE, **model: object) -> Path:
        return write_recipe(tmp_path / f"{name}.toml", text, **model)

    return write
