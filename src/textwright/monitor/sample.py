"""What is compared with the reference: predictions and facts of N texts, in arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from textwright.core.types import Bools, Float32s, Floats, Ints
from textwright.core.word_sketch import count_buckets
from textwright.evaluate.predictions import LabeledPredictions
from textwright.evaluate.profile import confidence_of
from textwright.runtime.text_facts import TextFacts


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Texts as a model saw them.

    Args:
        predicted: Label indices, (N,), or which labels were predicted, (N, K).
        probabilities: As served, (N, K).
        num_tokens: Tokens read, (N,).
        unknown_rates: Share of them that the vocabulary does not know, (N,).
        word_counts: Texts in which each bucket of words occurs, (512,).
        times: When each was answered; empty if that is not known.
        texts: The texts; empty if they were not recorded.
    """

    predicted: Ints | Bools
    probabilities: Float32s
    num_tokens: Ints
    unknown_rates: Float32s
    word_counts: Sequence[int]
    times: Sequence[datetime] = ()
    texts: Sequence[str] = ()

    @classmethod
    def of_predictions(cls, predictions: LabeledPredictions, facts: TextFacts, rows: Ints) -> Sample:
        """Take some of the texts of a labeled source.

        Args:
            predictions: What a model says of them.
            facts: What they are to it.
            rows: Which texts, (M,); the same one may come twice.
        """
        return cls(
            predictions.predicted[rows],
            predictions.probabilities[rows],
            facts.num_tokens[rows],
            facts.unknown_rates[rows],
            count_buckets([facts.words[row] for row in rows.tolist()]),
        )

    def __len__(self) -> int:
        return len(self.predicted)

    @property
    def is_multi_label(self) -> bool:
        """Whether a text may have several labels."""
        return self.predicted.ndim == 2

    @property
    def confidences(self) -> Floats:
        """The confidence of each prediction, (N,)."""
        return confidence_of(self.predicted, self.probabilities)

    @property
    def predicted_counts(self) -> list[int]:
        """Texts for which each label was predicted, (K,)."""
        num_labels = self.probabilities.shape[1]
        if self.is_multi_label:
            counts: list[int] = self.predicted.sum(axis=0).tolist()
        else:
            counts = np.bincount(self.predicted.astype(np.int64), minlength=num_labels).tolist()
        return counts
