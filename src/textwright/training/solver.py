"""Fit a linear model without gradient steps: choose n-grams and regularization on held-out texts, then solve.

Called by ``run`` for the family whose module has n-grams to be solved for. What the loop gives of other families --
history, weights, logits of texts that were not learned from -- comes out of here in the same form. A run that was
killed fits again: it takes seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, Final, NamedTuple

import numpy as np
import torch

from textwright.core.callbacks import Callback
from textwright.core.encodings import Encodings
from textwright.core.labels import Labels
from textwright.core.ngrams import Alphabet
from textwright.core.tfidf import Tfidf
from textwright.core.types import Bools, Float32s, Floats, Ints
from textwright.data.splits import draw_subset, rarest_label
from textwright.models.family import Casing
from textwright.models.linear import Features, Linear, count_known
from textwright.training.batches import EncodedExamples
from textwright.training.calibrate import fit_temperature
from textwright.training.checkpoint import Checkpointer, TrainState
from textwright.training.class_weight import class_weights
from textwright.training.distillation import DistillationTargets
from textwright.training.linear_features import FEW_TEXTS, LinearFeatures, weigh
from textwright.training.linear_search import (
    MIDDLE,
    LogisticProblem,
    RegularizationSearch,
    SearchCandidate,
    draw_parts,
)
from textwright.training.logistic import columns_of, label_columns
from textwright.training.objective import validation_score
from textwright.training.settings import TrainSettings

_NUM_FOLDS: Final = 5
_FEWER_FOLDS: Final = 3
_SEVERAL_LABELS: Final = 10
"""With more columns there are fewer folds, since a fit takes as many times as long."""
_MANY_LABELS: Final = 20
"""With more columns one part is scored once."""
_MOST_TEXTS: Final = 8_000
_MOST_CHARACTERS: Final = 5_000_000
_MOST_WORK: Final = 200_000_000
"""Texts, their characters, and these times columns, that candidates are compared on."""
_TEXTS_PER_LABEL: Final = 8
_FEWEST_TEXTS: Final = 1_000


class WeighedTexts(NamedTuple):
    """The n-grams of texts, with their case or without.

    Args:
        alphabet: What the token ids are.
        tfidf: The n-grams that are known.
        features: Their weights.
    """

    alphabet: Alphabet
    tfidf: Tfidf
    features: LinearFeatures


class TuningTexts(NamedTuple):
    """The texts that candidates are compared on.

    Args:
        encodings: N texts.
        problem: What is learned of them.
        parts: Positions of the texts that are learned from, and of those that are scored, for each fold.
        is_all: Whether these are the texts that the model has counted.
    """

    encodings: Encodings
    problem: LogisticProblem
    parts: Sequence[tuple[Ints, Ints]]
    is_all: bool


@dataclass(slots=True)
class LinearLearner:
    """A linear model, what it is fitted to and how; the form of :class:`~textwright.training.learner.Learner`.

    Args:
        module: All n-grams that may be used; after fitting, those of the kind that was chosen.
        train: The training split.
        validation: The validation split.
        settings: Of its seed the folds are drawn.
        distillation: What a teacher says of ``train``; None where labels are all there is.
        metadata: What was chosen, for the manifest; filled by fitting.
    """

    module: Linear
    train: EncodedExamples
    validation: EncodedExamples
    settings: TrainSettings
    distillation: DistillationTargets | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    _unseen: tuple[Float32s, Ints | Bools] | None = None
    """Logits and targets of texts that were not learned from."""

    def fit(self, labels: Labels, checkpointer: Checkpointer, callback: Callback) -> TrainState:
        """Choose, solve, and give the scores to the module.

        Args:
            labels: Label names, with the task.
            checkpointer: Refuses the folder of another run; nothing is kept, since fitting again takes seconds.
            callback: Is told of each fit, and of the result.

        Returns:
            A history of one epoch.

        Raises:
            SettingsError: If settings or data are not those of a checkpoint that is there.
        """
        checkpointer.refuse_other_run()
        weights = _weights(self.train.targets, labels, self.settings)
        problem = LogisticProblem(
            self.train.targets, _shares(self.train.targets, labels, self.distillation), labels, weights
        )
        tuning = self._tuning(problem)
        weighed = cache(partial(_weigh_all, self.module, tuning.encodings, is_counted=tuning.is_all))
        search = RegularizationSearch(
            lambda *which: weighed(*which).features, tuning.problem, tuning.parts, self._casings(), callback
        )
        choice = search.run(self.module.config.strength)
        settings = choice.settings if choice else self._untuned()
        is_weighed = tuning.is_all and settings.is_cased == self._casings()[0]
        learned, logits = self._solve(
            problem, settings, weighed(settings.is_cased, Features.BOTH) if is_weighed else None
        )
        unseen, targets = logits, self.validation.targets
        if choice and tuning.is_all:  # the same strength on a part of the texts gives smaller scores than the model's
            unseen, targets = choice.logits, search.targets
        # Strongly regularized scores of many labels are too small for the temperature that is fitted within its bounds.
        divisor = fit_temperature(unseen, targets, labels.task)
        self.module.divide_scores(divisor)
        self._unseen = unseen / divisor, targets
        self.metadata = {"features": str(settings.kind), "cased": settings.is_cased, "strength": settings.strength}
        if choice:
            loss = -validation_score(
                torch.from_numpy(unseen / divisor), torch.from_numpy(targets), labels.task
            ).negative_loss
            self.metadata |= {"fold_accuracy": choice.accuracy, "fold_loss": loss}
        return self._end(learned / divisor, logits / divisor, labels, callback)

    def held_out(self, labels: Labels) -> tuple[Float32s, Ints | Bools]:  # noqa: ARG002  the form of Learner
        """Give logits and targets of texts that were not learned from, of the folds or of the validation split."""
        assert self._unseen is not None  # noqa: S101  fitted before
        return self._unseen

    def _casings(self) -> list[bool]:
        """List the casings to choose from: one where it is set, or where no text has a letter in upper case."""
        alphabet, casing = self.module.alphabet, self.module.config.casing
        if casing is not Casing.AUTO:
            return [casing is Casing.CASED]
        ids = self.train.encodings.ids
        return [False, True] if (alphabet.folded[ids] != ids).any() else [False]

    def _tuning(self, problem: LogisticProblem) -> TuningTexts:
        """Decide which texts candidates are compared on: altered copies of a text would lie on both sides of a fold."""
        encodings, seed = self.train.encodings, self.settings.seed
        num_texts, num_columns = len(encodings), problem.shares.shape[1]
        strata = rarest_label(problem.targets) if problem.targets.ndim == 2 else problem.targets
        size = _tuning_size(encodings, num_columns)
        drawn = draw_subset(np.asarray(strata, dtype=np.int64), size, seed)
        if self.distillation is not None:
            return self._taught(problem, drawn)
        is_all = size == num_texts
        num_folds = _NUM_FOLDS if num_columns <= _SEVERAL_LABELS and num_texts <= FEW_TEXTS else _FEWER_FOLDS
        if not is_all or num_columns > _MANY_LABELS:
            num_folds = 1
        part = problem.take(drawn)
        parts = draw_parts(part.targets, num_folds, seed)
        return TuningTexts(encodings if is_all else encodings.take(drawn), part, parts, is_all)

    def _taught(self, problem: LogisticProblem, drawn: Ints) -> TuningTexts:
        unseen = self.validation
        part, shares = problem.take(drawn), _shares(unseen.targets, problem.labels, None)
        targets = np.concatenate([part.targets, unseen.targets])
        whole = LogisticProblem(targets, np.concatenate([part.shares, shares]), problem.labels)
        encodings = Encodings.join([self.train.encodings.take(drawn), unseen.encodings])
        return TuningTexts(
            encodings, whole, [(np.arange(len(drawn)), np.arange(len(drawn), len(targets)))], is_all=False
        )

    def _untuned(self) -> SearchCandidate:
        """Take what cannot be compared: all n-grams that were counted, at the middle strength."""
        return SearchCandidate(Features.BOTH, self._casings()[0], self.module.config.strength or MIDDLE)

    def _solve(
        self, problem: LogisticProblem, settings: SearchCandidate, weighed: WeighedTexts | None
    ) -> tuple[Floats, Float32s]:
        """Fit to all texts and give the scores to the module.

        Returns:
            Logits of the training split and of the validation split.
        """
        kind, is_cased, strength = settings
        if weighed is None:
            weighed = _weigh_all(self.module, self.train.encodings, is_cased, kind, is_counted=True)
        columns = weighed.features.columns(kind)
        known = Tfidf(weighed.tfidf.keys[columns], weighed.tfidf.idf[columns])
        matrix, to_ngrams = weighed.features.all_texts(kind)
        solution = problem.by_label(problem.solve(matrix, strength, None))
        scores, bias = to_ngrams(solution.scores).astype(np.float32), solution.bias.astype(np.float32)
        self.module.set_scores(weighed.alphabet, known, scores, bias)
        unseen = weigh(self.validation.encodings, weighed.alphabet, known)
        return solution(matrix), unseen @ scores + bias

    def _end(self, learned: Floats, logits: Float32s, labels: Labels, callback: Callback) -> TrainState:
        """Make the history from logits of the training split and of the validation split."""
        train_score = validation_score(torch.from_numpy(learned), torch.from_numpy(self.train.targets), labels.task)
        score = validation_score(torch.from_numpy(logits), torch.from_numpy(self.validation.targets), labels.task)
        state = TrainState(loss_sum=-train_score.negative_loss, step=1)
        callback.on_epoch_end(state.end_epoch(score, self.module, 1), logits)
        return state


def _weights(targets: Ints | Bools, labels: Labels, settings: TrainSettings) -> Floats | None:
    """Say what each text, (N, 1), or each label of each text, (N, K), counts for; None counts all alike."""
    weights = class_weights(settings.class_weight, targets, len(labels))
    if weights is None:
        return None
    by_label = weights.numpy()  # (K,)
    return by_label[targets][:, None] if targets.ndim == 1 else np.where(targets, by_label, 1.0)


def _shares(targets: Ints | Bools, labels: Labels, distillation: DistillationTargets | None) -> Floats:
    """Tell how far each column holds for each text, (N, C); of a teacher, its probabilities mixed with what is true.

    A soft target stays as the teacher gave it, at its temperature: the temperature that is fitted afterwards undoes it.
    """
    if distillation is None:
        return label_columns(targets, labels)
    shares = distillation.label_weight * distillation.true + (1 - distillation.label_weight) * distillation.soft
    return columns_of(shares, labels)


def _weigh_all(
    module: Linear, encodings: Encodings, is_cased: bool, kind: Features, *, is_counted: bool
) -> WeighedTexts:
    """Weigh the n-grams of a kind of texts; ``is_counted`` says that they are what the module has counted."""
    alphabet = module.alphabet.cased if is_cased else module.alphabet
    tfidf = module.tfidf
    if not is_counted or alphabet.is_cased != module.alphabet.is_cased:
        config = module.config.model_copy(
            update={"features": _counted(module.tfidf) if kind is Features.BOTH else kind}
        )
        tfidf, _ = count_known(config, encodings, alphabet, len(module.bias))
    num_words = tfidf.num_word_features
    parts = {Features.WORDS: slice(0, num_words), Features.CHARACTERS: slice(num_words, None)}
    columns = parts.get(kind, slice(None))
    tfidf = Tfidf(tfidf.keys[columns], tfidf.idf[columns])
    return WeighedTexts(alphabet, tfidf, LinearFeatures(weigh(encodings, alphabet, tfidf), tfidf.num_word_features))


def _counted(tfidf: Tfidf) -> Features:
    """Tell which kinds of n-grams were counted: of a large training split one alone."""
    num_words = tfidf.num_word_features
    if 0 < num_words < len(tfidf.keys):
        return Features.BOTH
    return Features.WORDS if num_words else Features.CHARACTERS


def _tuning_size(encodings: Encodings, num_columns: int) -> int:
    """Tell on how many texts candidates are compared."""
    num_texts = len(encodings)
    if num_texts <= FEW_TEXTS and num_columns <= _MANY_LABELS:
        return num_texts
    per_text = max(len(encodings.ids) / num_texts, 1.0)
    most = min(_MOST_CHARACTERS, _MOST_WORK / num_columns) / per_text
    return min(num_texts, _MOST_TEXTS, max(int(most), _FEWEST_TEXTS, _TEXTS_PER_LABEL * num_columns))
