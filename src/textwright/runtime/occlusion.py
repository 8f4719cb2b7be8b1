"""Explain any model by leaving words out: a word's contribution is how far the score falls without it.

A text of W words takes W further texts, which is much where a text takes milliseconds. So there is a budget of tokens.
Where it does not suffice, each word is first asked for alone -- a text of one word is cheap -- and neighbors that say
least alone are joined into stretches that are left out at once, as many as the budget holds. What a stretch
contributes is shared among its words in proportion to what they say alone in its direction.

Source:
    Zeiler & Fergus, 2014, "Visualizing and Understanding Convolutional Networks" (occlusion); Li et al., 2016,
    "Understanding Neural Networks through Representation Erasure" (of words).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final, TypeAlias

import numpy as np

from textwright.core.types import Float32s, Floats, TokenIds
from textwright.core.word_spans import Located
from textwright.runtime.explain_protocol import Probing

ScoreOf: TypeAlias = Callable[[Float32s | Floats], Floats]
"""Logits (N, K) -> scores of the explained label (N,)."""

_MIN_STRETCHES: Final = 4
"""Stretches that are left out however small the budget."""
_LEAST_SHARE: Final = 1e-3
"""Nats that every word of a stretch counts for when it is shared, so that a stretch of silent words is shared too."""


def occlude(located: Located, logits: Float32s, score_of: ScoreOf, max_tokens: int) -> Probing[tuple[float, Floats]]:
    """Explain one text.

    Args:
        located: Its tokens and words.
        logits: Its own logits, (K,).
        score_of: Turns logits into scores of the label.
        max_tokens: Tokens to read; the least that is asked for may be more.

    Yields:
        The words alone, where they are needed; then the text without each stretch.

    Returns:
        The score of a text without words, and each word's contribution, (W,), in nats.
    """
    num_words, num_tokens = len(located.words), len(located.ids)
    frame = _only(located, None)
    if num_words * num_tokens <= max_tokens:
        alone = np.zeros(num_words)
        stretches = [range(index, index + 1) for index in range(num_words)]
    else:
        probes = [frame, *(_only(located, index) for index in range(num_words))]
        by_word = score_of((yield probes))
        alone = by_word[1:] - by_word[0]
        num_left = max_tokens - sum(map(len, probes))
        stretches = join_neighbors(np.abs(alone), max(num_left // num_tokens, _MIN_STRETCHES))
    answers = score_of((yield [frame, *(_without(located, stretch) for stretch in stretches)]))
    falls = score_of(logits[None])[0] - answers[1:]
    return float(answers[0]), _share(falls, stretches, alone)


def join_neighbors(weights: Floats, num_stretches: int) -> list[range]:
    """Join the neighbors that weigh least together, again and again, until few stretches are left.

    Args:
        weights: Of the W words, (W,), >= 0.
        num_stretches: How many may be left, >= 1.

    Returns:
        Stretches of words in order, each a range of positions; every word is in one.
    """
    edges, sums = list(range(len(weights) + 1)), np.array(weights, dtype=np.float64)
    while len(sums) > num_stretches:
        least = int((sums[:-1] + sums[1:]).argmin())
        sums[least] += sums[least + 1]
        sums = np.delete(sums, least + 1)
        del edges[least + 1]
    return [range(start, stop) for start, stop in pairwise(edges)]


def _share(falls: Floats, stretches: Sequence[range], alone: Floats) -> Floats:
    values = np.zeros(len(alone))
    for fall, stretch in zip(falls, stretches, strict=True):
        span = slice(stretch.start, stretch.stop)
        shares = np.maximum(np.sign(fall) * alone[span], 0.0) + _LEAST_SHARE
        values[span] = fall * shares / shares.sum()
    return values


def _without(located: Located, stretch: range) -> TokenIds:
    """Leave a stretch of words out of a text."""
    first, last = located.words[stretch.start], located.words[stretch.stop - 1]
    return located.ids[: first.first_token] + located.ids[last.stop_token :]


def _only(located: Located, index: int | None) -> TokenIds:
    """Leave all words out of a text, or all but one; special tokens stay."""
    if not located.words:
        return located.ids
    first, last = located.words[0], located.words[-1]
    word = located.words[index] if index is not None else None
    middle = located.ids[word.first_token : word.stop_token] if word else []
    return [*located.ids[: first.first_token], *middle, *located.ids[last.stop_token :]]
