"""Bag of words with learned embeddings.

The picture: every word has a vector; a text is the sum of its words' vectors, whatever their order, divided by the
square root of their number (or by their number: the mean); a dense layer turns that into one score per label. Pairs of
neighbouring words ("not good") may have vectors of their own: each pair is hashed into one of a fixed number of
buckets, so no list of pairs is kept. Instead of vectors, words and pairs may have one score per label that starts from
the training split's counts (``models.naive_bayes``).

::

    input_ids (B, T) -> word vectors (B, T, E) --pool over tokens--> (B, E) -> dropout -> dense -> logits (B, K)
    pairs     (B, T) -> pair vectors (B, T, E) --^

Source:
    Iyyer et al., 2015, "Deep Unordered Composition Rivals Syntactic Methods for Text Classification" (the mean, and
    word dropout); Joulin et al., 2017, "Bag of Tricks for Efficient Text Classification" (hashed bigrams); Wang &
    Manning, 2012, "Baselines and Bigrams" (log-count ratios).
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Final, Literal, TypeAlias, TypeVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from textwright.config import Settings
from textwright.core.scripts import is_unspaced
from textwright.core.tokenization import PAD_ID, UNKNOWN_ID, TextEncoder, train_word_level
from textwright.core.types import Ints
from textwright.models.family import BuildContext, Family, TextModel, start_from_shares
from textwright.models.naive_bayes import RatioEmbedding, log_count_ratios


class Pooling(StrEnum):
    """How the vectors of a text become one."""

    SQRTN = "sqrtn"
    MEAN = "mean"


_HASH_MULTIPLIER: Final = 1_000_003
"""A prime near 2**20: ids below it give every pair a number of its own before the modulus, far from int64's end."""
_FEWEST_BUCKETS, _MOST_BUCKETS = 2**10, 2**17
"""Bounds of the number of buckets that is chosen automatically; more cost time and gain little."""
_MOST_SCORES: Final = 2**24
"""Most scores of pairs, buckets times labels, that are chosen automatically: 64 MB of the shipped graph."""
_INITIAL_STD: Final = 0.1
_RATIO_GAIN: Final = {Pooling.MEAN: 10.0, Pooling.SQRTN: 2.5}
"""Naive Bayes takes the sum of the scores, the model a part of it: this makes up for it at the length of a sentence."""


