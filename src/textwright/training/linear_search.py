"""Choose the n-grams, the casing and the regularization of a linear model on texts that were not learned from.

Called by ``solver``.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import numpy as np
import torch

from textwright.core.callbacks import Callback
from textwright.core.labels import Labels, Task
from textwright.core.metrics import LabelCounts, is_correct, label_counts, macro_f1
from textwright.core.types import Bools, Float32s, Floats, Ints
from textwright.data.splits import draw_folds, rarest_label
from textwright.models.linear import Features
from textwright.training.linear_features import LinearFeatures
from textwright.training.logistic import Matrix, Solution, solve
from textwright.training.objective import validation_score

STRENGTHS: Final = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
"""Inverse strengths C of the regularization that are tried."""
MIDDLE: Final = 10.0
"""The strength at which kinds of n-grams are compared where not every pair of a kind and a strength is."""
_MOST_WORK: Final = 10_000_000
"""Up to this number of texts squared times columns, every pair of a kind and a strength is compared."""
_STANDARD_ERRORS: Final = 2.0
"""By so many, over the folds, a model that tells upper from lower case must be better than one that does not."""
_FEWER_FOLDS: Final = 3
_MANY_LABELS: Final = 100
_MOST_ITERATIONS: Final = 300
_FEW_ITERATIONS: Final = 60


@dataclass(frozen=True, slots=True)
class LogisticProblem:
    """What is learned.

    Args:
        targets: As the examples have them, (N,) or (N, K).
        shares: How far each column holds for each text, (N, C): one per label, or the second alone of a binary task.
        labels: Label names, with the task.
        weights: What each text, (N, 1), or each label of each text, (N, C), counts for; None counts all alike.
    """

    targets: Ints | Bools
    shares: Floats
    labels: Labels
    weights: Floats | None = None

    def take(self, positions: Ints) -> LogisticProblem:
        """Select texts."""
        weights = None if self.weights is None else self.weights[positions]
        return replace(self, targets=self.targets[positions], shares=self.shares[positions], weights=weights)

    def solve(self, features: Matrix, strength: float, start: Solution | None) -> Solution:
        """Fit to features, (N, D); see :func:`textwright.training.logistic.solve`."""
        exclusive = self.labels.task is Task.SINGLE_LABEL and self.shares.shape[1] > 1
        return solve(
            features,
            self.shares,
            strength,
            exclusive=exclusive,
            weights=self.weights,
            start=start,
            max_iterations=_FEW_ITERATIONS if len(self.labels) > _MANY_LABELS else _MOST_ITERATIONS,
        )

    def by_label(self, solution: Solution) -> Solution:
        """Give each label a column, as logits have it."""
        return solution.with_both_columns if self.labels.task is Task.SINGLE_LABEL else solution


class SearchCandidate(NamedTuple):
    """Settings of a linear model.

    Args:
        kind: Of n-grams.
        is_cased: Whether case counts.
        strength: Inverse strength C of the regularization.
    """

    kind: Features
    is_cased: bool
    strength: float


class SearchResult(NamedTuple):
    """How good settings are on texts that were not learned from.

    Args:
        settings: Which.
        score: Mean of accuracy and macro-F1, in [0, 1]; then minus the log loss in nats.
        accuracy: Share of the texts whose labels are all right.
        fold_scores: Mean of accuracy and macro-F1 of each fold, (P,).
        logits: Of the texts that were scored, (M, K).
    """

    settings: SearchCandidate
    score: tuple[float, float]
    accuracy: float
    fold_scores: Floats
    logits: Float32s

    def is_clearly_better(self, other: SearchResult) -> bool:
        """Compare fold by fold: noise alone would seldom give a mean difference of two standard errors."""
        differences = self.fold_scores - other.fold_scores
        if len(differences) == 1:
            return self.score > other.score
        error = differences.std(ddof=1) / np.sqrt(len(differences))
        return bool(differences.mean() > _STANDARD_ERRORS * error)


class RegularizationSearch:
    """Compares kinds of n-grams, casings and strengths on texts that were not learned from.

    Args:
        make_features: Weighs the n-grams of a kind of the texts, with their case or without.
        problem: What is learned.
        parts: Positions of the texts that are learned from, and of those that are scored, for each fold.
        casings: Whether case counts, in the order in which it is tried.
        callback: Is told of each fit.
    """

    def __init__(
        self,
        make_features: Callable[[bool, Features], LinearFeatures],
        problem: LogisticProblem,
        parts: Sequence[tuple[Ints, Ints]],
        casings: Sequence[bool],
        callback: Callback,
    ) -> None:
        self._make_features = make_features
        self._problem = problem
        self._parts = parts
        self._casings = casings
        self._callback = callback
        self._num_fits = 0

    @property
    def targets(self) -> Ints | Bools:
        """Targets of the texts that are scored, in the order of a choice's logits."""
        return np.asarray(self._problem.targets[np.concatenate([scored for _, scored in self._parts])])

    def run(self, strength: float) -> SearchResult | None:
        """Choose kind and strength, then whether case counts; where it does, kind and strength are chosen anew.

        Where fits are cheap every pair is tried, else the kinds at a middle strength, then the strengths of the best.

        Args:
            strength: If above 0, no other is tried.

        Returns:
            The best; None if there is no text to score.
        """
        if not self._parts:
            return None
        first, *others = self._casings
        best = self._choose(first, strength)
        for is_cased in others:
            kind, _, best_strength = best.settings
            tried = next(self._try(self._make_features(is_cased, kind), kind, [best_strength], is_cased=is_cased))
            if tried.score > best.score:
                tried = self._choose(is_cased, strength)
                best = tried if tried.is_clearly_better(best) else best
        return best

    def _choose(self, is_cased: bool, strength: float) -> SearchResult:
        features = self._make_features(is_cased, Features.BOTH)
        if strength or not self._is_cheap:
            return self._choose_in_turn(features, is_cased, strength)
        self._callback.on_train_begin(len(features.kinds) * len(STRENGTHS), 0)
        paths = [[*self._try(features, kind, STRENGTHS, is_cased=is_cased)] for kind in features.kinds]
        return max((pair for path in paths for pair in zip(smooth(path), path, strict=True)), key=lambda it: it[0])[1]

    @property
    def _is_cheap(self) -> bool:
        num_texts, num_columns = self._problem.shares.shape
        return bool(num_texts**2 * num_columns <= _MOST_WORK)

    def _choose_in_turn(self, features: LinearFeatures, is_cased: bool, strength: float) -> SearchResult:
        kinds, middle = features.kinds, strength or MIDDLE
        others = [] if strength else [C for C in STRENGTHS if C != MIDDLE]
        self._callback.on_train_begin(len(kinds) + len(others), 0)
        best = max(
            (next(self._try(features, kind, [middle], is_cased=is_cased)) for kind in kinds),
            key=lambda choice: choice.score,
        )
        weaker, stronger = [C for C in others if middle > C][::-1], [C for C in others if middle < C]
        for path in (stronger, weaker):
            for choice in self._try(features, best.settings.kind, path, is_cased=is_cased):
                if choice.score <= best.score:
                    break
                best = choice
        return best

    def _try(
        self, features: LinearFeatures, kind: Features, strengths: Sequence[float], *, is_cased: bool
    ) -> Iterator[SearchResult]:
        """Fit each part with each strength, starting from what the strength before gave."""
        if not strengths:
            return
        folds = [features.fold(kind, learned, scored) for learned, scored in self._parts]
        problems = [self._problem.take(learned) for learned, _ in self._parts]
        starts: list[Solution | None] = [None] * len(folds)
        for strength in strengths:
            logits = []
            for place, (problem, (known, unseen)) in enumerate(zip(problems, folds, strict=True)):
                solution = starts[place] = problem.solve(known, strength, starts[place])
                logits.append(problem.by_label(solution)(unseen).astype(np.float32))
            yield self._judge(SearchCandidate(kind, is_cased, strength), np.concatenate(logits))

    def _judge(self, tried: SearchCandidate, logits: Float32s) -> SearchResult:
        labels, targets = self._problem.labels, self.targets
        ends = np.cumsum([len(scored) for _, scored in self._parts])[:-1]
        by_fold: zip[tuple[Any, Any]] = zip(np.split(targets, ends), np.split(logits, ends), strict=True)
        fold_scores = np.array([np.mean(accuracy_and_macro_f1(true, of_fold)) for true, of_fold in by_fold])
        accuracy, mean_f1 = accuracy_and_macro_f1(targets, logits)
        negative_loss = validation_score(torch.from_numpy(logits), torch.from_numpy(targets), labels.task).negative_loss
        self._num_fits += 1
        self._callback.on_step_end(self._num_fits, -negative_loss, 0.0)
        return SearchResult(tried, ((accuracy + mean_f1) / 2, negative_loss), accuracy, fold_scores, logits)


