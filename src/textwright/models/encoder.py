"""A pretrained transformer as a sentence encoder: token ids to one vector per text.

::

    input_ids (B, T) -> backbone -> hidden states (B, T, H) --mean of tokens, or the first--> vectors (B, H)

With several layers, their vectors lie side by side, the lowest first: (B, L * H). A text that is longer than an encoder
reads is cut by its tokenizer, or read in windows (:mod:`textwright.models.windows`).

Segment ids and positions are made inside the backbone, so that its inputs are those of every family.

Source:
    Devlin et al., 2019, "BERT"; Reimers & Gurevych, 2019, "Sentence-BERT" (pooling).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Final

import torch
from pydantic import Field
from torch import Tensor, nn

from textwright.config import Settings
from textwright.core.tokenizer import TextTokenizer, head_tail
from textwright.errors import SettingsError
from textwright.models.pretrained import Pretrained, open_pretrained
from textwright.models.windows import LongTexts, WindowPooling, Windows

_LAYER: Final = re.compile(r"\blayers?\.(\d+)\.")


class Pooling(StrEnum):
    """How the tokens' vectors become the text's."""

    AUTO = "auto"
    MEAN = "mean"
    CLS = "cls"


class EncoderSettings(Settings):
    """Settings of every family that reads with a transformer."""

    encoder: str = "minilm-l6"
    """The pretrained encoder: a built-in asset, a folder, or an id of the Hugging Face hub."""
    pooling: Pooling = Pooling.AUTO
    """How tokens become one vector: mean, cls, or auto, which takes what the encoder was trained with."""
    long_texts: LongTexts = LongTexts.TRUNCATE
    """What is read of a text of more than max_length tokens: truncate (its beginning), head-tail (its beginning and its
    end, a quarter and three quarters) or windows (all of it, in windows of max_length tokens each)."""
    max_windows: Annotated[int, Field(ge=2, le=64)] = 8
    """Windows of a text at most; what is behind them is cut off. For windows alone."""
    window_pooling: WindowPooling = WindowPooling.MEAN
    """How the vectors of a text's windows become one: mean or max. For windows alone."""

    def load_tokenizer(self, max_length: int) -> TextTokenizer:
        """Make the encoder's tokenizer, which cuts long texts as these settings say.

        Args:
            max_length: Longest text that the encoder reads at once, in tokens, special tokens included.

        Returns:
            A tokenizer; its own ``max_length`` is that of all windows together.
        """
        pretrained = open_pretrained(self.encoder)
        if self.long_texts is LongTexts.WINDOWS:
            num_special = sum(map(len, pretrained.special_around()))
            max_length = self.max_windows * (max_length - num_special) + num_special
        tokenizer = pretrained.load_tokenizer(max_length)
        return head_tail(tokenizer) if self.long_texts is LongTexts.HEAD_TAIL else tokenizer

    def windows(self, pretrained: Pretrained, max_length: int) -> Windows | None:
        """Give the rule by which texts are cut into windows; None where they are not.

        Args:
            pretrained: The encoder.
            max_length: That of the tokenizer.
        """
        if self.long_texts is not LongTexts.WINDOWS:
            return None
        before, after = map(len, pretrained.special_around())
        length = (max_length - before - after) // self.max_windows + before + after
        return Windows(length, before, after, self.window_pooling)


class SentenceEncoder(nn.Module):
    """A backbone and its pooling.

    Args:
        backbone: A module of ``transformers`` that gives hidden states.
        pools_first_token: True takes the first token's vector, False the mean over the tokens.
        num_layers: Top layers L whose vectors are given, >= 1; below the lowest transformer layer lies the layer of
            embeddings.
        windows: How long texts are cut; None reads each text at once.
    """

    def __init__(
        self, backbone: nn.Module, *, pools_first_token: bool, num_layers: int = 1, windows: Windows | None = None
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.pools_first_token = pools_first_token
        self.num_layers = num_layers
        self.windows = windows

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Turn each text into vectors, (B, L * H) float32; padding does not change them."""
        if self.windows is None:
            return self.read_at_once(input_ids, attention_mask)  # (B, L * H)
        cut = self.windows.cut(input_ids, attention_mask)
        return self.windows.pool(self.read_at_once(cut.input_ids, cut.attention_mask), cut)  # (B, L * H)

    def read_at_once(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Turn each text, or each window, into vectors, (B, L * H) float32.

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
        windows = "" if self.windows is None else f" {self.windows}"
        return f"{config} pools_first_token={self.pools_first_token} num_layers={self.num_layers}{windows}"

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
    pretrained: Pretrained,
    *,
    pooling: Pooling,
    max_length: int,
    num_layers: int | None = 1,
    windows: Windows | None = None,
) -> SentenceEncoder:
    """Load an encoder's weights.

    Args:
        pretrained: The encoder's folder.
        pooling: auto takes what the encoder was trained with; the mean where it does not say.
        max_length: Longest text in tokens that it will be given.
        num_layers: Top layers whose vectors are given, >= 1; None gives all and the embeddings.
        windows: How long texts are cut; None reads each text at once.

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
    encoder = SentenceEncoder(backbone, pools_first_token=first, num_layers=num_layers or deepest, windows=windows)
    bound = encoder.max_positions
    max_length = max_length if windows is None else windows.length
    if bound is not None and max_length > bound:
        raise SettingsError(f"max_length is {max_length}, encoder {pretrained.name} reads at most {bound} tokens")
    return encoder.eval()


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
