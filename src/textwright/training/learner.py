"""What the loop is given: a whole model on tokens, or the head of one on features that were computed once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from torch import nn

from textwright.core.callbacks import Callback
from textwright.core.labels import Labels
from textwright.core.types import Bools, Float32s, Ints
from textwright.models.family import TextModel
from textwright.models.linear import Linear
from textwright.training.batches import EncodedExamples, LoopExamples
from textwright.training.checkpoint import Checkpointer, TrainState
from textwright.training.cross_validate import FEW_EXAMPLES, Chosen, choose_epochs
from textwright.training.features import FeatureSplits, encode_splits
from textwright.training.lessons import Lessons, TaughtExamples
from textwright.training.loop import Engine, Splits, fit, infer
from textwright.training.settings import TrainSettings
from textwright.training.solver import LinearLearner


@dataclass(frozen=True, slots=True)
class Learner:
    """A module, what it learns from and how.

    Args:
        module: What is trained.
        splits: What it sees.
        settings: How it is trained.
        engine: Where it is trained, and in which number format.
        chosen: What folds of the training split said; None where the validation split decides.
        lessons: What a teacher says of the training texts; None where labels are all there is.
    """

    module: nn.Module
    splits: Splits
    settings: TrainSettings
    engine: Engine
    chosen: Chosen | None = field(default=None)
    lessons: Lessons | None = field(default=None)

    @property
    def facts(self) -> dict[str, Any]:
        """What cross-validation chose and how good it was, for the manifest; empty where there was none."""
        if self.chosen is None:
            return {}
        loss = -self.chosen.score.negative_loss
        accuracy = self.chosen.score.accuracy
        return {"cross_validated_epochs": self.settings.num_epochs, "fold_accuracy": accuracy, "fold_loss": loss}

    def fit(self, labels: Labels, checkpointer: Checkpointer, callback: Callback) -> TrainState:
        """Train by the loop.

        Args:
            labels: Label names, with the task.
            checkpointer: Gives the state to start from, and keeps it.
            callback: Is told about steps and epochs.

        Returns:
            The state at the end; the module has the best weights.

        Raises:
            TrainingError: If the loss is not finite.
        """
        return fit(
            self.module,
            self.splits,
            labels,
            self.settings,
            engine=self.engine,
            checkpointer=checkpointer,
            callback=callback,
            keeps_last=self.chosen is not None,
            lessons=self.lessons,
        )

    def held_out(self, labels: Labels) -> tuple[Float32s, Ints | Bools]:
        """Give the logits that temperature and thresholds are fitted on, in fp32, as the artifact will give them.

        Returns:
            Logits, (N, K), and targets: of the validation split, or of the folds that took its place.
        """
        if self.chosen is not None:
            return self.chosen.logits, self.splits.train.targets
        validation = self.splits.validation
        logits = infer(self.module, validation, len(labels), Engine(self.engine.accelerator)).numpy()
        return logits, validation.targets


def make_learner(
    model: TextModel,
    train: EncodedExamples,
    validation: EncodedExamples,
    labels: Labels,
    settings: TrainSettings,
    *,
    engine: Engine,
    callback: Callback,
    lessons: Lessons | None = None,
) -> Learner | LinearLearner:
    """Decide what of a model is trained, and on what.

    Args:
        model: Untrained.
        train: The training split, as tokens.
        validation: The validation split, as tokens.
        labels: Their task decides the loss.
        settings: How to train.
        engine: Where it runs, and in which number format.
        callback: Is told how far a frozen encoder is.
        lessons: What a teacher says of the texts of ``train``; None learns from their labels.

    Returns:
        The whole model, or, of one in two stages, its head with the features of all texts; a linear model is solved
        for.
    """
    if isinstance(model, Linear):
        return LinearLearner(model, train, validation, settings, lessons)
    stages = model.stages
    if stages is None:
        return Learner(model, _splits(train, validation, lessons), settings, engine, lessons=lessons)
    features = encode_splits(stages, train, validation, engine, callback)
    return _head_learner(stages.head, features, labels, settings, Engine(engine.accelerator), lessons)


def _head_learner(
    head: nn.Module,
    features: FeatureSplits,
    labels: Labels,
    settings: TrainSettings,
    engine: Engine,
    lessons: Lessons | None,
) -> Learner:
    """Take the head, in fp32: its products of matrices are too small for bf16 to pay.

    Folds are never asked where there is a teacher: altered copies of a text would lie on both sides.
    """
    splits = _splits(features.train, features.validation, lessons)
    if lessons is not None or len(features.validation) >= FEW_EXAMPLES:
        return Learner(head, splits, settings, engine, lessons=lessons)
    chosen = choose_epochs(head, features.train, labels, settings, engine)
    return Learner(head, splits, chosen.settings, engine, chosen)


def _splits(train: LoopExamples, validation: LoopExamples, lessons: Lessons | None) -> Splits:
    return Splits(train if lessons is None else TaughtExamples(train, lessons), validation)
