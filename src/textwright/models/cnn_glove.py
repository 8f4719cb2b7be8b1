"""Convolutional network over word vectors.

The picture: a filter is a pattern of 3, 4 or 5 neighboring words; it slides over the text, and what counts is how well
it fits at its best place, wherever that is. A dense layer weighs the patterns.

::

    input_ids (B, T) -> word vectors (B, T, E) -> conv of each width (B, F, T) -> ReLU -> max over tokens (B, F)
                                                  all widths side by side (B, 3F) -> dropout -> dense -> logits (B, K)

Every filter is centered at each token once, with zeros beyond both ends of the text. So a text has as many places as
tokens for every width, be it shorter than the filter, and padding has none: a text without tokens has features of 0.

Source:
    Kim, 2014, "Convolutional Neural Networks for Sentence Classification", section 2 (the four variants: 2.1 and 3.3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Final, TypeAlias

import torch
from pydantic import BeforeValidator, Field
from torch import Tensor, nn
from torch.nn import functional

from textwright.config import split_commas
from textwright.core.tokenizer import PAD_ID, UNKNOWN_ID, TextTokenizer, train_word_level
from textwright.models.family import BuildContext, Family, TextModel, start_from_shares
from textwright.models.word_vectors import VectorSettings, load_table
from textwright.models.word_vectors import build_tokenizer as make_vector_encoder

_INITIAL_RANGE: Final = 0.25


KernelSizes: TypeAlias = Annotated[
    tuple[Annotated[int, Field(ge=1, le=100)], ...], Field(min_length=1), BeforeValidator(split_commas)
]


class CnnVariant(StrEnum):
    """Where the word vectors come from and whether they are trained."""

    RAND = "rand"
    STATIC = "static"
    NON_STATIC = "non-static"
    MULTICHANNEL = "multichannel"


_IS_TRAINED: Final[Mapping[CnnVariant, tuple[bool, ...]]] = {
    CnnVariant.STATIC: (False,),
    CnnVariant.NON_STATIC: (True,),
    CnnVariant.MULTICHANNEL: (False, True),
}
"""Variant -> whether each of its pretrained channels is trained."""


class CnnGloveConfig(VectorSettings):
    """Settings of the convolutional network."""

    variant: CnnVariant = CnnVariant.MULTICHANNEL
    """rand starts from random vectors, the others from pretrained ones: static keeps them, non-static trains them,
    multichannel reads a kept and a trained copy side by side."""
    embedding_dim: Annotated[int, Field(ge=1, le=4096)] = 100
    """Length E of a random vector; pretrained vectors bring their own."""
    kernel_sizes: KernelSizes = (3, 4, 5)
    """Widths of the filters in tokens; on the command line separated by commas."""
    num_filters: Annotated[int, Field(ge=1, le=10_000)] = 100
    """Filters F of each width."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5
    """Share of the filters that is zeroed in training, in [0, 1)."""
    max_norm: Annotated[float, Field(ge=0)] = 3.0
    """Longest weight vector of a label, as an L2 norm; longer ones are shortened to it. 0 sets no bound."""


class BoundedLinear(nn.Linear):
    """A dense layer whose weight vectors are never longer than a bound.

    Args:
        in_features: Width of the input.
        out_features: Number of labels K.
        max_norm: Longest L2 norm of a label's weights, > 0.

    Source:
        Hinton et al., 2012, "Improving neural networks by preventing co-adaptation of feature detectors".
    """

    def __init__(self, in_features: int, out_features: int, max_norm: float) -> None:
        super().__init__(in_features, out_features)
        self.max_norm = max_norm

    @property
    def bounded_weight(self) -> Tensor:
        """The weights that count, (K, in)."""
        norms = self.weight.norm(dim=1, keepdim=True)  # (K, 1)
        bounded: Tensor = self.weight * (self.max_norm / norms.clamp(min=self.max_norm))  # (K, in)
        return bounded

    def forward(self, features: Tensor) -> Tensor:
        """Score the labels, (B, in) -> (B, K)."""
        return functional.linear(features, self.bounded_weight, self.bias)  # (B, K)


