"""Tiny trained-looking encoders with real attention, as artifacts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from slow_params import slow_unless
from tiny_encoders import KINDS, save_tiny_encoder

from textwright.core.labels import Labels
from textwright.core.tokenizer import TextTokenizer
from textwright.export.onnx import to_onnx
from textwright.models import FAMILIES
from textwright.models.family import BuildContext, TrainingSplit

LABELS = Labels(("negative", "positive"))


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
    made: dict[str, tuple[bytes, TextTokenizer]] = {}

    def make(kind: str) -> tuple[bytes, TextTokenizer]:
        if kind not in made:
            folder = save_tiny_encoder(kind, tmp_path_factory.mktemp("encoder") / kind)
            family = FAMILIES["bert"]
            config = family.config(encoder=str(folder))
            encoder = family.build_tokenizer([], config, 32)
            torch.manual_seed(0)
            split = TrainingSplit(encoder.encode(["film"]), np.array([0]))
            module = family.build(config, BuildContext(encoder, LABELS, split))
            with torch.no_grad():
                for weight in module.parameters():
                    weight.add_(torch.randn_like(weight), alpha=0.3)
            made[kind] = to_onnx(module), encoder
        return made[kind]

    return make


@pytest.fixture(params=slow_unless(lambda kind: kind == "bert", sorted(KINDS)))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)
