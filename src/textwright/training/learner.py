"""What the loop is given: a whole model on tokens, or the head of one on features that were computed once."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from torch import nn

from textwright.core.callbacks import Callback
from textwright.core.labels import Labels
from textwright.core.types import Bools, Float32s, Ints
from textwright.models.family import Stages, TextModel
from textwright.models.linear import Linear
from textwright.training.batches import EncodedExamples, LoopExamples
from textwright.training.checkpoint import Checkpointer, TrainState
from textwright.training.contrastive import tune, warn_of_many
from textwright.training.cross_validate import (
    FEW_EXAMPLES,
    CrossValidationResult,
    out_of_fold,
    select_adam_epsilon,
    select_num_epochs,
    with_steps,
)
from textwright.training.distillation import DistillationExamples, DistillationTargets
from textwright.training.features import FeatureExamples, FeatureSplits, encode_splits
from textwright.training.loop import Splits, TrainingRuntime, fit, infer
from textwright.training.settings import TrainSettings
from textwright.training.solver import LinearLearner

_NUM_STEPS_TUNED: Final = 200
"""Steps of a head on a tuned encoder where validation is too small to end them."""


@dataclass(frozen=True, slots=True)
class Learner:
    """A module, what it learns from and how.

    Args:
        module: What is trained.
        splits: What it sees.
        settings: How it is trained.
        runtime: Where it is trained, and in which number format.
        chosen: What folds of the training split said; None where the validation split decides.
        distillation: What a teacher says of the training texts; None where labels are all there is.
        out_of_fold: Gives the logits of each training text by a model that has not seen it, (N, K): tunes the encoder
            and trains the head once for each fold. None where that is not needed.
        epsilon_scores: What each adam_epsilon was compared by, if the settings' was chosen.
    """

    module: nn.Module
    splits: Splits
    settings: TrainSettings
    runtime: TrainingRuntime
    chosen: CrossValidationResult | None = field(default=None)
    distillation: DistillationTargets | None = field(default=None)
    out_of_fold: Callable[[], Float32s] | None = field(default=None)
    epsilon_scores: Mapping[str, float] = field(default_factory=dict)

    @property
    def metadata(self) -> dict[str, Any]:
        """What cross-validation chose and how good it was, for the manifest; empty where validation decides."""
        if self.out_of_fold is not None:
            return {"fixed_epochs": self.settings.num_epochs}
        if self.epsilon_scores:
            return {
                "cross_validated_adam_epsilon": self.settings.adam_epsilon,
                "cross_validated_learning_rate": self.settings.learning_rate,
                "adam_epsilon_scores": dict(self.epsilon_scores),
            }
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
            runtime=self.runtime,
            checkpointer=checkpointer,
            callback=callback,
            keep_last_checkpoint=self.chosen is not None or self.out_of_fold is not None,
            distillation=self.distillation,
        )

    def held_out(self, labels: Labels) -> tuple[Float32s, Ints | Bools]:
        """Give the logits that temperature and thresholds are fitted on, in fp32, as the artifact will give them.

        Returns:
            Logits, (N, K), and targets: of the validation split, or of the folds that took its place.
        """
        if self.chosen is not None:
            return self.chosen.logits, self.splits.train.targets
        if self.out_of_fold is not None:
            return self.out_of_fold(), self.splits.train.targets
        validation = self.splits.validation
        logits = infer(self.module, validation, len(labels), TrainingRuntime(self.runtime.accelerator)).numpy()
        return logits, validation.targets


def make_learner(
    model: TextModel,
    train: EncodedExamples,
    validation: EncodedExamples,
    labels: Labels,
    settings: TrainSettings,
    *,
    runtime: TrainingRuntime,
    callback: Callback,
    distillation: DistillationTargets | None = None,
) -> Learner | LinearLearner:
    """Decide what of a model is trained, and on what.

    Args:
        model: Untrained.
        train: The training split, as tokens.
        validation: The validation split, as tokens.
        labels: Their task decides the loss.
        settings: How to train.
        runtime: Where it runs, and in which number format.
        callback: Is told how far a frozen encoder is.
        distillation: What a teacher says of the texts of ``train``; None learns from their labels.

    Returns:
        The whole model, or, of one in two stages, its head with the features of all texts; a linear model is solved
        for.
    """
    if isinstance(model, Linear):
        return LinearLearner(model, train, validation, settings, distillation)
    stages = model.stages
    if stages is None:
        epsilon_scores: dict[str, float] = {}
        if settings.adam_epsilon == "auto":
            settings, epsilon_scores = select_adam_epsilon(model, train, labels, settings, runtime, callback)
        splits = _splits(train, validation, distillation)
        return Learner(model, splits, settings, runtime, distillation=distillation, epsilon_scores=epsilon_scores)
    if stages.tuning is not None:
        warn_of_many(train, len(labels), callback)
    if stages.tuning is not None and distillation is None and len(validation) < FEW_EXAMPLES:
        return _make_tuned_learner(stages, train, validation, labels, settings, runtime, callback)
    tune(stages, train, settings, runtime, callback)
    features = encode_splits(stages, train, validation, runtime, callback)
    in_fp32 = TrainingRuntime(runtime.accelerator)
    return make_head_learner(stages.head, features, labels, settings, in_fp32, distillation)


def _make_tuned_learner(
    stages: Stages,
    train: EncodedExamples,
    validation: EncodedExamples,
    labels: Labels,
    settings: TrainSettings,
    runtime: TrainingRuntime,
    callback: Callback,
) -> Learner:
    """Tune the encoder, and give the head a fixed number of steps.

    The tuned encoder has learned the labels of the training texts, so folds of their features would be right too often;
    each fold tunes an encoder of its own on the texts outside it.
    """
    settings = with_steps(settings, _NUM_STEPS_TUNED, len(train))
    untuned, untrained = copy.deepcopy(stages.encoder), copy.deepcopy(stages.head)

    def features_by(positions: Ints) -> FeatureExamples:
        of_fold = replace(stages, encoder=copy.deepcopy(untuned))
        tune(of_fold, train.take(positions), settings, runtime, callback)
        return encode_splits(of_fold, train, validation, runtime, callback).train

    tune(stages, train, settings, runtime, callback)
    features = encode_splits(stages, train, validation, runtime, callback)
    in_fp32 = TrainingRuntime(runtime.accelerator)
    splits = _splits(features.train, features.validation, None)

    def of_folds() -> Float32s:
        return out_of_fold(untrained, features.train, labels, settings, in_fp32, features_by).numpy()

    return Learner(stages.head, splits, settings, in_fp32, out_of_fold=of_folds)


def make_head_learner(
    head: nn.Module,
    features: FeatureSplits,
    labels: Labels,
    settings: TrainSettings,
    runtime: TrainingRuntime,
    distillation: DistillationTargets | None,
) -> Learner:
    """Take the head, in fp32: its products of matrices are too small for bf16 to pay.

    Folds are never asked where there is a teacher: altered copies of a text would lie on both sides.

    Args:
        head: Untrained.
        features: What the frozen encoder gave for the splits.
        labels: Their task decides the loss.
        settings: How to train.
        runtime: Where it runs.
        distillation: What a teacher says of the training texts; None learns from their labels.

    Returns:
        The head with its features; folds have chosen the number of epochs where validation texts are few.
    """
    splits = _splits(features.train, features.validation, distillation)
    if distillation is not None or len(features.validation) >= FEW_EXAMPLES:
        return Learner(head, splits, settings, runtime, distillation=distillation)
    chosen = select_num_epochs(head, features.train, labels, settings, runtime)
    return Learner(head, splits, chosen.settings, runtime, chosen)


def _splits(train: LoopExamples, validation: LoopExamples, distillation: DistillationTargets | None) -> Splits:
    return Splits(train if distillation is None else DistillationExamples(train, distillation), validation)
