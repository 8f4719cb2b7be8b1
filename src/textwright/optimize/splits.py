"""The texts of an optimisation: some to find ranges on, some for the gates, and the test texts for the report alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from textwright.core.artifact import Manifest
from textwright.data.dataset import Examples
from textwright.data.load import load_examples
from textwright.data.settings import DataSettings
from textwright.errors import DataError
from textwright.evaluate.selection import select
from textwright.optimize.settings import OptimizeSettings

_CONFIDENCE: Final = 0.95


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


def read_texts(source: str, data: DataSettings, manifest: Manifest) -> Texts:
    """Read a source and cut it as the model's training did, or, if it is another one, as the settings say.

    On texts that a model was trained on it is so sure that no quantiser changes an answer; so the gates use the
    validation split, on which training chose an epoch and a temperature, but no weight.

    Args:
        source: A built-in name, a file, a folder or a hub id.
        data: What the user set explicitly.
        manifest: Of the model; its labels are the only ones allowed.

    Returns:
        The three parts.

    Raises:
        NotFoundError: If there is no such source.
        DataError: If it cannot be used, or holds a label that the model does not know.
        SettingsError: If a flag would cut the training data in another way.
    """
    if source == manifest.data.get("source"):
        return Texts(
            calibration=select(source, data, manifest, "train").examples,
            gate=select(source, data, manifest, "validation").examples,
            test=select(source, data, manifest, "test").examples,
        )
    parts = (load_examples(source, data, manifest.labels, split=name) for name in ("train", "validation", "test"))
    return Texts(*parts)


def refuse_too_few(num_gate: int, settings: OptimizeSettings) -> None:
    """Refuse gates that so few texts cannot prove.

    If n texts show no difference, the share of differences is, with 95 % confidence, below b for n >= log 0.05 /
    log(1 - b). Fewer texts could not prove the bound even by showing none.

    Args:
        num_gate: Texts of the gates.
        settings: The bounds.

    Raises:
        DataError: Says how many texts are needed, and which bounds these texts can prove.
    """
    needed = max(num_texts_for(settings.max_drop / 100), num_texts_for(1 - settings.agreement / 100))
    if num_gate < needed:
        provable = 100 * (1 - (1 - _CONFIDENCE) ** (1 / max(num_gate, 1)))
        raise DataError(
            f"the gates have {num_gate:,} texts, but --max-drop {settings.max_drop:g} and --agreement "
            f"{settings.agreement:g} need {needed:,}: fewer cannot prove them even if no answer changes; give a source "
            f"with more texts, a larger --validation-fraction if the model was not trained on it, or --max-drop "
            f"{_up(provable):g} --agreement {100 - _up(provable):g}"
        )


def num_texts_for(bound: float, confidence: float = _CONFIDENCE) -> int:
    """Count the texts without a difference that prove a share of differences below a bound.

    Args:
        bound: In (0, 1); 1 needs a single text.
        confidence: With which they prove it, in (0, 1).

    Source:
        Hanley & Lippman-Hand, 1983, "If Nothing Goes Wrong, Is Everything All Right?" (the rule of three).
    """
    return 1 if bound >= 1 else math.ceil(math.log(1 - confidence) / math.log1p(-bound))


def _up(percent: float) -> float:
    return math.ceil(10 * percent) / 10