class CenteredConvolution(nn.Conv1d):
    """A convolution that is centered at each token once, with zeros beyond both ends.

    Args:
        in_channels: Width E of the word vectors.
        out_channels: Number of filters F.
        kernel_size: Width of the filters in tokens; an even one reaches further to the right.
    """

    def forward(self, tokens: Tensor) -> Tensor:
        """Slide the filters over the tokens, (B, E, T) -> (B, F, T)."""
        (size,) = self.kernel_size
        return super().forward(functional.pad(tokens, ((size - 1) // 2, size // 2)))  # (B, F, T)


class ConvolutionalNetwork(TextModel):
    """Filters over word vectors, their best fits, and a dense layer.

    Args:
        channels: Tables of word vectors, each (V, E), laid side by side.
        kernel_sizes: Widths of the filters in tokens.
        num_filters: Filters F of each width.
        head: Turns the best fits, (B, len(kernel_sizes) * F), into logits, (B, K).
        metadata: What is worth knowing about the vectors.
    """

    def __init__(
        self,
        channels: Sequence[nn.Embedding],
        kernel_sizes: Sequence[int],
        num_filters: int,
        head: nn.Module,
        metadata: Mapping[str, float],
    ) -> None:
        super().__init__()
        self.channels = nn.ModuleList(channels)
        width = sum(channel.embedding_dim for channel in channels)
        self.convolutions = nn.ModuleList(CenteredConvolution(width, num_filters, size) for size in kernel_sizes)
        self.head = head
        self._metadata = metadata

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Slide the filters over the tokens that are attended to, keep each one's best fit, and score the labels."""
        vectors = torch.cat([channel(input_ids) for channel in self.channels], dim=2)  # (B, T, E)
        mask = attention_mask.to(vectors.dtype).unsqueeze(1)  # (B, 1, T)
        tokens = vectors.transpose(1, 2) * mask  # (B, E, T)
        fits = [functional.relu(convolve(tokens)) * mask for convolve in self.convolutions]  # each (B, F, T)
        features = torch.cat([fit.amax(dim=2) for fit in fits], dim=1)  # (B, len(kernel_sizes) * F)
        logits: Tensor = self.head(features)  # (B, K)
        return logits

    @property
    def word_vectors(self) -> Tensor:
        """The word vectors of the last channel, which is the trained one, (V, E)."""
        table = self.channels[-1]
        assert isinstance(table, nn.Embedding)  # noqa: S101  a ModuleList forgets the type
        return table.weight

    @property
    def metadata(self) -> Mapping[str, float | str]:
        """How much of the training split has a vector."""
        return self._metadata


def build_tokenizer(texts: Sequence[str], config: CnnGloveConfig, max_length: int) -> TextTokenizer:
    """Make a word-level tokenizer; that of random vectors knows the training words alone."""
    if config.variant is not CnnVariant.RAND:
        return make_vector_encoder(texts, config, max_length)
    return train_word_level(
        texts, vocab_size=config.vocab_size, min_frequency=config.min_frequency, max_length=max_length
    )


def build(config: CnnGloveConfig, context: BuildContext) -> ConvolutionalNetwork:
    """Make a convolutional network.

    Args:
        config: Its settings.
        context: The tokenizer, the labels, and the training split that coverage is measured on.

    Returns:
        Untrained filters over random or pretrained vectors; those of padding and of the unknown word are zeros.
    """
    channels, metadata = _make_channels(config, context)
    num_features = config.num_filters * len(config.kernel_sizes)
    num_labels = len(context.labels)
    dense = BoundedLinear(num_features, num_labels, config.max_norm) if config.max_norm else None
    head = nn.Sequential(nn.Dropout(config.dropout), dense or nn.Linear(num_features, num_labels))
    start_from_shares(head[-1], context)
    return ConvolutionalNetwork(channels, config.kernel_sizes, config.num_filters, head, metadata)


def _make_channels(config: CnnGloveConfig, context: BuildContext) -> tuple[list[nn.Embedding], Mapping[str, float]]:
    if config.variant is CnnVariant.RAND:
        table = torch.empty(context.tokenizer.vocab_size, config.embedding_dim).uniform_(
            -_INITIAL_RANGE, _INITIAL_RANGE
        )
        table[[PAD_ID, UNKNOWN_ID]] = 0
        return [_channel(table, is_trained=True)], {}
    table, coverage = load_table(config, context)
    channels = [_channel(table.clone(), is_trained=is_trained) for is_trained in _IS_TRAINED[config.variant]]
    return channels, coverage.metadata


def _channel(table: Tensor, *, is_trained: bool) -> nn.Embedding:
    channel = nn.Embedding(len(table), table.shape[1], padding_idx=PAD_ID, _weight=table)
    channel.weight.requires_grad_(is_trained)
    return channel


FAMILY: Final = Family(
    name="cnn-glove",
    summary="convolutional network over word vectors: random, static, non-static or multichannel",
    paper="Kim, 2014",
    config=CnnGloveConfig,
    build_tokenizer=build_tokenizer,
    build=build,
    defaults={
        "learning_rate": 2e-3,
        "num_epochs": 8,
        "min_steps": 600,
        "batch_size": 50,
        "patience": 4,
        "max_length": 512,
    },
)
