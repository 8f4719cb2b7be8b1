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
from textwright.train.checkpoint import Checkpointer, TrainState
from textwright.train.class_weight import class_weights
from textwright.train.lessons import Lessons
from textwright.train.logistic import Matrix, Solution, solve
from textwright.train.objective import judge
from textwright.train.progress import Progress
from textwright.train.settings import TrainSettings

STRENGTHS: Final = (1.0, 3.0, 10.0, 30.0, 100.0)
"""Inverse strengths C of the regularization that are tried."""
_MIDDLE: Final = 10.0
"""The strength at which kinds of n-grams are compared."""
_NUM_FOLDS: Final = 5
_FEWER_FOLDS: Final = 3
_SEVERAL_LABELS: Final = 10
"""With more columns there are fewer folds, since a fit takes as many times as long."""
_FEW_TEXTS: Final = 2_000
"""Up to so many texts, folds decide; of more, one large part that was not learned from."""
_MOST_LEARNED: Final = 5_000
_MOST_SCORED: Final = 10_000
_MOST_VALUES: Final = 6_000_000
"""Weights of n-grams that are learned from when strengths are compared."""
_MANY_LABELS: Final = 100
"""With more labels, comparing would take many minutes: all n-grams are taken, at the middle strength."""
_MOST_ITERATIONS: Final = 300
_FEW_ITERATIONS: Final = 100
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
        shares: How far each column holds for each text, (N, C): one per label, or the second alone of a binary task.
        labels: Label names, with the task.
        weights: What each text, (N, 1), or each label of each text, (N, C), counts for; None counts all alike.
    """

    targets: Ints | Bools
    shares: Floats
    labels: Labels
    weights: Floats | None = None

    def take(self, positions: Ints) -> Problem:
        """Select texts."""
        weights = None if self.weights is None else self.weights[positions]
        return replace(self, targets=self.targets[positions], shares=self.shares[positions], weights=weights)

    def solve(self, features: Matrix, strength: float, start: Solution | None) -> Solution:
        """Fit to features, (N, D); see :func:`textwright.train.logistic.solve`."""
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


@dataclass(slots=True)
class LinearLearner:
    """A linear model, what it is fitted to and how; the form of :class:`~textwright.train.learner.Learner`.

    Args:
        module: All n-grams that may be used; after fitting, those of the kind that was chosen.
        train: The training split.
        validation: The validation split.
        settings: Of its seed the folds are drawn.
        lessons: What a teacher says of ``train``; None where labels are all there is.
        facts: What was chosen, for the manifest; filled by fitting.
    """

    module: Linear
    train: EncodedExamples
    validation: EncodedExamples
    settings: TrainSettings
    lessons: Lessons | None = None
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
        weights = _weights(train.targets, labels, self.settings)
        problem = Problem(train.targets, _shares(train.targets, labels, self.lessons), labels, weights)
        search = self._search(features, problem, progress)
        choice, scored = search.run(self.module.config.strength)
        columns = features[:, choice.kind.features]
        solution = problem.by_label(problem.solve(columns, choice.strength, None))
        known = Tfidf(tfidf.keys[choice.kind.features], tfidf.idf[choice.kind.features])
        self.module.set_scores(known, solution.scores.astype(np.float32), solution.bias.astype(np.float32))
        logits = solution(weigh(self.validation.encodings, self.module)).astype(np.float32)
        self._unseen = (
            (choice.logits, search.problem.targets[scored]) if len(scored) else (logits, self.validation.targets)
        )
        self.facts = {"features": choice.kind.name, "strength": choice.strength}
        if len(scored):
            self.facts |= {"fold_accuracy": choice.accuracy, "fold_loss": -choice.score[1]}
        return self._end(solution(columns), logits, labels, progress)

    def held_out(self, labels: Labels) -> tuple[Float32s, Ints | Bools]:  # noqa: ARG002  the form of Learner
        """Give logits and targets of texts that were not learned from, of the folds or of the validation split."""
        assert self._unseen is not None  # noqa: S101  fitted before
        return self._unseen

    def _search(self, features: Matrix, problem: Problem, progress: Progress) -> _Search:
        """Decide which texts candidates are scored on: altered copies of a text would lie on both sides of a fold."""
        kinds, seed = _kinds(self.module.tfidf), self.settings.seed
        if self.lessons is None:
            return _Search(features, problem, kinds, _parts(features, problem, seed), progress)
        order = np.random.default_rng(seed).permutation(len(problem.targets))[: _most_learned(features)]
        unseen = self.validation
        shares = _shares(unseen.targets, problem.labels, None)
        targets = np.concatenate([problem.targets, unseen.targets])
        whole = Problem(targets, np.concatenate([problem.shares, shares]), problem.labels)
        parts = [(np.sort(order), np.arange(len(problem.targets), len(whole.targets)))]
        both = sparse.vstack([features, weigh(unseen.encodings, self.module)], format="csr")
        return _Search(both, whole, kinds, parts, progress)

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


def _weights(targets: Ints | Bools, labels: Labels, settings: TrainSettings) -> Floats | None:
    """Say what each text, (N, 1), or each label of each text, (N, K), counts for; None counts all alike."""
    weights = class_weights(settings.class_weight, targets, len(labels))
    if weights is None:
        return None
    by_label = weights.numpy()  # (K,)
    return by_label[targets][:, None] if targets.ndim == 1 else np.where(targets, by_label, 1.0)


def _shares(targets: Ints | Bools, labels: Labels, lessons: Lessons | None) -> Floats:
    """Tell how far each column holds for each text, (N, C); of a teacher, its probabilities mixed with what is true.

    A soft target stays as the teacher gave it, at its temperature: the temperature that is fitted afterwards undoes it.
    """
    if lessons is not None:
        shares = lessons.label_weight * lessons.true + (1 - lessons.label_weight) * lessons.soft
    else:
        shares = targets if targets.ndim == 2 else targets[:, None] == np.arange(len(labels))
    is_binary = labels.task is Task.SINGLE_LABEL and len(labels) == 2
    return np.asarray(shares[:, 1:] if is_binary else shares, dtype=np.float64)


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


class _Search:
    """Compares kinds of n-grams and strengths on texts that were not learned from.

    Args:
        features: Weights of all n-grams, (N, F).
        problem: What is learned.
        kinds: Of n-grams.
        parts: Positions of the texts that are learned from, and of those that are scored, for each fold.
        progress: Is told of each fit.
    """

    def __init__(
        self,
        features: Matrix,
        problem: Problem,
        kinds: Sequence[Kind],
        parts: Sequence[tuple[Ints, Ints]],
        progress: Progress,
    ) -> None:
        self._features = features
        self.problem = problem
        self._kinds = kinds
        self._parts = parts
        self._progress = progress
        self._num_fits = 0

    def run(self, strength: float) -> tuple[Choice, Ints]:
        """Choose the kind at a middle strength, then the strength; a strength above 0 is taken as it is.

        Returns:
            The choice, and the positions of the texts that were scored, (M,); none where there was nothing to choose.
        """
        is_set = strength > 0
        middle = strength if is_set else _MIDDLE
        is_large = len(self.problem.labels) > _MANY_LABELS
        others = [] if is_set or is_large else [C for C in STRENGTHS if C != _MIDDLE]
        nothing = np.zeros((0, len(self.problem.labels)), dtype=np.float32)
        scored = np.concatenate([scored for _, scored in self._parts]) if self._parts else np.zeros(0, dtype=np.int64)
        self._progress.on_start(len(self._kinds) + len(others), 0)
        if len(scored) == 0 or is_large or (len(self._kinds) == 1 and not others):
            return Choice(self._kinds[-1], middle, (0.0, 0.0), 0.0, nothing), scored[:0]
        tried = [next(self._try(kind, [middle])) for kind in self._kinds]
        best = max(tried, key=lambda choice: choice.score)
        weaker, stronger = [C for C in others if middle > C][::-1], [C for C in others if middle < C]
        for path in (stronger, weaker):
            for choice in self._try(best.kind, path):
                if choice.score <= best.score:
                    break
                best = choice
        return best, scored

    def _try(self, kind: Kind, strengths: Sequence[float]) -> Iterator[Choice]:
        """Fit each part with each strength, starting from what the strength before gave."""
        if not strengths:
            return
        features = _narrow(self._features[:, kind.features])
        starts: list[Solution | None] = [None] * len(self._parts)
        for strength in strengths:
            logits = []
            for place, (learned, scored) in enumerate(self._parts):
                part = self.problem.take(learned)
                found = part.solve(features[learned], strength, starts[place])
                starts[place] = found
                logits.append(self.problem.by_label(found)(features[scored]).astype(np.float32))
            yield self._judge(kind, strength, np.concatenate(logits))

    def _judge(self, kind: Kind, strength: float, logits: Float32s) -> Choice:
        labels = self.problem.labels
        targets = self.problem.targets[np.concatenate([scored for _, scored in self._parts])]
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
        num_folds = _NUM_FOLDS if problem.shares.shape[1] <= _SEVERAL_LABELS else _FEWER_FOLDS
        folds = draw_folds(np.asarray(strata, dtype=np.int64), np.arange(num_texts), num_folds, seed)
        if len(np.unique(folds)) == 1:
            folds = np.arange(num_texts) % min(num_folds, num_texts)
        parts = [(np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)) for fold in np.unique(folds)]
        return [part for part in parts if len(part[0])]
    order = np.random.default_rng(seed).permutation(num_texts)
    num_learned = min(num_texts * 2 // 3, _most_learned(features))
    return [(np.sort(order[:num_learned]), np.sort(order[num_learned : num_learned + _MOST_SCORED]))]


def _most_learned(features: Matrix) -> int:
    """Tell how many texts are learned from, at most, when candidates are compared."""
    per_text = max(int(features.nnz) // int(features.shape[0]), 1)
    return max(min(_MOST_LEARNED, _MOST_VALUES // per_text), _FEW_TEXTS // 2)


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
    return np.ascontiguousarray(vectors[:, stays] * np.sqrt(values[stays]), dtype=np.float32)
