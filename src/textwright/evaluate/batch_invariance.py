"""Whether predictions depend on batch composition: the same texts alone, and in batches with other texts.

A server puts texts of several clients into one batch, so a prediction must be a function of its own text. Graphs that
compute activation ranges at run time (dynamic quantization) take them over the whole batch and break this. Called by
``pipeline`` and ``optimize``; why the bound: ``docs/decisions/0026-batch-invariance.md``.

Source:
    He & Thinking Machines Lab, 2025, "Defeating Nondeterminism in LLM Inference", for the term.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np

from textwright.core.types import Bools, Float32s, Ints
from textwright.runtime.predictor import Predictor

MAX_CHANGE: Final = 1e-3
"""Largest change of a probability of a variant that counts as batch-invariant."""
NUM_TEXTS: Final = 128
_MIXED_BATCH: Final = 32
_SHUFFLED_BATCH: Final = 8
_SAME_LENGTH_BATCH: Final = 16
_BESIDE_LONGEST: Final = 3
_SEED: Final = 0


@dataclass(frozen=True, slots=True)
class BatchInvariance:
    """How far predictions change with batch composition.

    Args:
        num_texts: Texts, each scored alone and in four batches of other composition.
        max_change: Largest change of a probability.
        mean_change: Mean over the texts of the largest change of each.
        num_changed_labels: Texts whose predicted labels changed in one of the batches at least.
    """

    num_texts: int
    max_change: float
    mean_change: float
    num_changed_labels: int

    @property
    def is_invariant(self) -> bool:
        """Whether no probability changes by more than ``MAX_CHANGE``."""
        return self.max_change <= MAX_CHANGE

    def in_words(self) -> str:
        """Say what was measured, in a clause."""
        return (
            f"a text's probabilities change by up to {self.max_change:.2g} (mean {self.mean_change:.2g}) and "
            f"{self.num_changed_labels:,} of {self.num_texts:,} labels change with the other texts of its batch"
        )

    def to_manifest(self) -> dict[str, float]:
        """Return the numbers by name, as a manifest stores them."""
        return asdict(self)


def measure_batch_invariance(predictor: Predictor, texts: Sequence[str]) -> BatchInvariance:
    """Score texts alone and in batches of mixed lengths, of equal lengths, of random texts and beside a long text.

    Args:
        predictor: A model, of one stage or two.
        texts: Texts such as those to come, one or more; of more than ``NUM_TEXTS`` the first are taken.

    Returns:
        The changes against the same text alone. They depend on the texts and the machine, not on chance.

    Raises:
        BackendError: If the engine fails, or a logit is not finite.
    """
    texts = texts[:NUM_TEXTS]
    alone, labels_alone = _score(predictor, texts, [np.array([position]) for position in range(len(texts))])
    changes = np.zeros(len(texts))
    is_changed = np.zeros(len(texts), dtype=np.bool_)
    for batches in _compositions(predictor.encode(texts).lengths):
        scores, labels = _score(predictor, texts, batches)
        changes = np.maximum(changes, np.abs(scores - alone).max(axis=1))
        is_changed |= labels != labels_alone
    return BatchInvariance(len(texts), float(changes.max()), float(changes.mean()), int(is_changed.sum()))


def _compositions(lengths: Ints) -> Iterator[list[Ints]]:
    """Yield ways to cut N texts into batches of positions."""
    positions, by_length = np.arange(len(lengths)), np.argsort(lengths, kind="stable")
    yield _cut(positions, _MIXED_BATCH)
    yield _cut(by_length, _SAME_LENGTH_BATCH)
    yield _cut(np.random.default_rng(_SEED).permutation(positions), _SHUFFLED_BATCH)
    longest = by_length[-1:]
    yield [np.concatenate([batch, longest]) for batch in _cut(positions, _BESIDE_LONGEST)]


def _cut(positions: Ints, size: int) -> list[Ints]:
    return [positions[start : start + size] for start in range(0, len(positions), size)]


def _score(predictor: Predictor, texts: Sequence[str], batches: Sequence[Ints]) -> tuple[Float32s, Bools]:
    """Predict in the given batches.

    Returns:
        Probabilities, (N, K), and the predicted labels of each text as one string, (N,).
    """
    probabilities = np.empty((len(texts), len(predictor.labels)), dtype=np.float32)
    labels = np.empty(len(texts), dtype=object)
    for batch in batches:
        scores = predictor.score([texts[position] for position in batch.tolist()], in_one_batch=True)
        probabilities[batch] = predictor.probabilities(scores.logits)
        labels[batch] = ["\0".join(item.labels) for item in scores.predictions]
    return probabilities, labels
