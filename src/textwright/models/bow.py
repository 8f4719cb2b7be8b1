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
from typing import Annotated, Final

import numpy as np
import torch
from pydantic import Field
from torch import nn

from textwright.core.tokenizer import PAD_ID, UNKNOWN_ID, TextTokenizer, train_word_level
from textwright.models.bag_of_words import DEFAULTS, BagOfWords, BagPooling, BagSettings, Bias, dense_head, hash_pairs
from textwright.models.family import BuildContext, Casing, Family, start_from_shares
from textwright.models.naive_bayes import RatioEmbedding, log_count_ratios

_INITIAL_STD: Final = 0.1
_RATIO_GAIN: Final = {BagPooling.MEAN: 10.0, BagPooling.SQRTN: 2.5}
"""Naive Bayes takes the sum of the scores, the model a part of it: this makes up for it at the length of a sentence."""


class BowConfig(BagSettings):
    """Settings of the bag of words."""

    embedding_dim: Annotated[int, Field(ge=1, le=4096)] = 64
    """Length E of a word vector. More costs training time alone: the shipped graph keeps one number per label."""
    vocab_size: Annotated[int, Field(ge=3, le=1_000_000)] = 50_000
    """Largest number of token ids V; rarer words become the unknown word."""
    min_frequency: Annotated[int, Field(ge=1)] = 1
    """A word seen fewer times in the training split becomes the unknown word; 1 keeps all."""
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
        texts,
        vocab_size=config.vocab_size,
        min_frequency=config.min_frequency,
        max_length=max_length,
        cased=config.casing is Casing.CASED,
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
    num_buckets = config.num_buckets(context)
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
    cased = context.tokenizer.is_cased
    return BagOfWords(words, bigrams, head, config.word_dropout, config.pooling, cased=cased)


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
    head, cased = Bias(torch.zeros(num_labels)), context.tokenizer.is_cased
    return BagOfWords(RatioEmbedding(words), bigrams, head, config.word_dropout, config.pooling, cased=cased)


FAMILY: Final = Family(
    name="bow",
    summary="bag of words with learned embeddings, optionally with pairs of words",
    paper="Iyyer et al., 2015; Joulin et al., 2017",
    config=BowConfig,
    build_tokenizer=build_tokenizer,
    build=build,
    defaults=DEFAULTS,
    choose_settings=BowConfig.choose,
)
