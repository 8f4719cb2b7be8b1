"""Bag of words with learned embeddings.

The picture: every word has a vector; a text is the sum of its words' vectors, whatever their order, divided by the
square root of their number (or by their number: the mean); a dense layer turns that into one score per label. Pairs of
neighboring words ("not good") may have vectors of their own: each pair is hashed into one of a fixed number of
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
from typing import Annotated, Final, Literal

import numpy as np
import torch
from pydantic import Field
from torch import nn

from textwright.config import Settings
from textwright.core.labels import Task
from textwright.core.metrics import is_correct
from textwright.core.scripts import is_unspaced
from textwright.core.tokenizer import PAD_ID, UNKNOWN_ID, TextTokenizer, train_word_level
from textwright.core.types import Floats
from textwright.models.bag_of_words import DEFAULTS, BagOfWords, BagPooling, Bias, dense_head, hash_pairs
from textwright.models.family import BuildContext, Family, start_from_shares
from textwright.models.naive_bayes import RatioEmbedding, held_out_scores, log_count_ratios

_FEWEST_BUCKETS, _MOST_BUCKETS = 2**10, 2**17
"""Bounds of the number of buckets that is chosen automatically; more cost time and gain little."""
_MOST_SCORES: Final = 2**24
"""Most scores of pairs, buckets times labels, that are chosen automatically: 64 MB of the shipped graph."""
_BLOCK_IDS: Final = 2**22
"""Token ids that are looked at at once, so that memory does not grow with the texts."""
_MOST_COUNTED_TEXTS: Final = 4_000
_MOST_COUNTED_IDS: Final = 200_000
"""Texts and token ids on which words are compared with pairs; a second of one core."""
_GAIN_OF_PAIRS: Final = 0.1
"""Gain in accuracy from which on pairs pay for what they cost in size and time, also where words grow rarer by them."""
_INITIAL_STD: Final = 0.1
_RATIO_GAIN: Final = {BagPooling.MEAN: 10.0, BagPooling.SQRTN: 2.5}
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
    """Vectors for hashed pairs of neighboring words; 0 looks at single words only.

    auto takes pairs where most training tokens are of scripts without spaces (Chinese, Japanese, Thai), or where
    naive Bayes with pairs is 10 points more accurate in cross-validation than without; else 0. Give it more buckets
    than the training split has distinct pairs: 131072 suits ten thousand sentences."""
    pooling: BagPooling = BagPooling.SQRTN
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


def build_tokenizer(texts: Sequence[str], config: BowConfig, max_length: int) -> TextTokenizer:
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
    words = nn.Embedding(context.tokenizer.vocab_size, config.embedding_dim, padding_idx=PAD_ID)
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
    """Choose buckets for pairs: twice the distinct pairs, rounded up; 0 where words alone will do."""
    if not (_is_mostly_unspaced(context) or _order_decides(context)):
        return 0
    encodings = context.training.encodings
    pairs = np.empty(0, dtype=np.int64)
    for start in range(0, len(encodings.ids), _BLOCK_IDS):
        block = encodings.ids[start : start + _BLOCK_IDS + 1]
        pairs = np.union1d(pairs, block[:-1].astype(np.int64) * context.tokenizer.vocab_size + block[1:])
    most = min(_MOST_BUCKETS, 1 << (_MOST_SCORES // len(context.labels)).bit_length() - 1)
    return min(max(1 << (2 * len(pairs) - 1).bit_length(), _FEWEST_BUCKETS), most)


def _is_mostly_unspaced(context: BuildContext) -> bool:
    """Tell whether most training tokens are of scripts without spaces."""
    ids = context.training.encodings.ids
    is_unit = np.array([is_unspaced(token) for token in context.tokenizer.vocabulary])
    blocks = (ids[start : start + _BLOCK_IDS] for start in range(0, len(ids), _BLOCK_IDS))
    return sum(int(is_unit[block].sum()) for block in blocks) > 0.5 * len(ids)


def _order_decides(context: BuildContext) -> bool:
    """Tell whether naive Bayes is far more accurate with pairs of words than without, in cross-validation."""
    split, vocab_size = context.training, context.tokenizer.vocab_size
    if len(split.encodings) == 0:
        return False
    most = min(_MOST_COUNTED_TEXTS, int(_MOST_COUNTED_IDS / max(float(split.encodings.lengths.mean()), 1)) + 1)
    chosen = np.unique(np.linspace(0, len(split.encodings) - 1, min(len(split.encodings), most)).astype(np.int64))
    encodings, holds = split.encodings.take(chosen), split.holds(len(context.labels))[chosen]
    texts, ids = np.repeat(np.arange(len(encodings)), encodings.lengths), encodings.ids.astype(np.int64)
    is_pair = texts[1:] == texts[:-1]
    distinct, pairs = np.unique((ids[:-1] * vocab_size + ids[1:])[is_pair], return_inverse=True)
    if max(vocab_size, len(distinct)) * len(context.labels) > _MOST_SCORES:
        return False
    words_alone = held_out_scores(ids, texts, holds, num_ids=vocab_size)
    with_pairs = words_alone + held_out_scores(pairs, texts[1:][is_pair], holds, num_ids=max(len(distinct), 1))
    shares = (holds.sum(axis=0) + 1) / (len(holds) + 2)

    def accuracy(scores: Floats) -> float:
        if context.labels.task is Task.SINGLE_LABEL:
            return float(is_correct(split.targets[chosen], scores.argmax(axis=1)).mean())
        return float(is_correct(holds, scores + np.log(shares / (1 - shares)) > 0).mean())

    return accuracy(with_pairs) - accuracy(words_alone) >= _GAIN_OF_PAIRS


def _build_from_counts(config: BowConfig, context: BuildContext, num_buckets: int) -> BagOfWords:
    """Count words and hashed pairs, each in a table of their own; the labels' biases start from 0."""
    encodings, num_labels = context.training.encodings, len(context.labels)
    holds = context.training.holds(num_labels)
    texts, ids = np.repeat(np.arange(len(encodings)), encodings.lengths), encodings.ids.astype(np.int64)
    gain = _RATIO_GAIN[config.pooling]
    words = gain * log_count_ratios(ids, texts, holds, num_ids=context.tokenizer.vocab_size)
    bigrams = None
    if num_buckets:
        is_pair = texts[1:] == texts[:-1]
        buckets = hash_pairs(ids[:-1], ids[1:], num_buckets)[is_pair]
        ratios = log_count_ratios(buckets, texts[1:][is_pair], holds, num_ids=num_buckets)
        bigrams = RatioEmbedding(gain * ratios)
    head = Bias(torch.zeros(num_labels))
    return BagOfWords(RatioEmbedding(words), bigrams, head, config.word_dropout, config.pooling)


FAMILY: Final = Family(
    name="bow",
    summary="bag of words with learned embeddings, optionally with pairs of words",
    paper="Iyyer et al., 2015; Joulin et al., 2017",
    config=BowConfig,
    build_tokenizer=build_tokenizer,
    build=build,
    defaults=DEFAULTS,
)
