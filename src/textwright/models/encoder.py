"""A pretrained transformer as a sentence encoder: token ids to one vector per text.

::

    input_ids (B, T) -> backbone -> hidden states (B, T, H) --mean of tokens, or the first--> vectors (B, H)

With several layers, their vectors lie side by side, the lowest first: (B, L * H).

Segment ids and positions are made inside the backbone, so that its inputs are those of every family.

Source:
    Devlin et al., 2019, "BERT"; Reimers & Gurevych, 2019, "Sentence-BERT" (pooling).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import torch
from torch import Tensor, nn

from textwright.errors import SettingsError
from textwright.models.pretrained import Pretrained

_LAYER: Final = re.compile(r"\blayers?\.(\d+)\.")


class Pooling(StrEnum):
    """How the tokens' vectors become the text's."""

    AUTO = "auto"
    MEAN = "mean"
    CLS = "cls"


class SentenceEncoder(nn.Module):
    """A backbone and its pooling.

    Args:
        backbone: A module of ``transformers`` that gives hidden states.
        pools_first_token: True takes the first token's vector, False the mean over the tokens.
        num_layers: Top layers L whose vectors are given, >= 1; below the lowest transformer layer lies the layer of
            embeddings.
    """

    def __init__(self, backbone: nn.Module, *, pools_first_token: bool, num_layers: int = 1) -> None:
        super().__init__()
        self.backbone = backbone
        self.pools_first_token = pools_first_token
        self.num_layers = num_layers

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Turn each text into vectors, (B, L * H) float32; padding does not change them.

        The first place is attended to even in a row of padding alone, which would otherwise divide by nothing.
        """
        first = torch.ones_like(attention_mask[:, :1])  # (B, 1)
        mask = torch.cat([first, attention_mask[:, 1:]], dim=1)  # (B, T)
        states = self._hidden_states(input_ids, mask)  # L of (B, T, H)
        return torch.cat([self._pool(state.float(), mask) for state in states], dim=1)  # (B, L * H)

    def _hidden_states(self, input_ids: Tensor, mask: Tensor) -> Sequence[Tensor]:
        needs_all = self.num_layers > 1
        output = self.backbone(input_ids=input_ids, attention_mask=mask, output_hidden_states=needs_all)
        return output.hidden_states[-self.num_layers :] if needs_all else [output.last_hidden_state]

    def _pool(self, hidden: Tensor, mask: Tensor) -> Tensor:
        if self.pools_first_token:
            return hidden[:, 0]  # (B, H)
        weights = mask.unsqueeze(-1).to(hidden.dtype)  # (B, T, 1)
        return (hidden * weights).sum(dim=1) / weights.sum(dim=1)  # (B, H)

    @property
    def hidden_dim(self) -> int:
        """Length H of a vector."""
        return int(self.backbone.config.hidden_size)  # type: ignore[union-attr, arg-type]

    @property
    def depth(self) -> int:
        """Number of transformer layers, the embeddings not counted."""
        return int(self.backbone.config.num_hidden_layers)  # type: ignore[union-attr, arg-type]

    @property
    def description(self) -> str:
        """What decides the vectors beside the tokens and the weights."""
        config = self.backbone.config.to_json_string()  # type: ignore[union-attr, operator]
        return f"{config} pools_first_token={self.pools_first_token} num_layers={self.num_layers}"

    @property
    def word_vectors(self) -> Tensor:
        """The embeddings of the token ids, (V, H)."""
        weight: Tensor = self.backbone.get_input_embeddings().weight  # type: ignore[operator]
        return weight

    @property
    def max_positions(self) -> int | None:
        """Longest text in tokens that the backbone has positions for; None if its positions are relative."""
        for name, part in self.backbone.named_modules():
            if name.endswith("position_embeddings") and isinstance(part, nn.Embedding):
                # RoBERTa and MPNet count positions from the padding id + 1 on.
                return part.num_embeddings - (0 if part.padding_idx is None else part.padding_idx + 1)
        return None


def load_sentence_encoder(
    pretrained: Pretrained, *, pooling: Pooling, max_length: int, num_layers: int | None = 1
) -> SentenceEncoder:
    """Load an encoder's weights.

    Args:
        pretrained: The encoder's folder.
        pooling: auto takes what the encoder was trained with; the mean where it does not say.
        max_length: Longest text in tokens that it will be given.
        num_layers: Top layers whose vectors are given, >= 1; None gives all and the embeddings.

    Returns:
        The sentence encoder, in evaluation mode.

    Raises:
        SettingsError: If texts may be longer than the encoder's positions, it has fewer layers, or its weights
            cannot be used.
    """
    first = pretrained.pools_first_token if pooling is Pooling.AUTO else pooling is Pooling.CLS
    backbone = pretrained.load_backbone()
    deepest = int(backbone.config.num_hidden_layers) + 1  # type: ignore[union-attr, arg-type]
    refuse_more_layers("num_layers", num_layers or deepest, deepest, pretrained)
    encoder = SentenceEncoder(backbone, pools_first_token=first, num_layers=num_layers or deepest).eval()
    bound = encoder.max_positions
    if bound is not None and max_length > bound:
        raise SettingsError(f"max_length is {max_length}, encoder {pretrained.name} reads at most {bound} tokens")
    return encoder


def refuse_more_layers(setting: str, value: int, bound: int, pretrained: Pretrained) -> None:
    """Refuse a number of layers that an encoder does not have.

    Raises:
        SettingsError: Names the setting, its value and the bound.
    """
    if value > bound:
        raise SettingsError(f"{setting} is {value}, encoder {pretrained.name} has {bound} layers")


def layer_of(name: str) -> int | None:
    """Find the transformer layer of a weight.

    Args:
        name: As in ``named_parameters``, for example "backbone.encoder.layer.3.output.dense.weight".

    Returns:
        The layer, counted from 0; None for embeddings and what all layers share.
    """
    match = _LAYER.search(name)
    return int(match[1]) if match else None


def of_layer(name: str, layer: int) -> str:
    """Name the same weight of another transformer layer; what belongs to no layer keeps its name."""
    match = _LAYER.search(name)
    return name if match is None else f"{name[: match.start(1)]}{layer}{name[match.end(1) :]}"
