"""Tune an encoder on pairs of texts, so that few labels are enough for the head: SetFit's method, all pairs of a batch.

::

    16 texts -> encoder -> vectors (B, H) -> cosine of each pair (B, B) -> near 1 for one label, near 0 for two

SetFit draws pairs and encodes both texts of each; a pair costs two texts then. Here every pair of a batch counts, so
that 16 texts give 120. The encoder is frozen afterwards, and the head is trained on its vectors as on any others.

Called by ``learner``. There is no validation in it: what it does to the accuracy is measured of the head.

Source:
    Tunstall et al., 2022, "Efficient Few-Shot Learning Without Prompts", section 3 (the pairs, the loss of Reimers &
    Gurevych, 2019). Of its package, setfit 1.2.0, come AdamW with a warm-up over 10 % of the steps, the same weight for
    pairs of one label as for pairs of two, and the rule for several labels: texts belong together that share one.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from textwright.core.callbacks import Callback
from textwright.core.types import Ints
from textwright.models.family import Stages
from textwright.training.batches import EncodedExamples, shuffled_batches
from textwright.training.loop import TrainingRuntime, backward, seed_step
from textwright.training.objective import Objective
from textwright.training.optimizer import learning_rate_scale, make_optimizer, set_learning_rate
from textwright.training.settings import FEW_TEXTS_PER_LABEL, TrainSettings

BATCH_SIZE: Final = 16
_STAGE: Final = "tuning the encoder on pairs of texts"


def tune(
    stages: Stages, examples: EncodedExamples, settings: TrainSettings, runtime: TrainingRuntime, callback: Callback
) -> None:
    """Change the weights of an encoder so that texts of one label are near each other, and freeze it.

    Args:
        stages: The encoder, with how it is tuned; one without stays as it is.
        examples: The training split; no other text may be in it.
        settings: The seed, and AdamW's other settings.
        runtime: Where it runs; of several processes each compares the texts of its share.
        callback: Is told how far it is.
    """
    tuning = stages.tuning
    if tuning is None:
        return
    accelerator, encoder = runtime.accelerator, stages.encoder.to(runtime.accelerator.device)
    for name, weight in encoder.named_parameters():
        weight.requires_grad_(name not in tuning.frozen)
    rates = {"learning_rate": tuning.learning_rate, "num_epochs": 1}
    optimizer = make_optimizer(encoder, settings.model_copy(update=rates))
    model, stepper = accelerator.prepare(encoder, optimizer)
    model.train()
    objective = pairs_objective(tuning.vector_dim)
    for step, positions in enumerate(_batches(len(examples), tuning.num_steps, settings.seed)):
        seed_step(settings.seed, step, accelerator.process_index)
        set_learning_rate(optimizer, learning_rate_scale(step, tuning.num_steps, settings.warmup_fraction))
        backward(model, examples, [positions], objective, runtime, num_passes=1)
        accelerator.clip_grad_norm_(model.parameters(), settings.max_grad_norm)
        stepper.step()
        stepper.zero_grad()
        callback.on_progress(_STAGE, step + 1, tuning.num_steps)
    encoder.requires_grad_(requires_grad=False).eval()
    accelerator.free_memory()  # it would keep this encoder and AdamW's moments while folds tune theirs


def warn_of_many(examples: EncodedExamples, num_labels: int, callback: Callback) -> None:
    """Say so where texts are more than tuning on pairs is meant for; the number of its steps stays the same."""
    if len(examples) > FEW_TEXTS_PER_LABEL * num_labels:
        callback.on_warning(
            f"contrastive_tuning is meant for at most {FEW_TEXTS_PER_LABEL} training texts of each label, and there "
            f"are {len(examples):,} of {num_labels:,} labels; leave it out, or train --family bert, which tunes the "
            "encoder on the labels themselves"
        )


def pairs_objective(vector_dim: int) -> Objective:
    """Make the loss of the pairs of a batch: the squared distance of their cosine from 1, or from 0.

    Args:
        vector_dim: Last components H of a text's vector that are compared.

    Returns:
        Vectors, (B, D), and targets, (B,) label indices or (B, K) zeros and ones, -> the mean over the pairs that share
        a label, plus the mean over the others, by 2; a batch with no pair of a kind has 0 for it.
    """

    def objective(vectors: Tensor, targets: Tensor) -> Tensor:
        unit = functional.normalize(vectors[:, -vector_dim:], dim=1)  # (B, H)
        cosines = unit @ unit.T  # (B, B)
        shares = targets[:, None] == targets[None] if targets.ndim == 1 else targets @ targets.T > 0  # (B, B)
        is_pair = torch.ones_like(shares).triu(diagonal=1)  # (B, B), each pair once
        kinds = ((shares & is_pair, 1.0), (~shares & is_pair, 0.0))
        losses = [((cosines - wanted).square() * kind).sum() / kind.sum().clamp(min=1) for kind, wanted in kinds]
        return (losses[0] + losses[1]) / 2

    return objective


def _batches(num_examples: int, num_steps: int, seed: int) -> list[Ints]:
    """Shuffle the texts as often as the steps take, whatever their lengths: pairs shall be of all lengths."""
    lengths = np.ones(num_examples, dtype=np.int64)
    passes = range(math.ceil(num_steps / math.ceil(num_examples / BATCH_SIZE)))
    batches = [batch for epoch in passes for batch in shuffled_batches(lengths, BATCH_SIZE, seed=seed, epoch=epoch)]
    return batches[:num_steps]
