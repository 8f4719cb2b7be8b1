"""TF-IDF with logistic regression, tuned by cross-validation: the linear model that every other one is compared with.

Called by :mod:`textwright.evaluate.baselines` and by ``compare``. scikit-learn is imported only when a model is
fitted. Only the training split is read: what is compared on the test split was not chosen with it. Strengths are
compared by :mod:`textwright.training.logistic`, which goes on from one strength to the next; scikit-learn's solver, at
its default tolerance, stays at the solution that it starts from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from textwright.core.labels import Labels, Task
from textwright.core.metrics import LabelCounts, is_correct, label_counts, log_losses, macro_f1
from textwright.core.numerics import activate
from textwright.core.types import Bools, Float32s, Floats, Ints
from textwright.data.dataset import Examples
from textwright.data.splits import draw_folds, draw_splits, draw_subset, rarest_label
from textwright.evaluate.ngrams import (
    FeatureKinds,
    Matrix,
    NgramMatrices,
    num_outputs,
    quiet,
    side_by_side,
    weigh_without,
)
from textwright.evaluate.predictions import choose_labels, label_shares
from textwright.training.gram import gram_matrix, gram_root, ngram_scores
from textwright.training.logistic import TOLERANCE, Solution, label_columns, solve

Estimator: TypeAlias = Any
"""A classifier of scikit-learn, which has no types."""

STRENGTHS: Final = (1.0, 3.0, 10.0, 30.0, 100.0)
"""Inverse regularization strengths C; cross-validation chooses."""
_HOLDOUT: Final = 0.2
_FOLDS: Final = {1_000: 5, 3_000: 3}
"""Up to so many texts are cut into so many folds; more have one part held out, whose score is sure enough."""
_MAX_TUNING_TEXTS: Final = 5_000
_MAX_TUNING_WORK: Final = 8_000_000  # characters times outputs; some seconds
_SPARSE_COST: Final = 10
"""A product with a weight of a sparse matrix takes so many times the time of one with a dense matrix's."""
_FEATURE_COST: Final = 200
"""L-BFGS passes so often over the scores of each feature between two products with all weights."""
_DENSE_TOLERANCE: Final = 1e-4
"""Turned features are few, so that the largest component of the gradient stands for more of it."""
_MAX_TEXTS: Final = 50_000
_MAX_CHARACTERS: Final = 3_000_000
"""Above it a fit on character n-grams takes minutes, and texts that long hold words enough."""
_FEW_SPACES: Final = 0.05
"""Share of white space below which a text has no words between spaces: English has 0.17, Chinese next to none."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """What cross-validation chose.

    Args:
        features: What is counted.
        strength: Inverse regularization strength C.
        num_folds: Folds that took turns; 1 where one part was held out.
        num_texts: Texts that it was chosen on.
        note: What was left out to stay within seconds; empty if nothing was.
    """

    features: FeatureKinds
    strength: float
    num_folds: int
    num_texts: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class LinearModel:
    """A fitted model.

    Args:
        vectorizers: Of scikit-learn: count the n-grams of each kind.
        weights: Of scikit-learn: weigh the counts of each kind by TF-IDF.
        head: Of scikit-learn: the classifier on all of them side by side.
        labels: Label names with the task.
        tuning: How its settings were chosen.
    """

    vectorizers: Sequence[Any]
    weights: Sequence[Any]
    head: Estimator
    labels: Labels
    tuning: Tuning

    def probabilities(self, texts: Sequence[str]) -> Float32s:
        """Give each label of each text a probability, (N, K)."""
        with quiet():
            parts = [
                weight.transform(vectorizer.transform(texts))
                for vectorizer, weight in zip(self.vectorizers, self.weights, strict=True)
            ]
            return _spread(
                self.head.predict_proba(side_by_side(parts) if parts else texts), self.head.classes_, self.labels
            )


def fit_linear(train: Examples, labels: Labels) -> LinearModel:
    """Tune and fit a linear model.

    Args:
        train: N >= 1 training examples.
        labels: Label names with the task.

    Returns:
        The model; the same examples give the same one. Of more than 50,000 texts, or very long ones, it has seen a
        part, which its note says.

    Source:
        Wang & Manning, 2012, "Baselines and Bigrams: Simple, Good Sentiment and Topic Classification", for why such a
        baseline is hard to beat; Joachims, 1998, "Text Categorization with Support Vector Machines", for its form.
    """
    candidates, subset, note = _within_seconds(train, labels)
    examples = _subset(subset, labels, _tuning_size(subset, labels))
    counts = NgramMatrices(examples.texts, candidates, labels)
    tuning = _tune(examples, labels, counts, note)
    if tuning is None:
        untuned = Tuning(
            FeatureKinds.WORDS, STRENGTHS[0], 0, 0, "label shares alone: too few texts, or none with a word"
        )
        return LinearModel((), (), _Shares(label_shares(train, labels)), labels, untuned)
    if len(examples) < len(subset):
        counts = NgramMatrices(subset.texts, (tuning.features,), labels)
    return _fit(subset, labels, counts, tuning)


def _fit(train: Examples, labels: Labels, counts: NgramMatrices, tuning: Tuning) -> LinearModel:
    from sklearn.feature_extraction.text import TfidfTransformer  # type: ignore[import-untyped]

    kinds = tuning.features.kinds
    with quiet():
        weights = [TfidfTransformer(sublinear_tf=True).fit(counts.matrices[kind]) for kind in kinds]
        parts = {kind: weight.transform(counts.matrices[kind]) for kind, weight in zip(kinds, weights, strict=True)}
        turned = _turn(parts, {})
        head = _head(train.targets, labels, tuning.strength).fit(turned.features, train.targets)
    for classifier in getattr(head, "estimators_", [head]):
        if hasattr(classifier, "coef_"):
            classifier.coef_ = turned.to_ngrams(classifier.coef_.T).T
            classifier.n_features_in_ = classifier.coef_.shape[1]
    return LinearModel([counts.vectorizers[kind] for kind in kinds], weights, head, labels, tuning)


def _within_seconds(train: Examples, labels: Labels) -> tuple[tuple[FeatureKinds, ...], Examples, str]:
    """Decide what is counted of which texts, so that a large source takes no minutes."""
    num_characters = sum(map(len, train.texts))
    if len(train) <= _MAX_TEXTS and num_characters <= _MAX_CHARACTERS:
        return tuple(FeatureKinds), train, ""
    if _lacks_spaces(train.texts):
        size = min(len(train), _MAX_TEXTS, max(len(train) * _MAX_CHARACTERS // num_characters, 1))
        subset = _subset(train, labels, size)
        return (
            (FeatureKinds.CHARACTERS,),
            subset,
            f"fitted on {len(subset):,} of the {len(train):,} texts, characters only",
        )
    subset = _subset(train, labels, _MAX_TEXTS)
    part = f"fitted on {len(subset):,} of the {len(train):,} texts, " if len(subset) < len(train) else ""
    return (FeatureKinds.WORDS,), subset, f"{part}words only: character n-grams of so much text take minutes"


def _lacks_spaces(texts: Sequence[str]) -> bool:
    sample = "".join(text[:500] for text in texts[:200])
    return sum(map(str.isspace, sample)) < _FEW_SPACES * len(sample)


def _subset(examples: Examples, labels: Labels, size: int) -> Examples:
    if size >= len(examples):
        return examples
    return examples.take(draw_subset(_strata(examples, labels), size, seed=0))


def _strata(examples: Examples, labels: Labels) -> Ints:
    return rarest_label(examples.targets) if labels.task is Task.MULTI_LABEL else np.asarray(examples.targets)


def _tuning_size(train: Examples, labels: Labels) -> int:
    work = max(sum(map(len, train.texts)) * num_outputs(labels), 1)
    return min(len(train), _MAX_TUNING_TEXTS, max(len(train) * _MAX_TUNING_WORK // work, 20 * len(labels)))


def _tune(examples: Examples, labels: Labels, counts: NgramMatrices, note: str) -> Tuning | None:
    """Choose features and strength: the best score, of equals the lowest log loss; None if nothing can be chosen."""
    held_out = _held_out(examples, labels)
    if not counts.features or not held_out:
        return None
    scores = {(features, strength): _Score(labels) for features in counts.features for strength in STRENGTHS}
    for rows in held_out:
        weighed = {kind: weigh_without(matrix, rows) for kind, matrix in counts.matrices.items()}
        grams: dict[str, Floats] = {}
        for features in counts.features:
            turned = _turn({kind: weighed[kind][0] for kind in features.kinds}, grams)
            held = side_by_side([weighed[kind][1] for kind in features.kinds])
            for strength, probabilities in _path(turned, examples.targets[~rows], held, labels):
                scores[features, strength].add(examples.targets[rows], probabilities)
    features, strength = max(scores, key=lambda key: scores[key].key)
    return Tuning(features, strength, len(held_out), len(examples), note)


def _held_out(examples: Examples, labels: Labels) -> list[Bools]:
    """Say which texts are held out in turn: in folds, or, of many texts, once a fifth of them, (N,) each."""
    strata, groups = _strata(examples, labels), np.arange(len(examples))
    most = next((folds for size, folds in _FOLDS.items() if len(examples) <= size), 1)
    if most == 1:
        return [np.asarray(draw_splits(strata, groups, [_HOLDOUT], seed=0) == 1)]
    _, sizes = np.unique(strata, return_counts=True)
    num_folds = int(np.clip(sizes.min(), 2, most))
    folds = draw_folds(strata, groups, num_folds, seed=0)
    parts = [np.asarray(folds == fold) for fold in range(num_folds)]
    return [rows for rows in parts if rows.any() and not rows.all()]


@dataclass(slots=True)
class _Score:
    """Sums over the folds of one candidate."""

    labels: Labels
    num_right: float = 0.0
    loss: float = 0.0
    counts: LabelCounts | None = None

    def add(self, targets: Ints | Bools, probabilities: Float32s) -> None:
        chosen = choose_labels(probabilities, self.labels)
        sums = LabelCounts(*(part.sum(axis=0) for part in label_counts(targets, chosen, len(self.labels))))
        before = self.counts
        self.counts = sums if before is None else LabelCounts(*map(np.add, before, sums))
        self.num_right += float(is_correct(targets, chosen).sum())
        self.loss += float(log_losses(targets, probabilities).sum())

    @property
    def key(self) -> tuple[float, float]:
        """Accuracy, or macro-F1 of a multi-label task, before minus the log loss."""
        is_multi = self.labels.task is Task.MULTI_LABEL and self.counts is not None
        return (float(macro_f1(self.counts)) if is_multi else self.num_right), -self.loss  # type: ignore[arg-type]


def _path(
    turned: TurnedFeatures, targets: Ints | Bools, held: Matrix, labels: Labels
) -> Iterator[tuple[float, Float32s]]:
    """Fit each strength in turn, each from the scores of the one before, and predict what was held out."""
    columns = label_columns(targets, labels)
    exclusive = labels.task is Task.SINGLE_LABEL and columns.shape[1] > 1
    tolerance = _DENSE_TOLERANCE if isinstance(turned.features, np.ndarray) else TOLERANCE
    features = turned.features.astype(np.float32)
    solution: Solution | None = None
    for strength in STRENGTHS:
        solution = solve(features, columns, strength, exclusive=exclusive, start=solution, tolerance=tolerance)
        of_ngrams = Solution(turned.to_ngrams(solution.scores), solution.bias)
        by_label = of_ngrams.with_both_columns if labels.task is Task.SINGLE_LABEL else of_ngrams
        yield strength, activate(by_label(held).astype(np.float32), labels.task)


class TurnedFeatures(NamedTuple):
    """What a fit reads.

    Args:
        features: (N, D), as many as there are texts where a fit is faster so, else the n-grams.
        to_ngrams: Makes scores of n-grams, (F, C), of scores of features, (D, C).
    """

    features: Matrix
    to_ngrams: Callable[[Floats], Floats]


def _turn(parts: Mapping[str, Matrix], grams: dict[str, Floats]) -> TurnedFeatures:
    """Turn the n-grams of texts into as many features as there are texts, if a fit is faster so.

    Args:
        parts: The n-grams of each kind, (N, F) together, sparse.
        grams: Products of all pairs of texts by kind, (N, N) each; what is missing is added.
    """
    matrix = side_by_side([*parts.values()])
    num_texts, num_features = matrix.shape
    if num_texts > _MAX_TUNING_TEXTS or num_texts**2 > _SPARSE_COST * matrix.nnz + _FEATURE_COST * num_features:
        return TurnedFeatures(matrix, lambda scores: scores)
    for kind in parts.keys() - grams.keys():
        grams[kind] = gram_matrix(parts[kind])
    root = gram_root(np.sum([grams[kind] for kind in parts], axis=0))
    return TurnedFeatures(root, partial(ngram_scores, matrix, root))


def _head(targets: Ints | Bools, labels: Labels, strength: float) -> Estimator:
    from sklearn.dummy import DummyClassifier  # type: ignore[import-untyped]
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
    from sklearn.multiclass import OneVsRestClassifier  # type: ignore[import-untyped]

    regression = LogisticRegression(C=strength, max_iter=1000)
    if labels.task is Task.MULTI_LABEL:
        return OneVsRestClassifier(regression)  # a label that all texts have, or none, becomes a constant
    return regression if len(np.unique(targets)) > 1 else DummyClassifier()


def _spread(probabilities: Floats, classes: Ints, labels: Labels) -> Float32s:
    """Give labels that training lacked a probability of 0, (N, K)."""
    if probabilities.shape[1] == len(labels):
        return np.asarray(probabilities, dtype=np.float32)
    spread = np.zeros((len(probabilities), len(labels)), dtype=np.float32)
    spread[:, np.asarray(classes, dtype=np.int64)] = probabilities
    return spread


class _Shares:
    """Answers every text with the shares of the labels; stands where no text holds anything to count."""

    def __init__(self, shares: Float32s) -> None:
        self._shares, self.classes_ = shares, np.arange(len(shares))

    def predict_proba(self, texts: Sequence[str]) -> Float32s:
        return np.tile(self._shares, (len(texts), 1))
