"""What ``bow`` and ``bow-glove`` share: the model over word vectors, however these begin, its head and its defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Final, Literal, TypeAlias, TypeVar

import torch
from pydantic import Field
from torch import Tensor, nn

from textwright.config import Settings
from textwright.core.labels import Labels
from textwright.core.types import Ints
from textwright.data.dataset import Examples
from textwright.models.bag_choices import choose_casing, choose_num_buckets
from textwright.models.family import BuildContext, Casing, TextModel
from textwright.models.naive_bayes import RatioEmbedding

_HASH_MULTIPLIER: Final = 1_000_003
"""A prime near 2**20: ids below it give every pair a number of its own before the modulus, far from int64's end."""
DEFAULTS: Final = {
    "learning_rate": 3e-3,
    "adam_epsilon": "auto",
    "num_epochs": 15,
    "min_steps": 1500,
    "batch_size": 64,
    "patience": 4,
    "max_length": 512,
}
"""Training settings of every bag of words."""


class BagPooling(StrEnum):
    """How the vectors of a text become one."""

    SQRTN = "sqrtn"
    MEAN = "mean"


class BagSettings(Settings):
    """Settings of every bag of words."""

    casing: Casing = Casing.AUTO
    """cased tells "Apple" from "apple", uncased does not.

    auto keeps case where naive Bayes on cased words is 10 points more accurate in cross-validation."""
    num_bigram_buckets: Literal["auto"] | Annotated[int, Field(ge=0, le=2**24)] = "auto"
    """Vectors for hashed pairs of neighboring words; 0 looks at single words only.

    auto takes pairs where most training tokens are of scripts without spaces (Chinese, Japanese, Thai), or where
    naive Bayes with pairs is 10 points more accurate in cross-validation than without; else 0. Give it more buckets
    than the training split has distinct pairs: 131072 suits ten thousand sentences."""
    pooling: BagPooling = BagPooling.SQRTN
    """sqrtn divides the sum of the vectors by the square root of their number, mean by their number.

    Under sqrtn a few decisive words of a long text weigh more."""

    def choose(self, examples: Examples, labels: Labels, max_length: int) -> BagSettings:
        """Decide an automatic casing by the training split."""
        if self.casing is not Casing.AUTO:
            return self
        return self.model_copy(update={"casing": choose_casing(examples, labels, max_length)})

    def num_buckets(self, context: BuildContext) -> int:
        """Decide how many pairs of neighbors have a vector; 0 for none."""
        return choose_num_buckets(context) if self.num_bigram_buckets == "auto" else self.num_bigram_buckets


class Bias(nn.Module):
    """Add one learned number per label: what is left of a linear head that was folded into the embeddings."""

    def __init__(self, bias: Tensor) -> None:
        super().__init__()
        self.bias = nn.Parameter(bias)

    def forward(self, scores: Tensor) -> Tensor:
        """Add the bias, (K,), to scores, (B, K)."""
        return scores + self.bias  # (B, K)


Ids = TypeVar("Ids", Tensor, Ints)
Vectors: TypeAlias = nn.Embedding | RatioEmbedding


