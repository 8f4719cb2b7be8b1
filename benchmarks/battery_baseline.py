"""TF-IDF with logistic regression as a careful user of scikit-learn tunes it; it shares no code with Textwright's own.

Words, characters and both, each with several strengths, are compared by cross-validation on the training texts; the
mean of accuracy and macro-F1 decides. The validation and test splits take no part in that. Where a source is large, one
part of the training texts stands for all folds, and the grid is smaller.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from time import perf_counter
from typing import Any, Final

import numpy as np
from sklearn.exceptions import ConvergenceWarning, UndefinedMetricWarning  # type: ignore[import-untyped]
from sklearn.feature_extraction.text import TfidfVectorizer  # type: ignore[import-untyped]
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
from sklearn.metrics import accuracy_score, f1_score  # type: ignore[import-untyped]
from sklearn.model_selection import KFold, StratifiedKFold  # type: ignore[import-untyped]
from sklearn.multiclass import OneVsRestClassifier  # type: ignore[import-untyped]
from sklearn.pipeline import FeatureUnion  # type: ignore[import-untyped]

from textwright.comparison.candidate import Result, RunJob
from textwright.core.callbacks import Callback
from textwright.core.labels import Task
from textwright.core.types import Bools, Floats, Ints
from textwright.evaluate.benchmark import Predict
from textwright.evaluate.predictions import LabeledPredictions

FEATURES: Final = ("words", "characters", "both")
STRENGTHS: Final = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
"""Inverse strengths C of the regularization."""
_FOLDS: Final = 3
_MANY_TEXTS, _MANY_CHARACTERS, _MANY_LABELS = 8_000, 5_000_000, 20
"""From here on one fold stands for all; texts that tune are at most so many."""
_TOO_MANY_CHARACTERS: Final = 50_000_000
"""Above this many, parts of words do not fit into memory, and words alone are compared."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What cross-validation chooses."""

    features: str
    strength: float
    lowercase: bool = True


