"""A fast stage in front of a model: how it is recorded, when it may answer, and how its answers walk to the end.

The fast stage has a tokenizer and a graph of its own and reads every text. Where it is sure enough its answer stands;
the other texts are *sent on* to the model, the strong stage. Its logits walk in the strong stage's units -- divided by
its own temperature, multiplied by the other's -- so that one calibration, one threshold and one decoding serve both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from textwright.core.decision import Decision
from textwright.core.encodings import Encodings, offsets_of
from textwright.core.labels import Task
from textwright.core.types import Bools, Float32s, Ints

FAST: Final = "fast"
STRONG: Final = "strong"
STAGES: Final = (FAST, STRONG)


@dataclass(frozen=True, slots=True)
class FastStage:
    """What the manifest says of a fast stage; its graph stands in each variant.

    Args:
        family: The kind of model.
        model: Name and version of the artifact that it was taken from.
        tokenizer: Name of its tokenizer's file.
        max_length: Longest encoding in tokens, special tokens included.
        temperature: Calibration divisor of its logits, > 0, fitted on the validation split.
        certainty: It answers a text from this certainty on, in [0, 1]; see :func:`certainty`.
        strong: Name and version of the artifact that takes the rest.
    """

    family: str
    model: str
    tokenizer: str
    max_length: int
    temperature: float
    certainty: float
    strong: str


def certainty(probabilities: Float32s, decision: Decision) -> Float32s:
    """Say how sure a model is of its whole answer.

    Args:
        probabilities: Calibrated, (B, K).
        decision: When a label is predicted.

    Returns:
        (B,), in [0, 1]: the probability of the predicted label, which without a threshold is the highest; for a
        multi-label task the probability of the least certain yes or no.
    """
    if decision.labels.task is Task.SINGLE_LABEL:
        return np.asarray(np.take_along_axis(probabilities, decision.choose(probabilities)[:, None], axis=1)[:, 0])
    return np.asarray(np.where(decision.holds(probabilities), probabilities, 1 - probabilities).min(axis=1))


@dataclass(frozen=True, slots=True, eq=False)
class StagedEncodings(Encodings):
    """N texts of which the fast stage has answered some; only the others have ids, those of the strong stage.

    Args:
        settled: Which texts are answered, (N,).
        logits: The answers, (N, K), in nats and in the strong stage's units; zeros where a text is sent on.
        fast_lengths: Tokens of each text as the fast stage counts them, (N,).
    """

    settled: Bools
    logits: Float32s
    fast_lengths: Ints

    @classmethod
    def merged(cls, fast: Encodings, sent_on: Encodings, settled: Bools, logits: Float32s) -> Self:
        """Put what both stages read into the order of the texts.

        Args:
            fast: All N texts, as the fast stage reads them.
            sent_on: Those that are not settled, in order, as the strong stage reads them.
            settled: (N,).
            logits: The fast stage's, (N, K), in the strong stage's units.
        """
        lengths, truncated = np.zeros(len(fast), dtype=np.int64), fast.truncated.copy()
        lengths[~settled], truncated[~settled] = sent_on.lengths, sent_on.truncated
        kept = np.where(settled[:, None], logits, np.float32(0))
        return cls(sent_on.ids, offsets_of(lengths), truncated, settled, kept, fast.lengths)

    @property
    def text_lengths(self) -> Ints:
        """Tokens of each text, (N,): the fast stage's, which reads every text."""
        return self.fast_lengths

    def sent_on(self) -> Encodings:
        """Give the texts that the strong stage has to answer, in order."""
        is_open = ~self.settled
        return Encodings(self.ids, offsets_of(self.lengths[is_open]), self.truncated[is_open])

    def take(self, positions: Ints) -> StagedEncodings:
        """Select texts; see :meth:`Encodings.take`."""
        taken = Encodings.take(self, positions)
        return self._like(taken, positions)

    def between(self, start: int, stop: int) -> StagedEncodings:
        """Select the texts from ``start`` up to, not including, ``stop``."""
        return self._like(Encodings.between(self, start, stop), slice(start, stop))

    def _like(self, taken: Encodings, rows: Ints | slice) -> StagedEncodings:
        extra = self.settled[rows], self.logits[rows], self.fast_lengths[rows]
        return StagedEncodings(taken.ids, taken.offsets, taken.truncated, *extra)


def stages_of(encodings: Encodings, *, has_fast_stage: bool) -> Sequence[str | None]:
    """Name the stage that answers each text; None where a model has but one.

    Args:
        encodings: B texts, as the model's ``encode`` gave them, or those that were sent on.
        has_fast_stage: Whether the model has two.
    """
    if not has_fast_stage:
        return [None] * len(encodings)
    if isinstance(encodings, StagedEncodings):
        return [FAST if is_settled else STRONG for is_settled in encodings.settled.tolist()]
    return [STRONG] * len(encodings)
