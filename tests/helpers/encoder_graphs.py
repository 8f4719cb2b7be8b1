"""Tiny encoders with random weights, as large as after training, ready to be exported."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from tiny_encoders import save_tiny_encoder

from textwright.core.labels import Labels
from textwright.core.tokenizer import TextTokenizer
from textwright.models import FAMILIES
from textwright.models.family import BuildContext, TextModel, TrainingSplit

LABELS = Labels(("negative", "positive"))
MAX_LENGTH = 32


def make_encoder(
    kind: str, folder: Path, *, family: str = "bert", **settings: object
) -> tuple[TextModel, TextTokenizer]:
    """Build a model of two labels over an encoder of a kind of ``tiny_encoders.KINDS``.

    Args:
        kind: Of the encoder.
        folder: Where the encoder is written.
        family: "bert" or "frozen-bert".
        settings: Of the family.
    """
    row = FAMILIES[family]
    config = row.config.parse({"encoder": str(save_tiny_encoder(kind, folder / kind)), **settings}, source="test")
    tokenizer = row.build_tokenizer([], config, MAX_LENGTH)
    torch.manual_seed(0)
    split = TrainingSplit(tokenizer.encode(["film"]), np.array([0]))
    module = row.build(config, BuildContext(tokenizer, LABELS, split))
    with torch.no_grad():
        for weight in module.parameters():
            weight.add_(torch.randn_like(weight), alpha=0.3)
    return module, tokenizer
