"""The training loop: there is one; every family goes through it, and so does the adaptation of an encoder."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn

from textwright.core.callbacks import Callback, StopTraining
from textwright.core.labels import Labels
from textwright.core.types import Ints
from textwright.errors import TrainingError
from textwright.models.family import TextModel
from textwright.training.batches import Batch, LoopExamples, shuffled_batches, sorted_batches
from textwright.training.checkpoint import Checkpointer, TrainState
from textwright.training.class_weight import class_weights
from textwright.training.distillation import DistillationTargets
from textwright.training.objective import Objective, ValidationScore, make_objective, validation_score
from textwright.training.optimizer import learning_rate_scale, make_optimizer, set_learning_rate
from textwright.training.settings import TrainSettings

_EVALUATION_BATCH_SIZE: Final = 256
_STEPS_PER_READING: Final = 10
"""Reading a loss makes the CPU wait for the GPU, and one process for the others: it is done every tenth step."""


@dataclass(frozen=True, slots=True)
class Splits:
    """Encoded examples: what is learned from, and what decides which epoch is the best."""

    train: LoopExamples
    validation: LoopExamples


@dataclass(frozen=True, slots=True)
class TrainingRuntime:
    """Where and how a module runs.

    Args:
        accelerator: The device, and the processes that share the work.
        bf16: Whether the forward pass runs in bf16.
    """

    accelerator: Accelerator
    bf16: bool = False

    def forward(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Run a batch through the model; return logits (B, K) in fp32 and targets, both on the device."""
        device = self.accelerator.device
        with torch.autocast(device.type, torch.bfloat16, enabled=self.bf16):
            logits: Tensor = model(*(tensor.to(device, non_blocking=True) for tensor in batch.inputs))
        return logits.float(), batch.targets.to(device, non_blocking=True)


@dataclass(frozen=True, slots=True)
class LoopTask:
    """What the loop minimizes, and what judges an epoch.

    Args:
        objective: Loss of a batch.
        validate: Gives the score of the weights as they are, and the validation logits, (N, K).
        num_passes: How often a batch holds each of its examples, >= 1.
    """

    objective: Objective
    validate: Callable[[], tuple[ValidationScore, Tensor]]
    num_passes: int = 1


def fit(
    module: nn.Module,
    splits: Splits,
    labels: Labels,
    settings: TrainSettings,
    *,
    runtime: TrainingRuntime,
    checkpointer: Checkpointer,
    callback: Callback,
    keep_last_checkpoint: bool = False,
    distillation: DistillationTargets | None = None,
) -> TrainState:
    """Train a classifier by the loop, see :func:`run_loop`.

    Args:
        module: Any family's module, or its head, in fp32; has the best weights afterwards.
        splits: Encoded examples.
        labels: Their task decides the loss and what a right answer is.
        settings: How to train.
        runtime: Where it runs.
        checkpointer: Gives the state to start from, and keeps it.
        callback: Is told about steps and epochs.
        keep_last_checkpoint: Keep the last epoch's weights, where validation is too small to judge which is the best.
        distillation: How to learn from a teacher, where the targets of the training batches are soft.

    Returns:
        The state at the end, with the history and the best weights.

    Raises:
        TrainingError: If the loss is not finite.
        StopTraining: If a callback ends the training before its first epoch has ended.
    """
    weights = class_weights(settings.class_weight, splits.train.targets, len(labels))
    objective = make_objective(
        labels.task,
        label_smoothing=settings.label_smoothing,
        r_drop=settings.r_drop,
        focal_gamma=settings.focal_gamma,
        class_weights=weights,
    )
    if distillation is not None:
        objective = distillation.objective(objective, labels.task)

    def validate() -> tuple[ValidationScore, Tensor]:
        logits = infer(module, splits.validation, len(labels), runtime)
        return validation_score(logits, torch.from_numpy(splits.validation.targets), labels.task, weights), logits

    return run_loop(
        module,
        splits.train,
        LoopTask(objective, validate, num_passes=2 if settings.r_drop else 1),
        settings,
        runtime=runtime,
        checkpointer=checkpointer,
        callback=callback,
        keep_last_checkpoint=keep_last_checkpoint,
    )


