"""The two models of a cascade: do they belong together, and what does each say of the texts?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from textwright.core import artifact as artifacts
from textwright.core.artifact import Artifact, Manifest
from textwright.core.json_diff import first_difference
from textwright.core.labels import Task
from textwright.errors import SettingsError
from textwright.runtime.loading import load
from textwright.runtime.predictor import Predictor

NUM_THREADS: Final = 1
"""Of every measured inference: a server runs one inference per core."""
_CUTTING: Final = ("split_column", "validation_fraction", "test_fraction", "split_seed", "num_folds", "fold")
"""Settings that decide which row is held out."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two loaded models.

    Args:
        fast: What reads every text.
        strong: What takes the rest.
    """

    fast: Predictor
    strong: Predictor

    @property
    def variant(self) -> str:
        """What the pair of graphs is called."""
        return f"{self.fast.variant}+{self.strong.variant}"

    @property
    def instruction_set(self) -> str:
        """That on which the graphs passed their gates; empty if they answer alike everywhere."""
        bound = (item.artifact.manifest.variant(item.variant).instruction_set for item in (self.strong, self.fast))
        return next(filter(None, bound), "")

    @property
    def reference(self) -> Pair:
        """The pair of the graphs that every machine reproduces."""
        return Pair(*(_load(item.artifact, item.artifact.manifest.reference_variant) for item in self))

    @property
    def stages(self) -> dict[str, Predictor]:
        """Stage -> its model."""
        return {"fast": self.fast, "strong": self.strong}

    def __iter__(self) -> Iterator[Predictor]:
        return iter((self.fast, self.strong))


def open_pair(fast: Path, strong: Path, fast_variant: str | None, strong_variant: str | None) -> Pair:
    """Load two artifacts.

    Args:
        fast: The artifact that reads every text.
        strong: The one that takes the rest.
        fast_variant: Its graph; None takes the default.
        strong_variant: Its graph; None takes the default.

    Returns:
        Both, verified.

    Raises:
        ArtifactError: If one cannot be trusted.
        NotFoundError: If there is no such artifact or variant.
        SettingsError: If they do not belong together; says how they differ.
    """
    pair = artifacts.read(fast), artifacts.read(strong)
    check_compatible(*pair)
    return Pair(_load(pair[0], fast_variant), _load(pair[1], strong_variant))


def check_compatible(fast: Artifact, strong: Artifact) -> None:
    """Refuse artifacts whose answers cannot stand in for each other, or that do not hold the same texts out.

    Args:
        fast: What would read every text.
        strong: What would take the rest.

    Raises:
        SettingsError: Says how they differ, and the cure.
    """
    for item in (fast, strong):
        if item.stages:
            raise SettingsError(f"{item.path} is a cascade already; a cascade is made of two models of one stage")
    ours, theirs = fast.manifest, strong.manifest
    if ours.labels != theirs.labels:
        other = first_difference(_labels(theirs), _labels(ours)) or ""
        raise SettingsError(
            f"the models have other labels: {_of_both(other)}; train both on the same source with the same labels"
        )
    _refuse_other_decisions(fast, strong)
    for item in (fast, strong):
        if not item.manifest.data.get("fingerprint"):
            raise SettingsError(f"{item.path} does not say what it was trained on, so nothing is known to be held out")
    if difference := first_difference(_cut(theirs), _cut(ours)):
        raise SettingsError(
            f"the models were not trained on the same split: {_of_both(difference)}. What one holds out, the other may "
            "have learned by heart; train both on the same source with the same settings of data"
        )


def _refuse_other_decisions(fast: Artifact, strong: Artifact) -> None:
    """Refuse models that decide by other rules, or by one that says nothing of the answers of a cascade."""
    ours, theirs = fast.manifest, strong.manifest
    if ours.labels.task is Task.MULTI_LABEL and ours.threshold != theirs.threshold:
        raise SettingsError(
            f"a label holds from {ours.threshold:g} on in {fast.path}, and from {theirs.threshold:g} on in "
            f"{strong.path}; a cascade has one threshold, so make them equal"
        )
    if dict(ours.thresholds) != dict(theirs.thresholds):
        raise SettingsError(
            f"{fast.path} has the thresholds {dict(ours.thresholds) or 'of no label'}, and {strong.path} "
            f"{dict(theirs.thresholds) or 'of no label'}; a cascade has one threshold for a label, so train both "
            "without --maximize and --precision-at-least"
        )
    if ours.costs != theirs.costs:
        raise SettingsError(
            f"{fast.path} and {strong.path} decide by other costs; a cascade has one cost matrix, so train both with it"
        )
    for item in (fast, strong):
        if item.manifest.min_confidence:
            raise SettingsError(
                f"{item.path} abstains below a confidence of {item.manifest.min_confidence:.4f}, which says nothing of "
                "the answers of a cascade; train it without --max-error-rate"
            )
        if item.manifest.out_of_distribution:
            raise SettingsError(
                f"{item.path} abstains out of distribution, and its stage alone would do so in a cascade; train it "
                "without --ood-rate"
            )


def _load(artifact: Artifact, variant: str | None) -> Predictor:
    return load(artifact.path, variant=variant, num_threads=NUM_THREADS)


def _labels(manifest: Manifest) -> Mapping[str, Any]:
    return {"task": manifest.labels.task.value, "labels": list(manifest.labels.names)}


def _cut(manifest: Manifest) -> Mapping[str, Any]:
    settings = manifest.data.get("settings", {})
    return {"fingerprint": manifest.data["fingerprint"], **{name: settings.get(name) for name in _CUTTING}}


def _of_both(difference: str) -> str:
    """Turn "x was A, now B" into words about two models."""
    return difference.replace(" was ", " is ", 1).replace(", now ", " of the strong model, and of the fast one ", 1)