@dataclass(frozen=True, slots=True)
class TunedLinear:
    """TF-IDF of words, characters or both with logistic regression, tuned by cross-validation."""

    name: str = "tuned tf-idf"
    summary: str = "TF-IDF with logistic regression, features and C chosen by cross-validation"
    is_baseline: bool = True
    depends_on_seed: bool = False

    @property
    def settings(self) -> Mapping[str, Any]:
        """What is chosen from."""
        return {"features": list(FEATURES), "C": list(STRENGTHS), "lowercase": [True, False], "folds": _FOLDS}

    def complete(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """Nothing came since."""
        return settings

    def run(self, job: RunJob, callback: Callback) -> Result:  # noqa: ARG002  the form of Candidate
        """Choose on the training texts, fit on all of them, answer the test texts."""
        start = perf_counter()
        texts, targets = list(job.dataset.train.texts), job.dataset.train.targets
        setting = resolve_options(texts, targets)
        model = _fit(_vectorizer(setting, texts), setting.strength, texts, targets)
        seconds = perf_counter() - start
        test = job.dataset.test
        probabilities = _probabilities(model, test.texts, len(job.dataset.labels))
        is_multi_label = job.dataset.labels.task is Task.MULTI_LABEL
        seen = LabeledPredictions(
            targets=test.targets,
            predicted=probabilities >= 0.5 if is_multi_label else probabilities.argmax(axis=1),
            probabilities=probabilities.astype(np.float32),
            uncalibrated=probabilities.astype(np.float32),
            lengths=np.array([len(text.split()) for text in test.texts], dtype=np.int64),
            truncated=np.zeros(len(test), dtype=np.bool_),
        )
        print(f"tuned: {setting}", flush=True)
        version = f"{setting.features}, C={setting.strength:g}{'' if setting.lowercase else ', cased'}"
        digest = sha256(seen.probabilities.tobytes()).hexdigest()[:8]
        return Result(seen, len(texts), seconds, 8 * model[1].num_weights, f"{version} ({digest})")

    def clean_up(self, job: RunJob) -> None:
        """There is nothing on disk."""

    def reopen(self, job: RunJob) -> Predict:
        """RowSpeed is not measured here."""
        raise NotImplementedError


def resolve_options(texts: Sequence[str], targets: Ints | Bools) -> Setting:
    """Choose features, C and casing by cross-validation.

    Args:
        texts: N training texts.
        targets: Their targets, (N,) or (N, K).

    Returns:
        The best; of equals the first of :data:`FEATURES` with the smallest C.
    """
    kinds = FEATURES if sum(map(len, texts)) < _TOO_MANY_CHARACTERS else FEATURES[:1]
    rng = np.random.default_rng(0)
    tuned_on = rng.permutation(len(texts))[:_MANY_TEXTS]
    texts, targets = [texts[at] for at in tuned_on.tolist()], targets[tuned_on]
    folds = list(_folds(texts, targets))
    num_labels = 2 if targets.ndim == 2 else int(targets.max()) + 1
    strengths = STRENGTHS if num_labels < _MANY_LABELS else STRENGTHS[-3:]
    scores: dict[Setting, float] = {}
    for features in kinds:
        grid = [Setting(features, strength) for strength in strengths]
        scores.update(zip(grid, _score(grid, texts, targets, folds), strict=True))
    best = max(scores, key=scores.__getitem__)
    cased = Setting(best.features, best.strength, lowercase=False)
    (score,) = _score([cased], texts, targets, folds)
    return cased if score > scores[best] else best


def _folds(texts: Sequence[str], targets: Ints | Bools) -> Iterator[tuple[Ints, Ints]]:
    rarest = int(np.bincount(targets).min()) if targets.ndim == 1 else 0
    kind = StratifiedKFold if rarest >= _FOLDS else KFold
    many = len(texts) >= _MANY_TEXTS or sum(map(len, texts)) > _MANY_CHARACTERS
    many = many or (targets.ndim == 1 and int(targets.max()) + 1 >= _MANY_LABELS)
    parts = kind(_FOLDS, shuffle=True, random_state=0).split(texts, targets)
    yield from list(parts)[: 1 if many else _FOLDS]


def _score(
    grid: Sequence[Setting], texts: Sequence[str], targets: Ints | Bools, folds: Sequence[tuple[Ints, Ints]]
) -> Floats:
    """ValidationScore settings of the same features, (S,), by the mean of accuracy and macro-F1 over the folds."""
    scores = np.zeros((len(folds), len(grid)))
    for row, (learned, left_out) in enumerate(folds):
        part = [texts[at] for at in learned.tolist()]
        vectorizer = _vectorizer(grid[0], part)
        known, unseen = vectorizer.transform(part), vectorizer.transform([texts[at] for at in left_out.tolist()])
        for column, setting in enumerate(grid):
            head = _Head(known, targets[learned], setting.strength)
            said, true = head.predict(unseen), targets[left_out]
            scores[row, column] = accuracy_score(true, said) + _macro_f1(true, said)
    return np.asarray(scores.mean(axis=0))


def _macro_f1(true: Ints | Bools, said: Ints | Bools) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        return float(f1_score(true, said, average="macro", zero_division=0))


def _vectorizer(setting: Setting, texts: Sequence[str]) -> Any:  # noqa: ANN401  scikit-learn has no types
    fewest = 1 if len(texts) < _MANY_TEXTS else 2
    common = {"sublinear_tf": True, "lowercase": setting.lowercase, "min_df": fewest, "dtype": np.float32}
    words = TfidfVectorizer(ngram_range=(1, 2), **common)
    characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 5), max_features=300_000, **common)
    kinds = {"words": [("words", words)], "characters": [("characters", characters)]}
    kinds["both"] = [("words", words), ("characters", characters)]
    return FeatureUnion(kinds[setting.features]).fit(texts)


class _Head:
    """A logistic regression that gives every label a probability, also one that its texts lack."""

    def __init__(self, features: Any, targets: Ints | Bools, strength: float) -> None:  # noqa: ANN401
        many = targets.ndim == 1 and int(targets.max()) + 1 >= _MANY_LABELS
        by_label = many or targets.ndim == 2
        # One call of a fast solver for each label keeps time and memory of hundreds of labels small.
        head = LogisticRegression(C=strength, max_iter=1000, **({"solver": "liblinear"} if by_label else {}))
        self._model = OneVsRestClassifier(head) if by_label else head
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            warnings.filterwarnings("ignore", message="Label .* is present in all|Label not .* is present in all")
            self._model.fit(features, targets)
        self.num_weights = features.shape[1] * max(1, len(np.atleast_1d(self._model.classes_)))

    def predict(self, features: Any) -> Ints | Bools:  # noqa: ANN401
        return np.asarray(self._model.predict(features))

    def probabilities(self, features: Any, num_labels: int) -> Floats:  # noqa: ANN401
        whole = np.zeros((features.shape[0], num_labels))
        whole[:, np.asarray(self._model.classes_, dtype=np.int64)] = self._model.predict_proba(features)
        return whole


def _fit(vectorizer: Any, strength: float, texts: Sequence[str], targets: Ints | Bools) -> tuple[Any, _Head]:  # noqa: ANN401
    return vectorizer, _Head(vectorizer.transform(texts), targets, strength)


def _probabilities(model: tuple[Any, _Head], texts: Sequence[str], num_labels: int) -> Floats:
    vectorizer, head = model
    return head.probabilities(vectorizer.transform(texts), num_labels)
