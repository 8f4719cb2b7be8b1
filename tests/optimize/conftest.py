"""One thread, a cache of its own, and the kinds of encoders that a graph is rewritten of."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from slow_params import slow_unless
from tiny_encoders import KINDS


@pytest.fixture(autouse=True, scope="package")
def one_thread() -> Iterator[None]:
    """Threads that wait for each other over tiny tensors take most of the time on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True, scope="package")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the answers of tiny teachers out of the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEXTWRIGHT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(params=slow_unless(lambda kind: kind == "bert", sorted(KINDS)))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)
