"""Explain a model that adds its words up: exactly, from the logits of single words and of pairs of neighbors.

A bag of words without hidden layers computes

    logits(text) = bias + (sum over words of s[word] + sum over pairs of p[first, second]) / d(words + pairs)

where d is the number itself or its square root, and whose parts can all be asked for: a text without words gives the
bias, a word alone gives s, two words give p. So the graph itself tells what it adds, and whether it does:
:func:`find_form` compares such sums with the logits of a few longer texts. A word's contribution is its share of the
sum, s / d, and half of p / d for each pair it stands in.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from itertools import pairwise
from typing import Final

import numpy as np

from textwright.core.types import Float32s, Floats, TokenIds
from textwright.runtime.explain_protocol import Probing

_TRIALS: Final = (16, 7)
"""Texts that a sum is tried on, and their tokens."""
_TOLERANCE: Final = 1e-3
"""Largest difference between sum and logit, as a share of the largest part: float32 sums differ by less."""
_SMALLEST: Final = 1e-6
"""Difference that is rounding whatever the parts, in nats."""


class Form(Enum):
    """What a model adds up: whether pairs of neighbors too, and which power of the number of terms divides the sum."""

    WORDS = (False, 1.0)
    PAIRS = (True, 1.0)
    WORDS_SQRTN = (False, 0.5)
    PAIRS_SQRTN = (True, 0.5)

    @property
    def has_pairs(self) -> bool:
        """Whether pairs of neighbors are added."""
        return self.value[0]

    def divisor(self, num_terms: int) -> float:
        """Say what a sum of some words and pairs is divided by, > 0."""
        return float(max(num_terms, 1) ** self.value[1])


def find_form(vocab_size: int) -> Probing[Form | None]:
    """Find out whether a model adds its tokens up.

    Args:
        vocab_size: Number of token ids V.

    Yields:
        A few texts of random tokens, then their parts.

    Returns:
        The form of the sum; None if it is none.
    """
    trials: list[TokenIds] = np.random.default_rng(0).integers(0, vocab_size, _TRIALS).tolist()
    whole = yield trials
    logits = yield [part for trial in trials for part in _parts(trial, Form.PAIRS)]
    parts = logits.reshape(len(trials), -1, logits.shape[1])  # (trials, 2T, K)
    bound = max(_TOLERANCE * float(np.abs(parts - parts[:, :1]).max()), _SMALLEST)
    for form in Form:
        sums = [part[0] + shares(part, _TRIALS[1], form).sum(axis=0) for part in parts]
        if np.abs(whole - np.stack(sums)).max() <= bound:
            return form
    return None


def contribute(ids: TokenIds, form: Form) -> Probing[tuple[Float32s, Floats]]:
    """Find what each token adds to the logits.

    Args:
        ids: The text, (T,).
        form: What the model adds up.

    Yields:
        The text's parts, of at most two tokens each.

    Returns:
        The logits of a text without words, (K,), and each token's share, (T, K); together they sum to the text's.
    """
    logits = yield _parts(ids, form)
    return logits[0], shares(logits, len(ids), form)


def shares(logits: Float32s, num_tokens: int, form: Form) -> Floats:
    """Compute what each token adds.

    Args:
        logits: Of the text without words, of each token alone and, for pairs, of each two neighbors, (2T, K).
        num_tokens: Tokens of the text, T.
        form: What the model adds up.

    Returns:
        Each token's share of the logits, (T, K), in nats.
    """
    above = logits[1:].astype(np.float64) - logits[0]
    alone = above[:num_tokens]
    if not form.has_pairs:
        return np.asarray(alone / form.divisor(num_tokens))
    pairs = form.divisor(3) * above[num_tokens:] - alone[:-1] - alone[1:]  # two words and their pair: three terms
    total = alone.copy()
    total[:-1] += pairs / 2
    total[1:] += pairs / 2
    return np.asarray(total / form.divisor(2 * num_tokens - 1))


def _parts(ids: Sequence[int], form: Form) -> list[TokenIds]:
    """List the empty text, each token alone and, if they matter, each two neighbors."""
    pairs = map(list, pairwise(ids)) if form.has_pairs else ()
    return [[], *([token] for token in ids), *pairs]
