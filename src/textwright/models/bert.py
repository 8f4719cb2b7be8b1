"""A BERT-type encoder, fine-tuned: every weight learns the task.

The picture: a transformer that has read billions of words turns a text into one vector per token; their mean (or the
first token's) goes through a dense layer to one score per label. Training moves the whole encoder, its lower layers
less than its upper ones: what they know of language in general should stay.

::

    input_ids (B, T) -> encoder -> vectors (B, H) -> dropout -> dense -> logits (B, K)

Source:
    Devlin et al., 2019, "BERT: Pre-training of Deep Bidirectional Transformers"; Howard & Ruder, 2018, "Universal
    Language Model Fine-tuning", section 3.2 (learning rates that fall from layer to layer); Sun et al., 2019, "How to
    Fine-Tune BERT for Text Classification".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, TypeAlias

import numpy as np
from pydantic import BeforeValidator, Field
from torch import Tensor, nn

from textwright.config import split_commas
from textwright.core.tokenizer import TextTokenizer
from textwright.errors import SettingsError
from textwright.models import structured_pruning
from textwright.models.encoder import (
    EncoderSettings,
    SentenceEncoder,
    layer_of,
    load_sentence_encoder,
    refuse_more_layers,
)
from textwright.models.family import BuildContext, Family, TextModel
from textwright.models.pretrained import open_pretrained
from textwright.models.windows import Windows

_HEAD: Final = "head."
_HEAD_STD: Final = 0.02
"""Spread of the head's first weights, as in BERT: the first logits are near 0 and the encoder is not shaken."""

Numbers: TypeAlias = Annotated[tuple[Annotated[int, Field(ge=0)], ...], BeforeValidator(split_commas)]


class BertConfig(EncoderSettings):
    """Settings of the fine-tuned encoder."""

    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of the text vector's components that is zeroed in training, in [0, 1)."""
    layer_decay: Annotated[float, Field(gt=0, le=1)] = 0.9
    """What a layer's learning rate is multiplied by, going one layer down; 1 gives all layers the same."""
    num_frozen_layers: Annotated[int, Field(ge=0)] = 0
    """Lowest layers that do not learn, the word embeddings with them; 0 lets everything learn."""
    keep_layers: Numbers = ()
    """Layers of the encoder that are used, from 0, separated by commas: 1,3,5 leaves three of six; absent: all."""
    num_heads: Numbers = ()
    """Attention heads of each used layer, separated by commas; absent: all. Set by textwright prune."""
    num_neurons: Numbers = ()
    """Width of each used layer's feed-forward part, separated by commas; absent: all. Set by textwright prune."""


class FineTunedBert(TextModel):
    """An encoder and a linear head.

    Args:
        encoder: Turns token ids into vectors, (B, H).
        head: Turns vectors into logits, (B, K).
        layer_decay: What a layer's learning rate is multiplied by, going one layer down, in (0, 1].
    """

    def __init__(self, encoder: SentenceEncoder, head: nn.Module, layer_decay: float) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head
        self.layer_decay = layer_decay

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Encode the texts, and score the labels."""
        vectors = self.encoder(input_ids, attention_mask)  # (B, H)
        logits: Tensor = self.head(vectors)  # (B, K)
        return logits

    @property
    def windows(self) -> Windows | None:
        """How the encoder cuts long texts; None if it reads each at once."""
        return self.encoder.windows

    @property
    def word_vectors(self) -> Tensor:
        """The encoder's embeddings of the token ids, (V, H)."""
        return self.encoder.word_vectors

    def learning_rate_factor(self, name: str, epoch: int) -> float:  # noqa: ARG002  the same in every epoch
        """Give the head the whole rate and each layer less than the one above it; embeddings come last."""
        if name.startswith(_HEAD):
            return 1.0
        layer = layer_of(name)
        depth = self.encoder.depth - (-1 if layer is None else layer)
        return float(self.layer_decay**depth)


def build_tokenizer(texts: Sequence[str], config: BertConfig, max_length: int) -> TextTokenizer:  # noqa: ARG001
    """Take the tokenizer that the encoder was trained with; the training texts do not change it."""
    return config.load_tokenizer(max_length)


def build(config: BertConfig, context: BuildContext) -> FineTunedBert:
    """Load the encoder and put a new head on it.

    Args:
        config: Its settings.
        context: The tokenizer and the labels.

    Returns:
        A model whose head knows nothing yet.

    Raises:
        NotFoundError: If there is no such encoder.
        SettingsError: If the encoder does not fit the settings.
    """
    pretrained = open_pretrained(config.encoder, context.adapted)
    max_length = context.tokenizer.max_length
    windows = config.windows(pretrained, max_length)
    encoder = load_sentence_encoder(pretrained, pooling=config.pooling, max_length=max_length, windows=windows)
    _slim(encoder.backbone, config)
    refuse_more_layers("num_frozen_layers", config.num_frozen_layers, encoder.depth, pretrained)
    _freeze(encoder, config.num_frozen_layers)
    dense = nn.Linear(encoder.hidden_dim, len(context.labels))
    nn.init.normal_(dense.weight, std=_HEAD_STD)
    nn.init.zeros_(dense.bias)
    return FineTunedBert(encoder, nn.Sequential(nn.Dropout(config.dropout), dense), config.layer_decay)


def _slim(backbone: nn.Module, config: BertConfig) -> None:
    """Cut the encoder down to the layers, heads and neurons of the settings."""
    if config.keep_layers:
        structured_pruning.keep_layers(backbone, config.keep_layers, config.encoder)
    cuts = {"num_heads": structured_pruning.prune_heads, "num_neurons": structured_pruning.prune_neurons}
    for name, cut in cuts.items():
        counts = getattr(config, name)
        parts = structured_pruning.blocks(backbone, config.encoder) if counts else []
        bounds = [getattr(part, name) for part in parts]
        if len(counts) != len(bounds) or not all(1 <= n <= bound for n, bound in zip(counts, bounds, strict=True)):
            counts_text, most = (",".join(map(str, numbers)) for numbers in (counts, bounds))
            raise SettingsError(f"{name} is {counts_text}, but encoder {config.encoder} has {most} in its used layers")
        for count, part in zip(counts, parts, strict=True):
            cut(part, np.arange(count))


def _freeze(encoder: SentenceEncoder, num_layers: int) -> None:
    """Keep the embeddings and the lowest layers as they are."""
    for name, weight in encoder.named_parameters():
        layer = layer_of(name)
        weight.requires_grad_(num_layers == 0 or (layer is not None and layer >= num_layers))


FAMILY: Final = Family(
    name="bert",
    summary="BERT-type encoder, fine-tuned as a whole",
    paper="Devlin et al., 2019; Sun et al., 2019",
    config=BertConfig,
    build_tokenizer=build_tokenizer,
    build=build,
    defaults={
        "learning_rate": 1e-4,
        "num_epochs": 2,
        "label_smoothing": 0.1,
        "batch_size": 32,
        "max_length": 128,
        "checkpoint_every_s": 120.0,
    },
    supports_bf16=True,
)
