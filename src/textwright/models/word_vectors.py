"""Pretrained word vectors as the first layer of a family: which words get an id, and which vector each starts with.

The vocabulary holds, in this order:

1. the words of the training split that have a vector, or that occur ``min_frequency`` times;
2. the most frequent words of the vector file that training has not seen, ``num_further_words`` of them.

So a text of words that training never saw is still understood, as far as their vectors lie near those of words that it
did see. Every other word becomes the unknown word, whose vector is zeros. Only the rows of this vocabulary enter the
model: 20,000 further words of 50 dimensions are 4 MB of an artifact whose vectors cannot be folded, and 0.2 MB of one
whose can. Called by the word-vector families.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Annotated, Final, NamedTuple
from unicodedata import normalize

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from textwright.config import Settings
from textwright.core.tokenizer import TextTokenizer, train_word_level, word_level_tokenizer
from textwright.data.vectors import FoundVectors, WordVectors, open_vectors
from textwright.models.family import BuildContext

_log = logging.getLogger(__name__)
_UNLIMITED: Final = 2**31 - 1
_NUM_SPECIAL: Final = 2
_WORDS_PER_CHUNK: Final = 65_536
_LOW_COVERAGE: Final = 0.5


class VectorSettings(Settings):
    """Settings of every family that starts from word vectors."""

    vectors: str = "glove-6b-50d"
    """Word vectors to start from: an asset, or a text file of word2vec, GloVe or fastText (.txt, .vec, .gz)."""
    vocab_size: Annotated[int, Field(ge=3, le=1_000_000)] = 100_000
    """Largest number of token ids V; rarer words become the unknown word."""
    min_frequency: Annotated[int, Field(ge=1)] = 2
    """A word without a vector that is seen fewer times in the training split becomes the unknown word."""
    num_further_words: Annotated[int, Field(ge=0, le=1_000_000)] = 20_000
    """Frequent words of the vectors that training has not seen, which prediction shall understand."""


class Coverage(NamedTuple):
    """How much of the training split has a vector.

    Args:
        words: Share of the vocabulary's words that occur in training, in [0, 1].
        tokens: Share of the training split's tokens, unknown words included, in [0, 1].
    """

    words: float
    tokens: float

    @property
    def metadata(self) -> dict[str, float]:
        """The shares under the names that the manifest knows them by."""
        return {"words_with_vector": round(self.words, 4), "tokens_with_vector": round(self.tokens, 4)}


def build_tokenizer(
    texts: Sequence[str], config: VectorSettings, max_length: int, *, cased: bool = False
) -> TextTokenizer:
    """Make a word-level tokenizer from the training texts and the words that have a vector.

    Args:
        texts: The training split alone.
        config: Names the vectors and bounds the vocabulary.
        max_length: Longest encoding in tokens, >= 1.
        cased: Whether words keep their case. A word in capitals that has no vector has that of its lower-case form,
            also one that training has not seen.

    Returns:
        A tokenizer whose ids are ordered as the module says, training words from frequent to rare first.

    Raises:
        SettingsError: If no training text holds a word.
        DataError: If the vectors cannot be read.
    """
    counts = _count_words(texts, cased=cased)
    vectors = open_vectors(config.vectors)
    is_found = _take(vectors, list(counts)).is_found.tolist()
    words_of_texts = [
        word
        for (word, count), has_vector in zip(counts.items(), is_found, strict=True)
        if has_vector or count >= config.min_frequency
    ]
    further = islice(_further_words(vectors.words(), set(counts), cased=cased), config.num_further_words)
    words = [*words_of_texts, *further][: config.vocab_size - _NUM_SPECIAL]
    return word_level_tokenizer(words, max_length=max_length, cased=cased)


def _take(vectors: WordVectors, words: list[str]) -> FoundVectors:
    """Find vectors; a word in capitals that has none takes that of its lower-case form."""
    exact = vectors.take(words)
    places = [place for place in np.flatnonzero(~exact.is_found).tolist() if words[place] != words[place].lower()]
    if not places:
        return exact
    row_of = {word: row for row, word in enumerate(dict.fromkeys(words[place].lower() for place in places))}
    lowered, rows = vectors.take(list(row_of)), [row_of[words[place].lower()] for place in places]
    exact.vectors[places], exact.is_found[places] = lowered.vectors[rows], lowered.is_found[rows]
    return exact


def _count_words(texts: Sequence[str], *, cased: bool) -> dict[str, int]:
    """Count words by the tokenizer's own rule: word -> count, from frequent to rare."""
    tokenizer = train_word_level(texts, vocab_size=_UNLIMITED, min_frequency=1, max_length=_UNLIMITED, cased=cased)
    words = tokenizer.vocabulary
    counts = np.bincount(tokenizer.encode(texts).ids, minlength=len(words))
    return dict(zip(words[_NUM_SPECIAL:], counts[_NUM_SPECIAL:].tolist(), strict=True))