class BowConfig(Settings):
    """Settings of the bag of words."""

    embedding_dim: Annotated[int, Field(ge=1, le=4096)] = 64
    """Length E of a word vector. More costs training time alone: the shipped graph keeps one number per label."""
    vocab_size: Annotated[int, Field(ge=3, le=1_000_000)] = 50_000
    """Largest number of token ids V; rarer words become the unknown word."""
    min_frequency: Annotated[int, Field(ge=1)] = 1
    """A word seen fewer times in the training split becomes the unknown word; 1 keeps all."""
    num_bigram_buckets: Literal["auto"] | Annotated[int, Field(ge=0, le=2**24)] = "auto"
    """Vectors for hashed pairs of neighbouring words; 0 looks at single words only.

    auto takes pairs where most training tokens are of scripts without spaces (Chinese, Japanese, Thai),
    and 0 elsewhere. Give it more buckets than the training split has distinct pairs: 131072 suits ten thousand
    sentences."""
    pooling: Pooling = Pooling.SQRTN
    """sqrtn divides the sum of the vectors by the square root of their number, mean by their number.

    Under sqrtn a few decisive words of a long text weigh more."""
    hidden_dim: Annotated[int, Field(ge=0, le=4096)] = 0
    """Width H of a ReLU layer between pooled vectors and logits; 0 keeps the head linear, the fastest to serve."""
    naive_bayes: bool = False
    """Give each word and pair no vector but one score per label: its log-count ratio times a learned weight.

    embedding_dim, hidden_dim and dropout have no say then."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5
    """Share of the pooled vector's components that is zeroed in training, in [0, 1)."""
    word_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5
    """Share of the words that is left out in training, in [0, 1)."""


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
    """

    def __init__(
        self, words: Vectors, bigrams: Vectors | None, head: nn.Module, word_dropout: float, pooling: Pooling
    ) -> None:
        super().__init__()
        self.words = words
        self.bigrams = bigrams
        self.head = head
        self.word_dropout = word_dropout
        self.pooling = pooling

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
        divisor = count.sqrt() if self.pooling is Pooling.SQRTN else count  # (B, 1)
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
    """Give each pair of neighbouring ids its bucket, in [0, num_buckets); tensors and arrays alike."""
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


def make_encoder(texts: Sequence[str], config: BowConfig, max_length: int) -> TextEncoder:
    """Make a word-level tokenizer from the training texts alone."""
    return train_word_level(
        texts, vocab_size=config.vocab_size, min_frequency=config.min_frequency, max_length=max_length
    )


def build(config: BowConfig, context: BuildContext) -> BagOfWords:
    """Make a bag of words with random vectors, or with scores that start from the training split's counts.

    Args:
        config: Its settings.
        context: The tokenizer, the labels, and the training split.

    Returns:
        An untrained model. What training may never touch -- the unknown word where every training word is known,
        pairs that first occur in prediction -- starts from zeros, so that it says nothing; padding stays there.
    """
    num_buckets = _choose_num_buckets(context) if config.num_bigram_buckets == "auto" else config.num_bigram_buckets
    if config.naive_bayes:
        return _build_from_counts(config, context, num_buckets)
    words = nn.Embedding(context.encoder.vocab_size, config.embedding_dim, padding_idx=PAD_ID)
    bigrams = nn.Embedding(num_buckets, config.embedding_dim) if num_buckets else None
    nn.init.normal_(words.weight, std=_INITIAL_STD)
    words.weight.data[[PAD_ID, UNKNOWN_ID]] = 0
    if bigrams is not None:
        nn.init.zeros_(bigrams.weight)
    hidden_dims = [config.hidden_dim] if config.hidden_dim else []
    head = dense_head([config.embedding_dim, *hidden_dims, len(context.labels)], config.dropout)
    start_from_shares(head[-1], context)
    return BagOfWords(words, bigrams, head, config.word_dropout, config.pooling)


def _choose_num_buckets(context: BuildContext) -> int:
    """Choose buckets for pairs in scripts without spaces: twice the distinct pairs, rounded up; 0 elsewhere."""
    encodings = context.training.encodings
    is_unit = np.array([is_unspaced(token) for token in context.encoder.vocabulary])
    if not len(encodings.ids) or is_unit[encodings.ids].mean() <= 0.5:
        return 0
    pairs = np.unique(encodings.ids[:-1].astype(np.int64) * context.encoder.vocab_size + encodings.ids[1:])
    most = min(_MOST_BUCKETS, 1 << (_MOST_SCORES // len(context.labels)).bit_length() - 1)
    return min(max(1 << (2 * len(pairs) - 1).bit_length(), _FEWEST_BUCKETS), most)


def _build_from_counts(config: BowConfig, context: BuildContext, num_buckets: int) -> BagOfWords:
    """Count words and hashed pairs, each in a table of their own; the labels' biases start from 0."""
    encodings, num_labels = context.training.encodings, len(context.labels)
    holds = context.training.holds(num_labels)
    texts, ids = np.repeat(np.arange(len(encodings)), encodings.lengths), encodings.ids.astype(np.int64)
    gain = _RATIO_GAIN[config.pooling]
    words = gain * log_count_ratios(ids, texts, holds, num_ids=context.encoder.vocab_size)
    bigrams = None
    if num_buckets:
        is_pair = texts[1:] == texts[:-1]
        buckets = hash_pairs(ids[:-1], ids[1:], num_buckets)[is_pair]
        ratios = log_count_ratios(buckets, texts[1:][is_pair], holds, num_ids=num_buckets)
        bigrams = RatioEmbedding(gain * ratios)
    head = Bias(torch.zeros(num_labels))
    return BagOfWords(RatioEmbedding(words), bigrams, head, config.word_dropout, config.pooling)


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


DEFAULTS: Final = {
    "learning_rate": 3e-3,
    "num_epochs": 15,
    "min_steps": 1500,
    "batch_size": 64,
    "patience": 4,
    "max_length": 512,
}
"""Training settings of every bag of words."""
FAMILY: Final = Family(
    name="bow",
    summary="bag of words with learned embeddings, optionally with pairs of words",
    paper="Iyyer et al., 2015; Joulin et al., 2017",
    config=BowConfig,
    make_encoder=make_encoder,
    build=build,
    defaults=DEFAULTS,
)
