"""The two rows that are always in the table: the most frequent label, and TF-IDF with logistic regression.

What does not beat them is not worth its cost. scikit-learn is imported here alone, and only when a row runs.
"""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from time import perf_counter
from typing import Any, Final, Protocol

import numpy as np

from textwright.compare.contender import Job, Predict, Result
from textwright.core.labels import Labels, Task
from textwright.core.metrics import is_correct
from textwright.core.types import Bools, Float32s, Floats, Ints
from textwright.data.dataset import Dataset, Examples, label_counts
from textwright.evaluate.observe import Observations
from textwright.train.progress import Progress

_THRESHOLD: Final = 0.5
"""A label of a multi-label task holds from this probability on, as by default in an artifact."""
_STRENGTHS: Final = (1.0, 3.0, 10.0, 30.0)
"""Inverse regularisation C of the logistic regression; the validation split chooses."""


class _Linear(Protocol):
    """What scikit-learn makes of it."""

    def predict_proba(self, texts: Sequence[str]) -> Floats:
        """Give each label of each text a probability, (N, K)."""


@dataclass(frozen=True, slots=True)
class Majority:
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

    def run(self, job: Job, progress: Progress) -> Result:  # noqa: ARG002  there are no steps
        """Count the labels."""
        start = perf_counter()
        shares = self._shares(job.dataset)
        seconds = perf_counter() - start
        rows = np.tile(shares, (len(job.dataset.test), 1))
        seen = _observations(job.dataset.test, rows, job.dataset.labels)
        return Result(seen, len(job.dataset.train), seconds, shares.nbytes, _digest(shares.tobytes()))

    def tidy(self, job: Job) -> None:
        """There is nothing on disk."""

    def reopen(self, job: Job) -> Predict:
        """Return what looks at no text."""
        shares = self._shares(job.dataset)
        return lambda texts: np.tile(shares, (len(texts), 1))

    def _shares(self, dataset: Dataset) -> Float32s:
        return (label_counts(dataset.train, dataset.labels) / len(dataset.train)).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Tfidf:
    """Weigh words and pairs of words by TF-IDF and put a logistic regression on them: the row to beat.

    Source:
        Pang & Lee, 2005, is measured so by most who use its reviews; Wang & Manning, 2012, "Baselines and Bigrams",
        for why such a line is hard to beat.
    """

    name: str = "tf-idf"
    summary: str = "TF-IDF of words and pairs with logistic regression, from scikit-learn"
    is_baseline: bool = True
    depends_on_seed: bool = False

    @property
    def settings(self) -> Mapping[str, Any]:
        """What is chosen from, and what is fixed."""
        return {"ngrams": [1, 2], "sublinear_tf": True, "C": list(_STRENGTHS)}

    def complete(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """Nothing came since."""
        return settings

    def run(self, job: Job, progress: Progress) -> Result:  # noqa: ARG002  there are no steps
        """Fit it once for each strength and keep the best on validation."""
        start = perf_counter()
        model = _fit_best(job.dataset)
        seconds = perf_counter() - start
        seen = _observations(job.dataset.test, _probabilities(model, job.dataset.test.texts), job.dataset.labels)
        stored = pickle.dumps(model)
        return Result(seen, len(job.dataset.train), seconds, len(stored), _digest(seen.probabilities.tobytes()))

    def tidy(self, job: Job) -> None:
        """There is nothing on disk."""

    def reopen(self, job: Job) -> Predict:
        """Fit it again: that takes seconds, and no pickle of unknown origin is ever opened."""
        return _fit_best(job.dataset).predict_proba


def _fit_best(dataset: Dataset) -> _Linear:
    """Fit one model for each strength; the first of the best on validation, which is the most regularised, wins."""
    fitted = [_fit(dataset, strength) for strength in _STRENGTHS]
    return max(fitted, key=lambda model: _share_right(model, dataset.validation, dataset.labels))


def _fit(dataset: Dataset, strength: float) -> _Linear:
    from sklearn.feature_extraction.text import TfidfVectorizer  # type: ignore[import-untyped]
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
    from sklearn.multiclass import OneVsRestClassifier  # type: ignore[import-untyped]
    from sklearn.pipeline import make_pipeline  # type: ignore[import-untyped]

    head = LogisticRegression(C=strength, max_iter=1000)
    if dataset.labels.task is Task.MULTI_LABEL:
        head = OneVsRestClassifier(head)
    model = make_pipeline(TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), head)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Label .* is present in all|Label not .* is present in all")
        fitted: _Linear = model.fit(list(dataset.train.texts), dataset.train.targets)
    return fitted


def _share_right(model: _Linear, examples: Examples, labels: Labels) -> float:
    chosen = _choose(_probabilities(model, examples.texts), labels)
    return float(is_correct(examples.targets, chosen).mean())


def _probabilities(model: _Linear, texts: Sequence[str]) -> Float32s:
    return np.asarray(model.predict_proba(list(texts)), dtype=np.float32)


def _choose(probabilities: Float32s, labels: Labels) -> Ints | Bools:
    if labels.task is Task.MULTI_LABEL:
        return np.asarray(probabilities >= _THRESHOLD)
    return np.asarray(probabilities.argmax(axis=1))


def _observations(examples: Examples, probabilities: Float32s, labels: Labels) -> Observations:
    return Observations(
        targets=examples.targets,
        predicted=_choose(probabilities, labels),
        probabilities=probabilities,
        uncalibrated=probabilities,
        lengths=np.array([len(text.split()) for text in examples.texts], dtype=np.int64),
        truncated=np.zeros(len(examples), dtype=np.bool_),
    )


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()[:12]