def accuracy_and_macro_f1(targets: Ints | Bools, logits: Float32s) -> tuple[float, float]:
    """Measure the predictions that logits, (N, K), make; targets, (N,) or (N, K), say the task."""
    predicted = logits >= 0 if targets.ndim == 2 else logits.argmax(axis=1)
    counts = LabelCounts(*(count.sum(axis=0) for count in label_counts(targets, predicted, logits.shape[1])))
    return float(is_correct(targets, predicted).mean()), float(macro_f1(counts))


def smooth(path: Sequence[SearchResult]) -> list[tuple[float, float]]:
    """Average each score with those of the strengths beside it: the best of many noisy scores is often a lucky one.

    Args:
        path: Choices that differ in nothing but their strengths, which rise.

    Returns:
        What each is compared by: its mean score, then minus its log loss.
    """
    means = [statistics.fmean(choice.score[0] for choice in path[max(at - 1, 0) : at + 2]) for at in range(len(path))]
    return [(mean, choice.score[1]) for mean, choice in zip(means, path, strict=True)]


def draw_parts(targets: Ints | Bools, num_folds: int, seed: int) -> list[tuple[Ints, Ints]]:
    """Draw the texts that are learned from and those that are scored, with the mix of labels of the whole.

    Args:
        targets: (N,) or (N, K).
        num_folds: Folds that take turns; 1 scores a third once.
        seed: The same seed gives the same parts.
    """
    strata = np.asarray(targets if targets.ndim == 1 else rarest_label(targets), dtype=np.int64)
    num_texts = len(strata)
    folds = draw_folds(strata, np.arange(num_texts), max(num_folds, _FEWER_FOLDS), seed)
    if len(np.unique(folds)) == 1:
        folds = np.arange(num_texts) % min(max(num_folds, _FEWER_FOLDS), num_texts)
    parts = [(np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)) for fold in np.unique(folds)]
    return [part for part in parts if len(part[0])][: None if num_folds > 1 else 1]
