"""What an explanation says: for each word, how much it speaks for the label; called by ``runtime.explain``.

The measure is the **score** of a label: its calibrated logit, above the mean of the other labels' where exactly one
label holds. It is in nats and linear in the logits. With two labels, and in a multi-label task, it is the log-odds of
the label's probability.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np

from textwright.core.labels import Task
from textwright.core.types import Float32s, Floats


class Method(StrEnum):
    """How contributions were found."""

    EXACT = "exact"
    """The model adds its words up: base and contributions sum to the score."""
    OCCLUSION = "occlusion"
    """A contribution is how far the score falls when the word is left out; they need not sum to anything."""


class Contribution(NamedTuple):
    """What one word says.

    Args:
        text: The word, as it stands in the text.
        start: Its first character, counted in Unicode code points from 0.
        end: The character behind its last one.
        contribution: What it adds to the score, in nats: above 0 it speaks for the label, below 0 against it.
    """

    text: str
    start: int
    end: int
    contribution: float


class TextExplanation(NamedTuple):
    """Which words of one text speak for its label and which against it.

    Args:
        label: The label that is explained: the predicted one; of a multi-label task the most probable one.
        method: How contributions were found.
        score: The label's score for the text, in nats.
        base: The label's score for a text without a word, in nats.
        words: The words that the model read, in order.
    """

    label: str
    method: Method
    score: float
    base: float
    words: tuple[Contribution, ...]

    def to_json(self) -> dict[str, Any]:
        """Say it in dictionaries and lists."""
        return {**self._asdict(), "method": self.method.value, "words": [word._asdict() for word in self.words]}


def scores(logits: Float32s | Floats, label_index: int, task: Task, *, temperature: float) -> Floats:
    """Turn logits into scores of one label.

    Args:
        logits: (N, K), in nats, not calibrated.
        label_index: The label, in [0, K).
        task: Whether exactly one label holds, or each by itself.
        temperature: Calibration divisor, > 0.

    Returns:
        Scores, (N,), in nats; linear in the logits.
    """
    own = np.array(logits[:, label_index], dtype=np.float64)
    num_others = logits.shape[1] - 1
    if task is Task.SINGLE_LABEL and num_others:
        own -= (logits.sum(axis=1, dtype=np.float64) - own) / num_others
    return np.asarray(own / temperature, dtype=np.float64)
