"""How unlike the training texts a text is, by its tokens alone: what a model needs to abstain out of distribution.

A text's tokens are counted as they would come from the training texts. Their surprisal is high where a text has words
that the training texts have not, or seldom. Confidence does not show this: a bag of words without a word that it knows
answers what its bias says, and two logits, of which the loss sees the difference alone, leave no energy to look at.

The pipeline fits it, an artifact stores it, and ``runtime.predictor`` asks it at each prediction.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from textwright.core.encodings import Encodings
from textwright.core.manifest_checks import is_number
from textwright.core.percent import percent
from textwright.core.tokenizer import TextTokenizer
from textwright.core.types import Floats, Ints
from textwright.errors import ArtifactFormatError

_NUM_BUCKETS: Final = 1 << 16
"""Of n-grams, which share a bucket by their hash."""
_CHARACTER_SHARE: Final = 0.9
"""Share of one-character tokens from which on a vocabulary is an alphabet."""
_LARGE_ALPHABET: Final = 1_000
"""An alphabet from this size on is one of syllables or ideographs: fewer of them say as much as many letters."""
_LETTERS, _IDEOGRAPHS = 5, 2
_MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)
_FACTS: Final = ("max_surprisal", "mean", "deviation", "order", "rate")
_TEXTS_AT_ONCE: Final = 4_096
"""Training texts that are encoded at once, so that memory does not grow with them."""

_Table: TypeAlias = NDArray[np.float16]


@dataclass(frozen=True, slots=True, eq=False)
class Surprisal:
    """Surprisal of texts under the training texts' distribution of tokens.

    Args:
        table: Surprisal of each token id, or bucket of n-grams, in nats, (S,).
        mean: Mean surprisal of the training texts' tokens, in nats.
        deviation: Standard deviation of the same, > 0.
        order: Tokens of an n-gram: 1 looks at each token alone.
        unknown_id: The id of what the vocabulary does not know; None if it knows every text.
    """

    table: _Table
    mean: float
    deviation: float
    order: int
    unknown_id: int | None

    @classmethod
    def fit(cls, texts: Sequence[str], tokenizer: TextTokenizer) -> Surprisal:
        """Count the training texts' tokens; each count is one more than it is, also of what never came.

        Unknown tokens are taken for words that never came, however many there were: they are many words, each rare.

        Args:
            texts: The training texts.
            tokenizer: The model's. If its tokens are characters, n-grams are counted in place of single tokens.
        """
        order, unknown_id = _order(tokenizer.vocabulary), tokenizer.unknown_id
        counts = np.zeros(tokenizer.vocab_size if order == 1 else _NUM_BUCKETS, dtype=np.int64)
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            encodings = tokenizer.encode(texts[start : start + _TEXTS_AT_ONCE])
            counts += np.bincount(_places(encodings, order), minlength=len(counts))
        if order == 1 and unknown_id is not None:
            counts[unknown_id] = 0
        table = (-np.log((counts + 1) / (counts.sum() + len(counts)))).astype(np.float16)
        weights = counts / max(counts.sum(), 1)
        mean = float(weights @ table.astype(np.float64))
        deviation = float(np.sqrt(weights @ (table.astype(np.float64) - mean) ** 2))
        return cls(table, mean, max(deviation, 1e-3), order, unknown_id)

    def of_texts(self, encodings: Encodings) -> Floats:
        """Say how unlike the training texts each text is.

        Args:
            encodings: B texts.

        Returns:
            The mean surprisal of its tokens above that of the training texts, in standard errors of a mean of as many
            tokens, (B,); infinite for a text of which no token is known.

        Source:
            Arora et al., 2021, "Types of Out-of-Distribution Texts and How to Detect Them", section 3 (density
            estimation by a language model, of which this is the smallest).
        """
        lengths = encodings.lengths
        surprisals = self.table[_places(encodings, self.order)].astype(np.float64) - self.mean
        texts = np.repeat(np.arange(len(lengths)), lengths)  # that each token is of
        sums = np.bincount(texts, weights=surprisals, minlength=len(lengths))
        errors = self.deviation * np.sqrt(np.maximum(lengths, 1))
        known = np.bincount(texts[encodings.ids != self.unknown_id], minlength=len(lengths))
        return np.where(known > 0, sums / errors, np.inf)

    def facts(self, max_surprisal: float, rate: float) -> dict[str, float]:
        """Give the manifest's account: everything but the table, with the threshold and the rate it was fitted for."""
        values = (max_surprisal, self.mean, self.deviation, self.order, rate)
        return dict(zip(_FACTS, values, strict=True))

    def to_bytes(self) -> bytes:
        """Write the table as a ``.npy`` file."""
        return _npy(self.table)


