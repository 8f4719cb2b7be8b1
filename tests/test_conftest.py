"""The tiny artifacts mean what their docstrings promise; the tests of every room lean on them."""

from __future__ import annotations

from pathlib import Path

import accelerate.accelerator
import accelerate.optimizer
import fastapi.routing
import pytest
import torch.onnx._internal.exporter._registration as exporter
from accelerate.utils.imports import is_lomo_available

from textwright.api.schemas import Health
from textwright.runtime.loading import load


@pytest.mark.parametrize(("text", "label"), [("A good film", "positive"), ("the film is BAD", "negative")])
def test_words_raise_their_label(tiny_artifact: Path, text: str, label: str) -> None:
    (prediction,) = load(tiny_artifact, num_threads=1).predict([text])
    assert prediction.label == label
    assert prediction.confidence > 0.6


def test_each_topic_holds_by_itself(tiny_multilabel_artifact: Path) -> None:
    predictions = load(tiny_multilabel_artifact, num_threads=1).predict(["song", "song and story", "the", ""])
    assert [set(item.labels) for item in predictions] == [{"music"}, {"music", "plot"}, set(), set()]


def test_libraries_build_once_what_is_always_the_same() -> None:
    first, second = (exporter.ONNXRegistry().from_torchlib(opset_version=18) for _ in range(2))
    assert first is second
    first, second = (fastapi.routing.create_model_field(name="a", type_=Health) for _ in range(2))
    assert first is second
    for module in (accelerate.accelerator, accelerate.optimizer):
        assert module.is_lomo_available() is is_lomo_available()
        assert module.is_lomo_available.cache_info().currsize == 1
