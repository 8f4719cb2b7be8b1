"""What a run leaves for TensorBoard: curves, texts with predictions, word vectors, settings with their result."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from textwright.core.callbacks import Callback, EpochRecord
from textwright.core.labels import Labels, Task
from textwright.core.numerics import activate
from textwright.core.types import Bools, Float32s
from textwright.data.dataset import Examples

_NUM_SAMPLES: Final = 16
_MAX_SAMPLE_CHARACTERS: Final = 300
_MAX_PROJECTED_WORDS: Final = 5_000
"""The projector draws more than this slowly, and the most frequent words come first."""

_VECTORS: Final = "word_vectors"
_MARKDOWN: Final = re.compile(r"[\\`*_{}\[\]<>#|~]")
"""Characters of a text that Markdown would take for its own."""


class TensorBoard(Callback):
    """Writes a training run as TensorBoard events; used as a context.

    Args:
        folder: Where the events go. Those of a run that is resumed are kept, those of an earlier one removed.
        labels: Label names.
        validation: Examples of which a few, evenly spread, are shown with their predictions after each epoch.
    """

    def __init__(self, folder: Path, labels: Labels, validation: Examples) -> None:
        self._folder = folder
        self._labels = labels
        num_samples = min(_NUM_SAMPLES, len(validation))  # spread, since many a source is sorted by label
        self._positions = np.linspace(0, len(validation) - 1, num_samples).round().astype(np.int64)
        self._samples = validation.take(self._positions)

    def __enter__(self) -> Self:
        """Return itself; the events are opened when training starts."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the events."""
        if hasattr(self, "_writer"):
            self._writer.close()

    def on_train_begin(self, num_steps: int, step: int) -> None:  # noqa: ARG002  the form of Callback
        """Open the events; TensorBoard hides what a killed run wrote after the checkpoint that is resumed."""
        if hasattr(self, "_writer"):  # a search that goes on with further candidates
            return
        if step == 0:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._writer = SummaryWriter(str(self._folder), purge_step=step + 1 if step else None)

    def on_step_end(self, step: int, loss: float, learning_rate: float) -> None:
        """Write the loss and the learning rate of a step."""
        self._writer.add_scalar("train/loss", loss, step)
        self._writer.add_scalar("train/learning_rate", learning_rate, step)

    def on_epoch_end(self, record: EpochRecord, logits: Float32s) -> None:
        """Write the validation result and the predictions of a few texts."""
        self._writer.add_scalar("train/epoch_loss", record.train_loss, record.step)
        self._writer.add_scalar("validation/loss", record.validation_loss, record.step)
        self._writer.add_scalar(f"validation/{record.metric_key}", record.validation_accuracy, record.step)
        probabilities = activate(logits[self._positions], self._labels.task)
        self._writer.add_text("validation/samples", _listing(self._samples, probabilities, self._labels), record.step)

    def close_run(self, settings: Mapping[str, Any], best: EpochRecord, words: list[str], vectors: Tensor) -> None:
        """Write the settings with the result of the best epoch, and the word vectors for the projector.

        Args:
            settings: Setting name -> value.
            best: The epoch whose weights were kept.
            words: The vocabulary in the order of its ids, (V,).
            vectors: Their vectors, (V, E).
        """
        plain = {name: value if isinstance(value, int | float) else str(value) for name, value in settings.items()}
        metrics = {f"best/{best.metric_key}": best.validation_accuracy, "best/loss": best.validation_loss}
        self._writer.add_hparams(plain, metrics, run_name=".", global_step=best.step)
        metadata = [repr(word)[1:-1] for word in words[:_MAX_PROJECTED_WORDS]]  # no tab or line break in a cell
        for earlier in self._folder.glob(f"*/{_VECTORS}"):  # a finished run was read again
            shutil.rmtree(earlier)
        self._writer.add_embedding(vectors[: len(metadata)].detach().cpu(), metadata, tag=_VECTORS)


def _listing(examples: Examples, probabilities: Float32s, labels: Labels) -> str:
    """List examples behind their predictions in Markdown; TensorBoard makes the columns of a table too narrow."""
    truth, predicted = examples.targets, probabilities >= 0.5
    if labels.task is Task.SINGLE_LABEL:
        columns = np.arange(len(labels))
        truth, predicted = columns == truth[:, None], columns == probabilities.argmax(axis=1)[:, None]
    lines = []
    for text, true, chosen, row in zip(examples.texts, truth, predicted, probabilities, strict=True):
        verdict = "right" if (true == chosen).all() else f"wrong, is {_names(labels, true)}"
        shown = _MARKDOWN.sub(r"\\\g<0>", " ".join(text[:_MAX_SAMPLE_CHARACTERS].split()))
        lines.append(f"- **{_names(labels, chosen)}** {row.max():.2f} ({verdict}): {shown}")
    return "\n".join(lines)


def _names(labels: Labels, holds: Bools) -> str:
    return ", ".join(name for name, is_held in zip(labels.names, holds, strict=True) if is_held) or "(none)"
