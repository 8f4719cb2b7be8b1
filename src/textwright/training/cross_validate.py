"""How long to train when there are too few labels to set some aside: ask folds of the training split.

Called by ``run`` for heads on cached features, which train in a second; a whole encoder would be trained ten times.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import nn

from textwright.core.callbacks import Callback
from textwright.core.labels import Labels, Task
from textwright.core.types import Float32s, Ints
from textwright.data.splits import draw_folds
from textwright.training.checkpoint import NoCheckpoints
from textwright.training.class_weight import class_weights
from textwright.training.features import FeatureExamples
from textwright.training.loop import Splits, TrainingRuntime, fit, infer
from textwright.training.objective import ValidationScore, validation_score
from textwright.training.settings import TrainSettings

FEW_EXAMPLES: Final = 100
"""A smaller validation split decides nothing: the standard error of an accuracy measured on it is 5 points."""
_NUM_FOLDS: Final = 5
_NUM_STEPS: Final = (50, 200)
"""Lengths of training that are tried."""


@dataclass(frozen=True, slots=True)
class CrossValidationResult:
    """What the folds say.

    Args:
        settings: The settings with the best number of epochs.
        score: Of all examples, each by the model that has not seen it.
        logits: Of all examples likewise, (N, K).
    """

    settings: TrainSettings
    score: ValidationScore
    logits: Float32s


def select_num_epochs(
    head: nn.Module, examples: FeatureExamples, labels: Labels, settings: TrainSettings, runtime: TrainingRuntime
) -> CrossValidationResult:
    """Choose the number of epochs by the log loss over folds.

    Args:
        head: Untrained; it stays so.
        examples: The training split, N examples, 2 or more.
        labels: Their task decides the loss.
        settings: How to train; only the number of epochs is chosen anew.
        runtime: Where it runs.

    Returns:
        The best of two lengths of training; of equals, the shortest.
    """
    lengths = (with_steps(settings, num_steps, len(examples)) for num_steps in _NUM_STEPS)
    candidates = {candidate.num_epochs: candidate for candidate in lengths}
    weights = class_weights(settings.class_weight, examples.targets, len(labels))
    tried = []
    for candidate in candidates.values():
        logits = out_of_fold(head, examples, labels, candidate, runtime)
        score = validation_score(logits, torch.from_numpy(examples.targets), labels.task, weights)
        tried.append(CrossValidationResult(candidate, score, logits.numpy()))
    return max(tried, key=lambda chosen: chosen.score.negative_loss)


def with_steps(settings: TrainSettings, num_steps: int, num_examples: int) -> TrainSettings:
    """Train for as many epochs as so many steps take, and neither more nor fewer."""
    steps_per_epoch = math.ceil(num_examples / settings.batch_size)
    return settings.model_copy(update={"num_epochs": math.ceil(num_steps / steps_per_epoch), "min_steps": 0})


def out_of_fold(
    head: nn.Module,
    examples: FeatureExamples,
    labels: Labels,
    settings: TrainSettings,
    runtime: TrainingRuntime,
    features_by: Callable[[Ints], FeatureExamples] | None = None,
) -> torch.Tensor:
    """Train once per fold on the others, and score it.

    Args:
        head: Untrained; it stays so.
        examples: The training split, N examples, 2 or more.
        labels: Their task decides the loss.
        settings: How to train; every fold is trained to the end.
        runtime: Where it runs.
        features_by: Positions of examples -> all N examples as an encoder gives them that has learned from these alone;
            None where the encoder has learned from none.

    Returns:
        Logits of each example by a model that has not seen it, (N, K).
    """
    folds = _folds(examples, labels, settings.seed)
    logits = torch.zeros(len(examples), len(labels))
    for fold in np.unique(folds):
        inside, outside = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        features = examples if features_by is None else features_by(outside)
        splits = Splits(features.take(outside), features.take(inside))
        module = copy.deepcopy(head)
        fit(
            module,
            splits,
            labels,
            settings,
            runtime=runtime,
            checkpointer=NoCheckpoints(),
            callback=Callback(),
            keep_last_checkpoint=True,
        )
        logits[inside] = infer(module, splits.validation, len(labels), runtime)
    return logits


def _folds(examples: FeatureExamples, labels: Labels, seed: int) -> Ints:
    """Assign a fold to each example, (N,); of a multi-label task, combinations of labels are what is spread evenly."""
    strata = examples.targets
    if labels.task is Task.MULTI_LABEL:
        strata = np.unique(strata, axis=0, return_inverse=True)[1].reshape(-1)
    folds = draw_folds(np.asarray(strata, dtype=np.int64), np.arange(len(examples)), _NUM_FOLDS, seed)
    if len(np.unique(folds)) > 1:
        return folds
    return np.arange(len(examples)) % min(_NUM_FOLDS, len(examples))
