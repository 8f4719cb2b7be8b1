"""The two rows that are always in the table: the most frequent label, and TF-IDF with logistic regression.

What does not beat them is not worth its cost. The models are those of :mod:`textwright.evaluate.baselines`, which
``train`` ends with.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from time import perf_counter
from typing import Any

import numpy as np

from textwright.comparison.candidate import Result, RunJob
from textwright.core.callbacks import Callback
from textwright.evaluate.baselines import observations
from textwright.evaluate.benchmark import Predict
from textwright.evaluate.linear import STRENGTHS, fit_linear
from textwright.evaluate.ngrams import NGRAMS
from textwright.evaluate.predictions import label_shares


@dataclass(frozen=True, slots=True)
class MajorityBaseline:
    """Answer every text alike, with the shares of the labels among the training examples."""

    name: str = "majority"
    summary: str = "the most frequent label, whatever the text"
    is_baseline: bool = True
    depends_on_seed: bool = False

    @property
    def settings(self) -> Mapping[str, Any]:
        """There is nothing to set."""
        return {}

    def complete(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """Nothing came since."""
        return settings

    def run(self, job: RunJob, callback: Callback) -> Result:  # noqa: ARG002  there are no steps
        """Count the labels."""
        start = perf_counter()
        shares = label_shares(job.dataset.train, job.dataset.labels)
        seconds = perf_counter() - start
        rows = np.tile(shares, (len(job.dataset.test), 1))
        predictions = observations(job.dataset.test, rows, job.dataset.labels)
        return Result(predictions, len(job.dataset.train), seconds, shares.nbytes, _digest(shares.tobytes()))

    def clean_up(self, job: RunJob) -> None:
        """There is nothing on disk."""

    def reopen(self, job: RunJob) -> Predict:
        """Return what looks at no text."""
        shares = label_shares(job.dataset.train, job.dataset.labels)
        return lambda texts: np.tile(shares, (len(texts), 1))


@dataclass(frozen=True, slots=True)
class TfidfBaseline:
    """Weigh words, characters or both by TF-IDF and put a logistic regression on them: the row to beat.

    Source:
        Pang & Lee, 2005, is measured so by most who use its reviews; Wang & Manning, 2012, "Baselines and Bigrams",
        for why such a line is hard to beat.
    """

    name: str = "tf-idf"
    summary: str = "TF-IDF of words, characters or both with logistic regression, tuned, from scikit-learn"
    is_baseline: bool = True
    depends_on_seed: bool = False

    @property
    def settings(self) -> Mapping[str, Any]:
        """What is chosen from, and what is fixed."""
        ngrams = {kind: list(lengths) for kind, lengths in NGRAMS.items()}
        return {"ngrams": ngrams, "sublinear_tf": True, "C": list(STRENGTHS), "tuned_by": "cross-validation"}

    def complete(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """Nothing came since."""
        return settings

    def run(self, job: RunJob, callback: Callback) -> Result:  # noqa: ARG002  there are no steps
        """Tune it on the training split by cross-validation, and fit it."""
        start = perf_counter()
        model = fit_linear(job.dataset.train, job.dataset.labels)
        seconds = perf_counter() - start
        probabilities = model.probabilities(job.dataset.test.texts)
        predictions = observations(job.dataset.test, probabilities, job.dataset.labels)
        pickled = pickle.dumps(model)
        return Result(
            predictions, len(job.dataset.train), seconds, len(pickled), _digest(predictions.probabilities.tobytes())
        )

    def clean_up(self, job: RunJob) -> None:
        """There is nothing on disk."""

    def reopen(self, job: RunJob) -> Predict:
        """Fit it again: that takes seconds, and no pickle of unknown origin is ever opened."""
        return fit_linear(job.dataset.train, job.dataset.labels).probabilities


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()[:12]