class BagOfWords(TextModel):
    """The pooled word (and pair) vectors of a text, and a head.

    Args:
        words: Word vectors, (V, E); scores with E = K where they start from counts.
        bigrams: Pair vectors, (buckets, E), of the same kind; None looks at single words only.
        head: Turns pooled vectors, (B, E), into logits, (B, K).
        word_dropout: Share of the words left out in training, in [0, 1).
        pooling: What the sum of the vectors is divided by.
        cased: Whether its tokenizer keeps the case of words.
    """

    def __init__(
        self,
        words: Vectors,
        bigrams: Vectors | None,
        head: nn.Module,
        word_dropout: float,
        pooling: BagPooling,
        *,
        cased: bool = False,
    ) -> None:
        super().__init__()
        self.words = words
        self.bigrams = bigrams
        self.head = head
        self.word_dropout = word_dropout
        self.pooling = pooling
        self._cased = cased

    @property
    def metadata(self) -> Mapping[str, float | str]:
        """Whether words keep their case, and how many buckets of pairs there are."""
        num_buckets = 0 if self.bigrams is None else self.bigrams.num_embeddings
        casing = Casing.CASED if self._cased else Casing.UNCASED
        return {"casing": casing.value, "num_bigram_buckets": num_buckets}

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Pool the vectors of the tokens that are attended to, and score the labels.

        A text without tokens is pooled to zeros, so that its logits are those of the head alone.
        """
        mask = self._drop_words(attention_mask.to(self.words.weight.dtype))  # (B, T)
        total = _masked_sum(self.words(input_ids), mask)  # (B, E)
        count = mask.sum(dim=1, keepdim=True)  # (B, 1)
        if self.bigrams is not None:
            pairs = mask * _shift_left(mask)  # (B, T): both words are there
            total = total + _masked_sum(self.bigrams(self._hash_pairs(input_ids)), pairs)  # (B, E)
            count = count + pairs.sum(dim=1, keepdim=True)  # (B, 1)
        count = count.clamp(min=1)  # (B, 1)
        divisor = count.sqrt() if self.pooling is BagPooling.SQRTN else count  # (B, 1)
        logits: Tensor = self.head(total / divisor)  # (B, K)
        return logits

    @property
    def word_vectors(self) -> Tensor:
        """The learned word vectors, (V, E)."""
        return self.words.weight

    def simplified(self) -> nn.Module:
        """Fold a linear head into the embeddings: the head of a weighted sum is the weighted sum of the heads.

        Returns:
            A bag of words with E = K, whose vectors are the words' own scores for each label: a fraction of the
            size, and nothing left to multiply. With hidden layers, this module.
        """
        layers = [layer for layer in self.head.modules() if isinstance(layer, nn.Linear | Bias)]
        if len(layers) > 1:
            return self
        words = _project(self.words, layers[0])
        bigrams = None if self.bigrams is None else _project(self.bigrams, layers[0])
        folded = BagOfWords(words, bigrams, Bias(layers[0].bias.detach().clone()), 0.0, self.pooling)
        return folded.train(self.training)

    def _drop_words(self, mask: Tensor) -> Tensor:
        if not self.training or self.word_dropout == 0:
            return mask
        return mask * (torch.rand_like(mask) >= self.word_dropout)

    def _hash_pairs(self, input_ids: Tensor) -> Tensor:
        assert self.bigrams is not None  # noqa: S101  only called where there are pairs
        return hash_pairs(input_ids, _shift_left(input_ids), self.bigrams.num_embeddings)


def hash_pairs(first: Ids, second: Ids, num_buckets: int) -> Ids:
    """Give each pair of neighboring ids its bucket, in [0, num_buckets); tensors and arrays alike."""
    return (first * _HASH_MULTIPLIER + second) % num_buckets


def _masked_sum(vectors: Tensor, mask: Tensor) -> Tensor:
    """Sum the vectors (B, T, E) where the mask (B, T) is 1, as one matrix product: (B, E)."""
    return torch.bmm(mask.unsqueeze(1), vectors).squeeze(1)


def _shift_left(values: Tensor) -> Tensor:
    """Move each row (B, T) one place to the left and append a zero, so that position t holds what stood at t + 1."""
    return torch.cat([values[:, 1:], torch.zeros_like(values[:, :1])], dim=1)


def _project(vectors: Vectors, layer: nn.Linear | Bias) -> nn.Embedding:
    """Run each vector through the only layer there is, without its bias: (N, E) -> (N, K)."""
    weight = vectors.weight.detach().double()  # (N, E)
    if isinstance(layer, nn.Linear):
        weight = weight @ layer.weight.detach().double().T  # (N, K)
    return nn.Embedding(len(weight), weight.shape[1], _weight=weight.float())


def dense_head(dims: Sequence[int], dropout: float) -> nn.Sequential:
    """Make dense layers, with dropout before each and a ReLU between any two.

    Args:
        dims: Width of the input, of each hidden layer and of the logits, 2 or more numbers.
        dropout: Share of each layer's input that is zeroed in training, in [0, 1).

    Returns:
        Layers of which the last is the one that gives the logits.
    """
    layers: list[nn.Module] = []
    for width, next_width in pairwise(dims):
        layers += [nn.Dropout(dropout), nn.Linear(width, next_width), nn.ReLU()]
    return nn.Sequential(*layers[:-1])
