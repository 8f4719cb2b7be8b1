"""Fixtures of export: untrained models, each exported once."""

from __future__ import annotations

import pytest
from model_variants import VARIANTS, Model, make_model

from textwright.export.onnx import to_onnx


@pytest.fixture(params=VARIANTS, scope="package")
def model(request: pytest.FixtureRequest) -> Model:
    family, settings = VARIANTS[request.param]
    return make_model(family, **settings)


@pytest.fixture(scope="package")
def graph(model: Model) -> bytes:
    return to_onnx(model.module)