def run_loop(
    module: nn.Module,
    examples: LoopExamples,
    task: LoopTask,
    settings: TrainSettings,
    *,
    runtime: TrainingRuntime,
    checkpointer: Checkpointer,
    callback: Callback,
    keep_last_checkpoint: bool = False,
) -> TrainState:
    """Train a module until its epochs are done or validation stops improving; the best weights are kept.

    A step depends on the weights, the optimizer, the seed and the step's number, and on nothing else, so that a
    killed run goes on from its checkpoint to the same bits.

    Args:
        module: What is trained, in fp32; has the best weights afterwards.
        examples: What it learns from.
        task: What is minimized.
        settings: How to train.
        runtime: Where it runs.
        checkpointer: Gives the state to start from, and keeps it.
        callback: Is told about steps and epochs.
        keep_last_checkpoint: Keep the last epoch's weights, whatever the validation says.

    Returns:
        The state at the end, with the history and the best weights.

    Raises:
        TrainingError: If the loss is not finite.
        StopTraining: If a callback ends the training before its first epoch has ended.
    """
    accelerator = runtime.accelerator
    factor = module.learning_rate_factor if isinstance(module, TextModel) else None
    optimizer = make_optimizer(module.to(accelerator.device), settings, factor)
    state = checkpointer.restore(module, optimizer)
    model, stepper = accelerator.prepare(module, optimizer)
    passes = settings.num_passes(len(examples))
    steps_per_epoch = passes * math.ceil(len(examples) / settings.batch_size)
    num_steps = steps_per_epoch * settings.num_epochs
    callback.on_train_begin(num_steps, state.epoch * steps_per_epoch + state.step)

    try:
        while not state.is_over(num_epochs=settings.num_epochs, patience=settings.patience):
            model.train()
            losses = _Losses(accelerator)
            order = _order(examples, settings, passes, state.epoch)
            for positions in order[state.step :]:
                step = state.epoch * steps_per_epoch + state.step
                seed_step(settings.seed, step, accelerator.process_index)
                scale = learning_rate_scale(step, num_steps, settings.warmup_fraction)
                rate = set_learning_rate(optimizer, scale, epoch=state.epoch)
                parts = np.array_split(positions, min(settings.gradient_accumulation, len(positions)))
                loss = backward(model, examples, parts, task.objective, runtime, task.num_passes)
                accelerator.clip_grad_norm_(model.parameters(), settings.max_grad_norm)
                stepper.step()
                stepper.zero_grad()
                state.step += 1
                losses.add(loss)
                if losses.is_due(state.step, steps_per_epoch):
                    callback.on_step_end(step + 1, losses.read_into(state, rate), rate)
                    if checkpointer.is_due():
                        checkpointer.save(state, module, optimizer)
            score, logits = task.validate()
            record = state.end_epoch(
                score, module, (state.epoch + 1) * steps_per_epoch, keep_last_checkpoint=keep_last_checkpoint
            )
            callback.on_epoch_end(record, logits.numpy())
            if checkpointer.is_due() or state.is_over(num_epochs=settings.num_epochs, patience=settings.patience):
                checkpointer.save(state, module, optimizer)
    except StopTraining:
        if not state.best_weights:
            raise
        checkpointer.save(state, module, optimizer)
    module.load_state_dict(state.best_weights)
    return state


def _order(examples: LoopExamples, settings: TrainSettings, passes: int, epoch: int) -> list[Ints]:
    """Cut the batches of an epoch, (B,) positions each; each of its passes is shuffled anew."""
    numbers = range(epoch * passes, (epoch + 1) * passes)
    shuffled = [shuffled_batches(examples.lengths, settings.batch_size, seed=settings.seed, epoch=n) for n in numbers]
    return [positions for batches in shuffled for positions in batches]