def _further_words(words: Iterator[str], seen: set[str], *, cased: bool) -> Iterator[str]:
    """Yield unseen words that the tokenizer can give: normalized, and one token by its rule ("u.s." is four)."""
    while chunk := list(islice(words, _WORDS_PER_CHUNK)):
        forms = (form for word in chunk for form in _forms(word, cased=cased))
        candidates = [word for word in dict.fromkeys(forms) if word not in seen]
        encodings = word_level_tokenizer(candidates, max_length=_NUM_SPECIAL, cased=cased).encode(candidates)
        for index, (word, encoded) in enumerate(zip(candidates, encodings, strict=True), start=_NUM_SPECIAL):
            if encoded.ids == [index]:
                yield word
        seen = seen.union(candidates)


def _forms(word: str, *, cased: bool) -> tuple[str, ...]:
    """Give the forms in which texts have a word of the vectors: the tokenizer's, and that at a sentence's start."""
    word = word if word.isascii() else normalize("NFC", word)
    if not cased:
        return (word.lower(),)
    return (word, word.capitalize()) if word == word.lower() else (word,)


def load_table(config: VectorSettings, context: BuildContext) -> tuple[Tensor, Coverage]:
    """Read the vector of each id.

    Args:
        config: Names the vectors.
        context: The tokenizer, and the training split that coverage is measured on.

    Returns:
        Vectors, (V, E) float32: zeros for padding and the unknown word, random ones of the same spread for
        training words without a vector; and the coverage, which is also logged.

    Raises:
        DataError: If the vectors cannot be read.
    """
    words = context.tokenizer.vocabulary
    vectors = _take(open_vectors(config.vectors), words[_NUM_SPECIAL:])
    table = torch.zeros(len(words), vectors.vectors.shape[1])
    table[_NUM_SPECIAL:] = _fill_missing(vectors)
    coverage = _measure(vectors, context)
    if len(context.training.encodings):
        _report(config.vectors, coverage)
    return table, coverage


def _report(name: str, coverage: Coverage) -> None:
    level = logging.INFO if coverage.tokens >= _LOW_COVERAGE else logging.WARNING
    words, tokens = 100 * coverage.words, 100 * coverage.tokens
    _log.log(level, "%s: %.1f %% of the training words and %.1f %% of its tokens have a vector", name, words, tokens)


def _fill_missing(found_vectors: FoundVectors) -> Tensor:
    """Give words without a vector a random one, of the mean and the deviation that each component of the others has."""
    vectors, is_missing = torch.from_numpy(found_vectors.vectors), torch.from_numpy(~found_vectors.is_found)
    known = vectors[~is_missing]
    mean, std = (known.mean(dim=0), known.std(dim=0)) if len(known) > 1 else (0.0, 1.0)
    noise = torch.randn(int(is_missing.sum()), vectors.shape[1])
    vectors[is_missing] = noise * std + mean
    return vectors


def _measure(found_vectors: FoundVectors, context: BuildContext) -> Coverage:
    is_found = np.concatenate([np.zeros(_NUM_SPECIAL, dtype=np.bool_), found_vectors.is_found])
    counts = np.bincount(context.training.encodings.ids, minlength=len(is_found))
    occurs = counts[_NUM_SPECIAL:] > 0
    return Coverage(
        words=float(found_vectors.is_found[occurs].mean()) if occurs.any() else 0.0,
        tokens=float(counts[is_found].sum() / max(counts.sum(), 1)),
    )
