"""Fixtures of export: untrained models, each exported once."""

from __future__ import annotations

from pathlib import Path

import pytest
from model_variants import OVER_VECTORS, VARIANTS, Model, make_model
from slow_params import slow_unless
from tiny_vectors import save_tiny_vectors

from textwright.export.onnx import to_onnx

QUICK = ("linear", "linear, words", "linear, characters", "bow", "bow with bigrams", "bow-glove", "cnn-glove")


@pytest.fixture(params=slow_unless(lambda name: name in QUICK, VARIANTS), scope="package")
def model(request: pytest.FixtureRequest, vectors: Path) -> Model:
    family, settings = VARIANTS[request.param]
    return make_model(family, **settings, **({"vectors": str(vectors)} if family in OVER_VECTORS else {}))


@pytest.fixture(scope="package")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_vectors(tmp_path_factory.mktemp("vectors") / "tiny.vec", {"any": ["film", "good", "bad", "tale"]})


@pytest.fixture(scope="package")
def graph(model: Model) -> bytes:
    return to_onnx(model.module)