def backward(
    model: nn.Module,
    examples: LoopExamples,
    parts: Sequence[Ints],
    objective: Objective,
    runtime: TrainingRuntime,
    num_passes: int,
) -> Tensor:
    """Add up the gradient of a step, one part of its examples after the other.

    Args:
        model: Prepared by the accelerator.
        examples: What the positions are of.
        parts: Positions of the step's examples, (B,) each; their losses count by their sizes.
        objective: The loss of a part.
        runtime: Where it runs, each process a share of every part.
        num_passes: How often a part goes through the model, with other dropout each time.

    Returns:
        The mean loss, a scalar on the device.
    """
    accelerator, total = runtime.accelerator, torch.zeros((), device=runtime.accelerator.device)
    num_examples = sum(map(len, parts))
    for part in parts:
        with accelerator.split_between_processes(part.tolist(), apply_padding=True) as share:
            logits, targets = runtime.forward(model, examples.batch(np.tile(share, num_passes)))
        loss = objective(logits, targets) * (len(part) / num_examples)
        accelerator.backward(loss)
        total += loss.detach()
    return total


def seed_step(seed: int, step: int, process_index: int) -> None:
    """Seed what a step draws (dropout), apart from every other step and process.

    Args:
        seed: Of the training run.
        step: Counted from 0 since the start of training.
        process_index: Of this process among those that train together.
    """
    sequence = np.random.SeedSequence([seed, step, process_index])
    number = int(sequence.generate_state(1, np.uint64)[0])
    # torch.manual_seed would, for each kind of device that is not there, keep a traceback of every step.
    torch.default_generator.manual_seed(number)
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.manual_seed_all(number)
    if torch.backends.mps.is_available():
        torch.mps.manual_seed(number)


@torch.no_grad()
def infer(
    module: nn.Module,
    examples: LoopExamples,
    num_labels: int,
    runtime: TrainingRuntime,
    *,
    batch_size: int = _EVALUATION_BATCH_SIZE,
) -> Tensor:
    """Run examples through a module, each process a share of them.

    Args:
        module: Any family's module, not wrapped for several processes.
        examples: N encoded examples.
        num_labels: Number of labels K; of features, if that is what the module gives.
        runtime: Where it runs.
        batch_size: Examples at once.

    Returns:
        Logits, (N, K), on the CPU, in the order of the examples, the same in every process.
    """
    accelerator = runtime.accelerator
    module.eval()
    logits = torch.zeros(len(examples), num_labels, device=accelerator.device)
    batches = sorted_batches(examples.lengths, batch_size)
    for positions in batches[accelerator.process_index :: accelerator.num_processes]:
        logits[torch.from_numpy(positions)], _ = runtime.forward(module, examples.batch(positions))
    total: Tensor = accelerator.reduce(logits, reduction="sum")
    return total.cpu()


@dataclass(slots=True)
class _Losses:
    """Losses on the device that were not read yet."""

    accelerator: Accelerator
    _unread: list[Tensor] = field(default_factory=list)

    def add(self, loss: Tensor) -> None:
        self._unread.append(loss.detach())

    def is_due(self, step: int, steps_per_epoch: int) -> bool:
        """Every step where reading is free; else every tenth, and the last one of an epoch."""
        is_free = self.accelerator.device.type == "cpu" and self.accelerator.num_processes == 1
        return is_free or step % _STEPS_PER_READING == 0 or step == steps_per_epoch

    def read_into(self, state: TrainState, rate: float) -> float:
        """Add the losses to the epoch's sum, one by one, and return the last."""
        losses = self.accelerator.reduce(torch.stack(self._unread), reduction="mean").tolist()
        self._unread.clear()
        for loss in losses:
            state.loss_sum += loss
        if not math.isfinite(state.loss_sum):
            raise TrainingError(
                f"the loss is {losses[-1]} at step {state.step} of epoch {state.epoch + 1}, learning rate {rate:.2g}; "
                "it must be finite: lower learning_rate, lower max_grad_norm, or train with --precision fp32"
            )
        return float(losses[-1])
