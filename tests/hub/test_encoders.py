"""Encoders of the hub: safetensors where there are any, and the older form of weights where there are none."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hub_server import Hub
from safetensors.torch import load_file
from tiny_encoders import save_tiny_encoder

from textwright.models.pretrained import open_pretrained


@pytest.mark.parametrize("has_safetensors", [True, False])
def test_weights_of_either_form_are_fetched(hub: Hub, tmp_path: Path, has_safetensors: bool) -> None:
    folder = save_tiny_encoder("bert", tmp_path / "tiny")
    weights = load_file(folder / "model.safetensors")
    torch.save(weights, folder / "pytorch_model.bin")
    if not has_safetensors:
        (folder / "model.safetensors").unlink()
    hub.add("model", "someone/tiny", {path.name: path.read_bytes() for path in folder.iterdir()})
    fetched = open_pretrained("someone/tiny")
    assert (fetched.path / "pytorch_model.bin").exists() is not has_safetensors
    loaded = fetched.load_backbone().state_dict()
    assert all(torch.equal(loaded[name], weight) for name, weight in weights.items() if not name.startswith("pooler."))
