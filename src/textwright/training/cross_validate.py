"""What folds of the training split decide: how long to train a head, and by what steps a bag of words.

The number of epochs is chosen where there are too few labels to set some aside, for heads on cached features, which
train in a second; a whole encoder would be trained ten times. Called by ``learner`` and ``run``.
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
from textwright.data.splits import draw_folds, draw_subset, rarest_label
from textwright.training.batches import EncodedExamples
from textwright.training.checkpoint import NoCheckpoints
from textwright.training.class_weight import class_weights
from textwright.training.features import FeatureExamples
from textwright.training.linear_search import accuracy_and_macro_f1, draw_parts
from textwright.training.loop import Splits, TrainingRuntime, fit, infer
from textwright.training.objective import ValidationScore, validation_score
from textwright.training.settings import TrainSettings

FEW_EXAMPLES: Final = 100
"""A smaller validation split decides nothing: the standard error of an accuracy measured on it is 5 points."""
_NUM_FOLDS: Final = 5
_NUM_STEPS: Final = (50, 200)
"""Lengths of training that are tried."""
EPSILONS: Final = {1e-8: 1.0, 1e-3: 10.0}
"""Values of adam_epsilon that are tried -> what the learning rate is multiplied by; of equals the first is taken."""
_MOST_TEXTS: Final = 4_000
_MOST_TOKENS: Final = 150_000
_FEW_FOLDS: Final = 3
_FEW_TEXTS: Final = 1_000
_FEW_TOKENS: Final = 30_000
"""Up to so many texts and tokens, folds take turns; of more, a third is scored once."""


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


def select_adam_epsilon(
    module: nn.Module,
    examples: EncodedExamples,
    labels: Labels,
    settings: TrainSettings,
    runtime: TrainingRuntime,
    callback: Callback,
) -> tuple[TrainSettings, dict[str, float]]:
    """Choose adam_epsilon, and the learning rate that suits it, on folds of the training split.

    AdamW divides a gradient by its size, so that a rare word moves as far as a frequent one. That finds many words
    that each say a little; where a few words decide, as in tags or rare labels, it learns rare words by heart. With a
    large epsilon steps are in proportion to gradients.

    Args:
        module: With its first weights; it keeps them.
        examples: The training split; of a large one a part is taken.
        labels: Their task decides the loss.
        settings: How to train, with adam_epsilon "auto".
        runtime: Where it runs.
        callback: Is told how far it is.

    Returns:
        Settings with both numbers, and what each epsilon was compared by: the mean of accuracy and macro-F1, in [0, 1];
        nothing is compared with a single text.
    """
    strata = examples.targets if labels.task is Task.SINGLE_LABEL else rarest_label(examples.targets)
    mean_length = max(float(examples.lengths.mean()), 1.0)
    size = min(len(examples), _MOST_TEXTS, max(int(_MOST_TOKENS / mean_length), _NUM_FOLDS))
    examples = examples.take(draw_subset(np.asarray(strata, dtype=np.int64), size, seed=settings.seed))
    is_cheap = size <= _FEW_TEXTS and size * mean_length <= _FEW_TOKENS
    parts = draw_parts(examples.targets, _FEW_FOLDS if is_cheap else 1, settings.seed)
    if not parts:
        return settings.model_copy(update={"adam_epsilon": min(EPSILONS)}), {}
    targets = examples.targets[np.concatenate([scored for _, scored in parts])]
    stage = "choosing the optimizer's epsilon and learning rate by cross-validation"
    callback.on_stage_begin(stage)
    tried: list[tuple[float, TrainSettings]] = []
    for epsilon, factor in EPSILONS.items():
        rate = factor * settings.learning_rate
        candidate = settings.model_copy(update={"adam_epsilon": epsilon, "learning_rate": rate})
        shorter = candidate.model_copy(update={"min_steps": settings.min_steps // 2})
        logits: list[Float32s] = []
        for learned, scored in parts:
            done = len(tried) * len(parts) + len(logits)
            callback.on_progress(stage, done, len(EPSILONS) * len(parts))
            splits = Splits(examples.take(learned), examples.take(scored))
            logits.append(_held_out_logits(module, splits, labels, shorter, runtime).numpy())
        tried.append((float(np.mean(accuracy_and_macro_f1(targets, np.concatenate(logits)))), candidate))
    _, best = max(tried, key=lambda pair: pair[0])
    callback.on_stage_begin(f"adam_epsilon {best.adam_epsilon:g}, learning rate {best.learning_rate:g}")
    return best, {f"{candidate.adam_epsilon:g}": score for score, candidate in tried}


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
        logits[inside] = _held_out_logits(head, splits, labels, settings, runtime, keep_last_checkpoint=True)
    return logits


def _held_out_logits(
    module: nn.Module,
    splits: Splits,
    labels: Labels,
    settings: TrainSettings,
    runtime: TrainingRuntime,
    *,
    keep_last_checkpoint: bool = False,
) -> torch.Tensor:
    """Train a copy of a module, and give its logits of the examples that it was not trained on, (N, K)."""
    trained = copy.deepcopy(module)
    fit(
        trained,
        splits,
        labels,
        settings,
        runtime=runtime,
        checkpointer=NoCheckpoints(),
        callback=Callback(),
        keep_last_checkpoint=keep_last_checkpoint,
    )
    return infer(trained, splits.validation, len(labels), runtime)


def _folds(examples: FeatureExamples, labels: Labels, seed: int) -> Ints:
    """Assign a fold to each example, (N,); of a multi-label task, combinations of labels are what is spread evenly."""
    strata = examples.targets
    if labels.task is Task.MULTI_LABEL:
        strata = np.unique(strata, axis=0, return_inverse=True)[1].reshape(-1)
    folds = draw_folds(np.asarray(strata, dtype=np.int64), np.arange(len(examples)), _NUM_FOLDS, seed)
    if len(np.unique(folds)) > 1:
        return folds
    return np.arange(len(examples)) % min(_NUM_FOLDS, len(examples))
