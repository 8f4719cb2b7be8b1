"""Every kind of encoder becomes a graph of the one signature: positions, segments and masks made inside it."""

from __future__ import annotations

from pathlib import Path

import pytest
from model_variants import TEXTS, make_model
from slow_params import slow_unless
from tiny_encoders import KINDS, NUM_POSITIONS, save_tiny_encoder

from textwright.core.awkward_texts import AWKWARD_TEXTS
from textwright.export.onnx import to_onnx
from textwright.export.parity import TOLERANCE, check_parity


@pytest.mark.parametrize("kind", slow_unless(lambda kind: kind == "bert", KINDS))
def test_a_fine_tuned_encoder_agrees_on_awkward_texts_and_paddings(kind: str, tmp_path: Path) -> None:
    folder = save_tiny_encoder(kind, tmp_path / kind, num_layers=1)
    model = make_model("bert", max_length=NUM_POSITIONS, encoder=str(folder))
    report = check_parity(model.module, to_onnx(model.module), model.tokenizer, TEXTS)
    assert report.num_texts == len(AWKWARD_TEXTS) + len(TEXTS)
    assert report.num_paddings == NUM_POSITIONS - 1  # two special tokens are the shortest text
    assert report.largest_difference <= TOLERANCE


@pytest.mark.parametrize("num_layers", slow_unless(lambda num_layers: num_layers == 0, [0, 1]))
def test_a_frozen_encoder_and_its_head_are_one_graph(num_layers: int, tmp_path: Path) -> None:
    folder = save_tiny_encoder("bert", tmp_path / "bert", num_layers=1)
    model = make_model("frozen-bert", max_length=NUM_POSITIONS, encoder=str(folder), num_layers=num_layers)
    assert check_parity(model.module, to_onnx(model.module), model.tokenizer, TEXTS).largest_difference <= TOLERANCE


def test_static_vectors_and_their_head_are_one_graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXTWRIGHT_CACHE", str(tmp_path / "cache"))
    folder = save_tiny_encoder("bert", tmp_path / "bert", num_layers=1)
    model = make_model("static-bert", encoder=str(folder))
    report = check_parity(model.module, to_onnx(model.module), model.tokenizer, TEXTS)
    assert report.largest_difference <= TOLERANCE
    assert report.num_texts == len(AWKWARD_TEXTS) + len(TEXTS)