def describe_rate(rate: float) -> str:
    """Say which texts are out of distribution at a rate, for people."""
    return f"less like the training texts than all but {percent(rate)} of the validation texts"


def read_surprisal(content: bytes, facts: Mapping[str, Any], tokenizer: TextTokenizer) -> Surprisal:
    """Read what :meth:`Surprisal.to_bytes` and :meth:`Surprisal.facts` wrote.

    Args:
        content: The file.
        facts: The manifest's account.
        tokenizer: The artifact's.

    Raises:
        ArtifactFormatError: If either is not of its form.
    """
    if set(facts) != set(_FACTS) or not all(map(is_number, facts.values())) or facts["deviation"] <= 0:
        raise ArtifactFormatError(f"out_of_distribution must hold the numbers {', '.join(_FACTS)}, deviation above 0")
    order = int(facts["order"])
    try:
        table = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise ArtifactFormatError(f"the table of surprisals cannot be read: {error}; train the model again") from error
    size = tokenizer.vocab_size if order == 1 else _NUM_BUCKETS
    if order not in (1, _LETTERS, _IDEOGRAPHS) or table.dtype != np.float16 or table.shape != (size,):
        raise ArtifactFormatError(
            f"the table of surprisals holds {table.dtype} of shape {table.shape} for order {order}; expected {size} "
            "of float16; train the model again"
        )
    return Surprisal(table, float(facts["mean"]), float(facts["deviation"]), order, tokenizer.unknown_id)


def cut_surprisals(content: bytes, kept_ids: Ints) -> bytes:
    """Leave token ids out of the table that :meth:`Surprisal.to_bytes` wrote; those that are left are numbered anew.

    Args:
        content: The file, of single tokens.
        kept_ids: The old id of each new id, (V',), rising.
    """
    return _npy(np.load(io.BytesIO(content), allow_pickle=False)[kept_ids])


def _npy(table: _Table) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, table, allow_pickle=False)
    return buffer.getvalue()


def _order(vocabulary: Sequence[str]) -> int:
    """Choose how many tokens are looked at together: letters say little alone."""
    num_characters = sum(len(token) == 1 for token in vocabulary)
    if num_characters < _CHARACTER_SHARE * len(vocabulary):
        return 1
    return _LETTERS if len(vocabulary) < _LARGE_ALPHABET else _IDEOGRAPHS


def _places(encodings: Encodings, order: int) -> Ints:
    """Number the table's entry of each token, (T in all,): its id, or the bucket of the n-gram that ends with it.

    N-grams run across words, other than those of :mod:`textwright.core.ngrams`, which were tried and find less.
    """
    if order == 1:
        return encodings.ids.astype(np.int64)
    ids = encodings.ids.astype(np.uint64) + np.uint64(1)
    starts = np.repeat(encodings.offsets[:-1], encodings.lengths)
    positions = np.arange(len(ids)) - starts  # within the text
    hashes = np.zeros(len(ids), dtype=np.uint64)
    for back in range(order - 1, -1, -1):
        earlier = np.zeros_like(ids)
        earlier[back:] = np.where(positions[back:] >= back, ids[: max(len(ids) - back, 0)], 0)
        hashes = (hashes + earlier) * _MULTIPLIER
        hashes ^= hashes >> np.uint64(29)
    return (hashes % np.uint64(_NUM_BUCKETS)).astype(np.int64)
