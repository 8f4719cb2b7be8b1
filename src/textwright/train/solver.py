"""Fit a linear model without gradient steps: choose n-grams and regularization on held-out texts, then solve.

Called by ``run`` for the family whose module has n-grams to be solved for. What the loop gives of other families --
history, weights, logits of texts that were not learned from -- comes out of here in the same form. A run that was
killed fits again: it takes seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from scipy import sparse  # type: ignore[import-untyped]

from textwright.core.encodings import Encodings
from textwright.core.labels import Labels, Task
from textwright.core.metrics import LabelCounts, is_correct, label_counts, macro_f1
from textwright.core.ngrams import find_ngrams
from textwright.core.tfidf import Tfidf
from textwright.core.types import Bools, Float32s, Floats, Ints
from textwright.data.splits import draw_folds, rarest_label
from textwright.models.linear import Linear
from textwright.models.ngram_table import blocks
from textwright.train.batches import EncodedExamples
from textwright.train.calibrate import fit_temperature
from textwright.train.checkpoint import Checkpointer, TrainState
from textwright.train.logistic import Matrix, Solution, solve
from textwright.train.objective import judge
from textwright.train.progress import Progress
from textwright.train.settings import TrainSettings

STRENGTHS: Final = (1.0, 3.0, 10.0, 30.0, 100.0)
"""Inverse strengths C of the regularization that are tried."""
_MIDDLE: Final = 10.0
"""The strength at which kinds of n-grams are compared."""
_NUM_FOLDS: Final = 5
_FEW_TEXTS: Final = 2_000
"""Up to so many texts, folds decide; of more, one large part that was not learned from."""
_MOST_LEARNED: Final = 5_000
_MOST_SCORED: Final = 10_000
_MOST_VALUES: Final = 6_000_000
"""Weights of n-grams that are learned from when strengths are compared."""
_MANY_LABELS: Final = 100
"""From so many columns on, a comparison of strengths would take many minutes: they take the middle one."""
_SMALLEST_SHARE: Final = 1e-9
"""Of the largest eigenvalue; what is below is rounding."""


class Kind(NamedTuple):
    """N-grams that may be learned from.

    Args:
        name: "words", "characters" or "both".
        features: Their columns.
    """

    name: str
    features: slice


class Choice(NamedTuple):
    """What was tried, and how good it was on texts that were not learned from.

    Args:
        kind: Of n-grams.
        strength: Inverse strength C of the regularization.
        score: Mean of accuracy and macro-F1, in [0, 1]; then minus the log loss in nats.
        accuracy: Share of the texts whose labels are all right.
        logits: Of the texts that were scored, (M, K).
    """

    kind: Kind
    strength: float
    score: tuple[float, float]
    accuracy: float
    logits: Float32s


@dataclass(frozen=True, slots=True)
class Problem:
    """What is learned.

    Args:
        targets: As the examples have them, (N,) or (N, K).
        labels: Label names, with the task.
        weights: What each text counts for, (N,); None counts all alike.
    """

    targets: Ints | Bools
    labels: Labels
    weights: Floats | None

    @property
    def columns(self) -> Floats:
        """Which columns hold for each text, (N, C): one per label, or the second alone of a binary task."""
        if self.labels.task is Task.MULTI_LABEL:
            return self.targets.astype(np.float64)
        columns = (self.targets[:, None] == np.arange(len(self.labels))).astype(np.float64)
        return columns[:, 1:] if len(self.labels) == 2 else columns

    def take(self, positions: Ints) -> Problem:
        """Select texts."""
        weights = None if self.weights is None else self.weights[positions]
        return replace(self, targets=self.targets[positions], weights=weights)

    def solve(self, features: Matrix, strength: float, start: Solution | None, max_iterations: int) -> Solution:
        """Fit to features, (N, D)."""
        columns = self.columns
        exclusive = self.labels.task is Task.SINGLE_LABEL and columns.shape[1] > 1
        return solve(
            features,
            columns,
            strength,
            exclusive=exclusive,
            weights=self.weights,
            start=start,
            max_iterations=max_iterations,
        )

    def by_label(self, solution: Solution) -> Solution:
        """Give each label a column, as logits have it."""
        return solution.with_both_columns if self.labels.task is Task.SINGLE_LABEL else solution


@dataclass(slots=True)
class LinearLearner:
    """A linear model, what it is fitted to and how; the form of :class:`~textwright.train.learner.Learner`.

    Args:
        module: All n-grams that may be used; after fitting, those of the kind that was chosen.
        train: The training split.
        validation: The validation split.
        settings: Of its seed the folds are drawn.
        facts: What was chosen, for the manifest; filled by fitting.
    """

    module: Linear
    train: EncodedExamples
    validation: EncodedExamples
    settings: TrainSettings
    facts: dict[str, Any] = field(default_factory=dict)
    _unseen: tuple[Float32s, Ints | Bools] | None = None
    """Logits and targets of texts that were not learned from."""

    def fit(self, labels: Labels, checkpointer: Checkpointer, progress: Progress) -> TrainState:
        """Choose, solve, and give the scores to the module.

        Args:
            labels: Label names, with the task.
            checkpointer: Refuses the folder of another run; nothing is kept, since fitting again takes seconds.
            progress: Is told of each fit, and of the result.

        Returns:
            A history of one epoch.

        Raises:
            SettingsError: If settings or data are not those of a checkpoint that is there.
        """
        checkpointer.refuse_other_run()
        train, tfidf = self.train, self.module.tfidf
        features = weigh(train.encodings, self.module)
        problem = Problem(train.targets, labels, class_weights(train.targets, labels, self.settings))
        search = _Search(features, problem, _kinds(tfidf), self.settings.seed, progress)
        choice, scored = search.run(self.module.config.strength)
        columns = features[:, choice.kind.features]
        solution = problem.by_label(problem.solve(columns, choice.strength, None, _iterations(problem)))
        known = Tfidf(*(values[choice.kind.features] for values in tfidf))
        self.module.set_scores(known, solution.scores.astype(np.float32), solution.bias.astype(np.float32))
        logits = solution(weigh(self.validation.encodings, self.module)).astype(np.float32)
        self._unseen = (choice.logits, train.targets[scored]) if len(scored) else (logits, self.validation.targets)
        self.facts = {"features": choice.kind.name, "strength": choice.strength}
        if len(scored):
            self.facts |= {"fold_accuracy": choice.accuracy, "fold_loss": -choice.score[1]}
        return self._end(solution(columns), logits, labels, progress)

    def calibrate(self, labels: Labels) -> float:
        """Fit the temperature on texts that were not learned from, of the folds or of the validation split."""
        assert self._unseen is not None  # noqa: S101  fitted before
        return fit_temperature(*self._unseen, labels.task)

    def _end(self, learned: Floats, logits: Float32s, labels: Labels, progress: Progress) -> TrainState:
        """Make the history from logits of the training split and of the validation split."""
        train_score = judge(torch.from_numpy(learned), torch.from_numpy(self.train.targets), labels.task)
        score = judge(torch.from_numpy(logits), torch.from_numpy(self.validation.targets), labels.task)
        state = TrainState(loss_sum=-train_score.negative_loss, step=1)
        progress.on_epoch(state.end_epoch(score, self.module, 1), logits)
        return state


def weigh(encodings: Encodings, module: Linear) -> Matrix:
    """Weigh the n-grams of texts, (N, F), sparse float32, a block of texts at a time."""
    tfidf, parts = module.tfidf, []
    num_words, num_features = tfidf.num_word_features, len(tfidf.keys)
    for start, stop in blocks(encodings):
        part = encodings.between(start, stop)
        kinds = {"words": num_words > 0, "characters": num_words < num_features}
        found = tfidf.weigh(find_ngrams(part, module.alphabet, **kinds), len(part))
        offsets = np.zeros(len(part) + 1, dtype=np.int64)
        np.cumsum(np.bincount(found.texts, minlength=len(part)), out=offsets[1:])
        columns = found.values.astype(np.float32), found.features.astype(np.int32), offsets
        parts.append(sparse.csr_matrix(columns, shape=(len(part), num_features)))
    return sparse.vstack(parts, format="csr")


def class_weights(targets: Ints | Bools, labels: Labels, settings: TrainSettings) -> Floats | None:
    """Weigh texts so that each label counts alike, (N,), if the settings say so."""
    if str(getattr(settings, "class_weight", "none")) != "balanced" or labels.task is Task.MULTI_LABEL:
        return None
    counts = np.bincount(targets, minlength=len(labels))
    return np.asarray(len(targets) / (counts[targets] * np.count_nonzero(counts)), dtype=np.float64)


def _kinds(tfidf: Tfidf) -> list[Kind]:
    num_words, num_features = tfidf.num_word_features, len(tfidf.keys)
    kinds = [
        Kind("words", slice(0, num_words)),
        Kind("characters", slice(num_words, num_features)),
        Kind("both", slice(0, num_features)),
    ]
    if 0 < num_words < num_features:
        return kinds
    return [kinds[0] if num_words else kinds[1]]


def _iterations(problem: Problem) -> int:
    return 100 if len(problem.labels) > _MANY_LABELS else 300


class _Search:
    """Compares kinds of n-grams and strengths on texts that were not learned from."""

    def __init__(
        self, features: Matrix, problem: Problem, kinds: Sequence[Kind], seed: int, progress: Progress
    ) -> None:
        self._features = features
        self._problem = problem
        self._kinds = kinds
        self._parts = _parts(features, problem, seed)
        self._progress = progress
        self._num_fits = 0

    def run(self, strength: float) -> tuple[Choice, Ints]:
        """Choose the kind at a middle strength, then the strength; a strength above 0 is taken as it is.

        Returns:
            The choice, and the positions of the texts that were scored, (M,); none where there was nothing to choose.
        """
        is_set = strength > 0
        middle = strength if is_set else _MIDDLE
        others = [] if is_set or len(self._problem.labels) > _MANY_LABELS else [C for C in STRENGTHS if C != _MIDDLE]
        nothing = np.zeros((0, len(self._problem.labels)), dtype=np.float32)
        scored = np.concatenate([scored for _, scored in self._parts]) if self._parts else np.zeros(0, dtype=np.int64)
        self._progress.on_start(len(self._kinds) + len(others), 0)
        if len(scored) == 0 or (len(self._kinds) == 1 and not others):
            return Choice(self._kinds[-1], middle, (0.0, 0.0), 0.0, nothing), scored[:0]
        tried = [next(self._try(kind, [middle])) for kind in self._kinds]
        best = max(tried, key=lambda choice: choice.score)
        weaker, stronger = [C for C in others if middle > C][::-1], [C for C in others if middle < C]
        path = [*self._try(best.kind, stronger), *self._try(best.kind, weaker)]
        return max([best, *path], key=lambda choice: choice.score), scored

    def _try(self, kind: Kind, strengths: Sequence[float]) -> Iterator[Choice]:
        """Fit each part with each strength, starting from what the strength before gave."""
        if not strengths:
            return
        features = _narrow(self._features[:, kind.features])
        starts: list[Solution | None] = [None] * len(self._parts)
        for strength in strengths:
            logits = []
            for place, (learned, scored) in enumerate(self._parts):
                part = self._problem.take(learned)
                found = part.solve(features[learned], strength, starts[place], _iterations(part))
                starts[place] = found
                logits.append(self._problem.by_label(found)(features[scored]).astype(np.float32))
            yield self._judge(kind, strength, np.concatenate(logits))

    def _judge(self, kind: Kind, strength: float, logits: Float32s) -> Choice:
        labels = self._problem.labels
        targets = self._problem.targets[np.concatenate([scored for _, scored in self._parts])]
        predicted = logits >= 0 if labels.task is Task.MULTI_LABEL else logits.argmax(axis=1)
        accuracy = float(is_correct(targets, predicted).mean())
        counts = LabelCounts(*(count.sum(axis=0) for count in label_counts(targets, predicted, len(labels))))
        mean_f1 = float(macro_f1(counts))
        negative_loss = judge(torch.from_numpy(logits), torch.from_numpy(targets), labels.task).negative_loss
        self._num_fits += 1
        self._progress.on_step(self._num_fits, -negative_loss, 0.0)
        return Choice(kind, strength, ((accuracy + mean_f1) / 2, negative_loss), accuracy, logits)


def _parts(features: Matrix, problem: Problem, seed: int) -> list[tuple[Ints, Ints]]:
    """Decide which texts are learned from and which scored: folds of few texts, one cut of many."""
    strata = problem.targets if problem.targets.ndim == 1 else rarest_label(problem.targets)
    num_texts = len(strata)
    if num_texts <= _FEW_TEXTS:
        folds = draw_folds(np.asarray(strata, dtype=np.int64), np.arange(num_texts), _NUM_FOLDS, seed)
        if len(np.unique(folds)) == 1:
            folds = np.arange(num_texts) % min(_NUM_FOLDS, num_texts)
        parts = [(np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)) for fold in np.unique(folds)]
        return [part for part in parts if len(part[0])]
    order = np.random.default_rng(seed).permutation(num_texts)
    most = _MOST_VALUES * num_texts // max(features.nnz, 1)
    num_learned = max(min(num_texts * 2 // 3, _MOST_LEARNED, most), _FEW_TEXTS // 2)
    return [(np.sort(order[:num_learned]), np.sort(order[num_learned : num_learned + _MOST_SCORED]))]


def _narrow(features: Matrix) -> Matrix:
    """Turn the features of few texts, so that each has as many as there are texts; their products stay.

    The scores that minimize a loss with an L2 penalty lie in the span of the texts, so that nothing changes but the
    time that a fit takes.
    """
    num_texts = features.shape[0]
    if num_texts > _FEW_TEXTS or features.nnz < num_texts**2 // 4:
        return features
    values, vectors = np.linalg.eigh((features @ features.T).toarray().astype(np.float64))
    stays = values > _SMALLEST_SHARE * values[-1]
    return np.ascontiguousarray(vectors[:, stays] * np.sqrt(values[stays]))
