"""Tiny trained-looking encoders with real attention, as artifacts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from encoder_graphs import make_encoder
from slow_params import slow_unless
from tiny_encoders import KINDS

from textwright.core.tokenizer import TextTokenizer
from textwright.export.onnx import to_onnx


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


@pytest.fixture(scope="session")
def make_encoder_graph(tmp_path_factory):
    """Return a function that exports an encoder of a kind with random weights: (graph, its tokenizer)."""
    made: dict[tuple[str, bool], tuple[bytes, TextTokenizer]] = {}

    def make(kind: str, *, padded: bool = False) -> tuple[bytes, TextTokenizer]:
        if (kind, padded) not in made:
            module, tokenizer = make_encoder(kind, tmp_path_factory.mktemp("encoder"))
            made[kind, padded] = to_onnx(module, without_padding=not padded), tokenizer
        return made[kind, padded]

    return make


@pytest.fixture(params=slow_unless(lambda kind: kind == "bert", sorted(KINDS)))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)
