"""The state of a training run between two steps, written whole, so that a killed run goes on as if it had not been.

Random numbers are not stored: ``loop`` seeds every step with the run's seed, the epoch and the step, so that what a
step draws does not depend on what was drawn before it. Files are read with ``weights_only=True``: tensors and plain
values, never code.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, Final

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from textwright.core.callbacks import EpochRecord
from textwright.core.files import atomic_file
from textwright.errors import SettingsError, TrainingError
from textwright.training.objective import ValidationScore

_FORMAT_VERSION: Final = 1
_FILE: Final = "state.pt"


@dataclass(slots=True)
class TrainState:
    """Where a run stands.

    Args:
        epoch: Epochs that have ended and were validated.
        step: Steps taken in the epoch after these.
        loss_sum: Sum of the objective over these steps, in nats.
        history: One record per ended epoch.
        best_weights: The module's weights after the best epoch, on the CPU; empty before the first.
    """

    epoch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    history: list[EpochRecord] = field(default_factory=list)
    best_weights: dict[str, Tensor] = field(default_factory=dict)

    @property
    def best_epoch(self) -> int:
        """Number of the best epoch, counted from 1; 0 before the first has ended."""
        return max((record.epoch for record in self.history if record.is_best), default=0)

    def is_over(self, *, num_epochs: int, patience: int) -> bool:
        """Tell whether training has ended: all epochs done, or neither accuracy nor loss better for ``patience``.

        Accuracy alone would end training on an uneven file: it stays at the share of the largest class while the loss
        falls in every epoch.
        """
        return self.epoch >= num_epochs or self.epoch - max(self.best_epoch, self._lowest_loss_epoch) >= patience

    @property
    def _lowest_loss_epoch(self) -> int:
        return min(self.history, key=lambda record: record.validation_loss).epoch if self.history else 0

    def end_epoch(
        self, score: ValidationScore, module: nn.Module, total_steps: int, *, keep_last_checkpoint: bool = False
    ) -> EpochRecord:
        """Take in an epoch's validation, and keep the weights if they are the best so far.

        Args:
            score: Of the validation split.
            module: The model as it is after the epoch.
            total_steps: Steps taken since the start of training.
            keep_last_checkpoint: Take every epoch for the best so far, whatever its score.

        Returns:
            The epoch's record, which was added to the history.
        """
        best = max(
            (ValidationScore(item.validation_accuracy, -item.validation_loss, score.metric) for item in self.history),
            default=None,
        )
        record = EpochRecord(
            epoch=self.epoch + 1,
            step=total_steps,
            train_loss=self.loss_sum / max(self.step, 1),
            validation_loss=-score.negative_loss,
            validation_accuracy=score.accuracy,
            is_best=keep_last_checkpoint or best is None or score > best,
            metric=score.metric,
        )
        if record.is_best:
            self.best_weights = {name: weight.detach().cpu().clone() for name, weight in module.state_dict().items()}
        self.history.append(record)
        self.epoch, self.step, self.loss_sum = self.epoch + 1, 0, 0.0
        return record


class Checkpointer:
    """Writes a run's state every so often, and reads it back.

    Args:
        folder: Where the checkpoint lies; made when first written.
        identity: What a resumed run must share: settings and data, name -> plain value.
        every_s: Seconds between two checkpoints; 0 writes after every step.
        is_writer: False in all processes but one.
    """

    def __init__(self, folder: Path, identity: Mapping[str, Any], *, every_s: float, is_writer: bool = True) -> None:
        self._path = folder / _FILE
        self._identity = dict(identity)
        self._every_s = every_s
        self._is_writer = is_writer
        self._written_at = time.monotonic()

    def is_due(self) -> bool:
        """Tell whether it is time to write."""
        return self._is_writer and time.monotonic() - self._written_at >= self._every_s

    def save(self, state: TrainState, module: nn.Module, optimizer: Optimizer) -> None:
        """Write the state at once: a kill leaves the old checkpoint or the new one.

        Args:
            state: Where the run stands.
            module: The model.
            optimizer: Its optimizer.

        Raises:
            OSError: If it cannot be written, as on a full disk.
        """
        if not self._is_writer:
            return
        content = {
            "format_version": _FORMAT_VERSION,
            "identity": self._identity,
            "state": {**asdict(state), "best_weights": state.best_weights},
            "module": module.state_dict(),
            "optimizer": optimizer.state_dict(),
        }
        with atomic_file(self._path) as file:
            _save(content, file)
        self._written_at = time.monotonic()

    def restore(self, module: nn.Module, optimizer: Optimizer) -> TrainState:
        """Read the state back into a module and its optimizer.

        Args:
            module: A module of the same shape; its weights are replaced.
            optimizer: Its optimizer; its state is replaced.

        Returns:
            Where the run stood; a fresh state if there is no checkpoint.

        Raises:
            SettingsError: If settings or data are not those of the checkpoint; names each difference.
            TrainingError: If the file cannot be read.
        """
        if not self._path.is_file():
            return TrainState()
        content = _read(self._path)
        self._refuse_difference(content["identity"])
        module.load_state_dict(content["module"])
        optimizer.load_state_dict(content["optimizer"])
        state = content["state"]
        return TrainState(**{**state, "history": [EpochRecord(**record) for record in state["history"]]})

    def refuse_other_run(self) -> None:
        """Refuse a checkpoint of other settings or data.

        Raises:
            SettingsError: If there is one; names each difference.
            TrainingError: If the file cannot be read.
        """
        if self._path.is_file():
            self._refuse_difference(_read(self._path)["identity"])

    def _refuse_difference(self, stored: Mapping[str, Any]) -> None:
        names = [name for name in {**stored, **self._identity} if stored.get(name) != self._identity.get(name)]
        if names:
            pairs = [f"{name} was {stored.get(name)!r}, is {self._identity.get(name)!r}" for name in names]
            raise SettingsError(
                f"{self._path.parent} is of another run: {'; '.join(pairs)}; "
                "give the same settings and data, another --out, or --overwrite to start anew"
            )


def read_best_weights(folder: Path) -> dict[str, Tensor]:
    """Read the weights that a finished run chose.

    Args:
        folder: Where its checkpoint lies.

    Returns:
        Name -> weight, as the run's module names them; empty if there is no checkpoint, or no epoch has ended.

    Raises:
        TrainingError: If the file cannot be read.
    """
    path = folder / _FILE
    return dict(_read(path)["state"]["best_weights"]) if path.is_file() else {}


def read_identity(folder: Path) -> dict[str, Any]:
    """Read which settings and data the checkpoint of a run is of, name -> plain value; empty if there is none.

    Raises:
        TrainingError: If the file cannot be read.
    """
    path = folder / _FILE
    return dict(_read(path)["identity"]) if path.is_file() else {}


def _save(content: Mapping[str, Any], file: IO[bytes]) -> None:
    """Write tensors; torch hides the error of a full disk behind one of its own."""
    try:
        torch.save(content, file)
    except RuntimeError as error:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, OSError):
            cause = cause.__cause__ or cause.__context__
        raise cause or error from error


def _read(path: Path) -> dict[str, Any]:
    cure = "train again with --overwrite"
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        version = content["format_version"]
    except Exception as error:
        raise TrainingError(f"{path} is damaged, or no checkpoint; {cure}") from error
    if version != _FORMAT_VERSION:
        raise TrainingError(f"{path} has format {version}, this version reads {_FORMAT_VERSION}; {cure}")
    return content


class NoCheckpoints(Checkpointer):
    """Keeps nothing: for trainings of a second or two that are made again when they are cut short."""

    def __init__(self) -> None:
        super().__init__(Path(), {}, every_s=0, is_writer=False)

    def restore(self, module: nn.Module, optimizer: Optimizer) -> TrainState:  # noqa: ARG002  nothing is read
        """Start from the beginning."""
        return TrainState()
