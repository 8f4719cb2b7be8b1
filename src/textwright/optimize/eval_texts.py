"""The texts of an optimization: some to find ranges on, some for the gates, and the test texts for the report alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from textwright.core.artifact import Manifest
from textwright.data.dataset import Examples
from textwright.data.in_memory import DataSource
from textwright.data.load import load_examples
from textwright.data.settings import DataSettings
from textwright.errors import DataError
from textwright.evaluate.eval_split import select
from textwright.evaluate.paired_drop import num_texts_for, smallest_bound
from textwright.optimize.settings import OptimizeSettings

_LEAST_TEXTS: Final = 10
"""Of a gate: fewer cannot exclude that a quarter of the answers becomes wrong."""


@dataclass(frozen=True, slots=True)
class Texts:
    """Three parts of one source.

    Args:
        calibration: Training texts, to find ranges on.
        gate: Texts that the weights were not fitted on, for the gates: the validation split.
        test: Read once, at the end, for the report.
    """

    calibration: Examples
    gate: Examples
    test: Examples


def read_texts(source: DataSource, data: DataSettings, manifest: Manifest) -> Texts:
    """Read a source and cut it as the model's training did, or, if it is another one, as the settings say.

    On texts that a model was trained on it is so sure that no quantizer changes an answer; so the gates use the
    validation split, on which training chose an epoch and a temperature, but no weight.

    Args:
        source: A built-in name, a file, a folder or a hub id; or rows in memory.
        data: What the user set explicitly.
        manifest: Of the model; its labels are the only ones allowed.

    Returns:
        The three parts.

    Raises:
        NotFoundError: If there is no such source.
        DataError: If it cannot be used, or holds a label that the model does not know.
        SettingsError: If a flag would cut the training data in another way.
    """
    if str(source) == manifest.data.get("source"):
        return Texts(
            calibration=select(source, data, manifest, "train").examples,
            gate=select(source, data, manifest, "validation").examples,
            test=select(source, data, manifest, "test").examples,
        )
    parts = (load_examples(source, data, manifest.labels, split=name) for name in ("train", "validation", "test"))
    return Texts(*parts)


def num_texts_needed(settings: OptimizeSettings) -> int:
    """Count the gate texts that can exclude more than the bounds allow, if no answer changes on any."""
    return max(num_texts_for(settings.max_drop / 100), num_texts_for(1 - settings.agreement / 100))


def check_enough_texts(num_texts: int, gate_texts: str) -> None:
    """Refuse a gate of so few texts that passing it says nothing.

    Args:
        num_texts: Texts of the gate.
        gate_texts: Which these are, in words.

    Raises:
        DataError: Says what they could show at best.
    """
    if num_texts < _LEAST_TEXTS:
        raise DataError(
            f"the gates need at least {_LEAST_TEXTS} texts, and there are {gate_texts}; these could not exclude a "
            f"loss of {100 * smallest_bound(num_texts):.0f} points even if no answer changed, so give a source "
            "with more texts"
        )
