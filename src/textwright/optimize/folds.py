"""Cross-validated gates: a model's training repeated without each fold, so that its training texts count as unseen.

::

    training texts    in K folds; a model of the same settings is trained without fold k and tried on its texts
    validation texts  choose epoch and temperature of each model, as they did for the artifact itself

On a text that a model was trained on it is too sure for rounding to change the answer, so such texts prove nothing. The
artifact's training is therefore repeated K times; what changes the answers of those models changes the artifact's.

Source:
    Stone, 1974, "Cross-Validatory Choice and Assessment of Statistical Predictions".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from textwright.core.artifact import Manifest
from textwright.core.callbacks import Callback
from textwright.core.labels import Labels, Task
from textwright.core.types import Ints
from textwright.data.dataset import Dataset, Examples
from textwright.data.duplicates import find_duplicates
from textwright.data.load import fingerprint
from textwright.data.splits import draw_folds, rarest_label
from textwright.errors import SettingsError
from textwright.evaluate.eval_split import stored_settings
from textwright.models import FAMILIES
from textwright.pipeline import BuildPlan, build_artifact
from textwright.runtime.loading import load
from textwright.runtime.predictor import Predictor
from textwright.training.run import resolve_stored

DEFAULT_FOLDS: Final = 5
_NEVER_HELD_OUT: Final = -1
_LEAST_PER_FOLD: Final = 10
"""Training texts."""


@dataclass(frozen=True, slots=True)
class FoldModel:
    """A model trained without one fold.

    Args:
        predictor: Its fp32 graph.
        held_out: The fold's texts, which it has not seen.
        calibration: The texts that it was trained on.
    """

    predictor: Predictor
    held_out: Examples
    calibration: Examples


def plan_folds(
    manifests: Sequence[Manifest], source: str, num_validation: int, num_needed: int, requested: int | None
) -> tuple[int, str]:
    """Decide on how many folds the models' training is repeated.

    Args:
        manifests: Of the models, one or more.
        source: The labeled source.
        num_validation: Validation texts.
        num_needed: Gate texts from which on the validation texts are enough.
        requested: What the user has set; None decides by itself.

    Returns:
        The number of folds, 0 for none; and why there are none although there are few texts, empty if that is not so.

    Raises:
        SettingsError: If folds are set and cannot be had; says why.
    """
    if requested == 0 or (requested is None and num_validation >= num_needed):
        return 0, ""
    num_folds = requested or DEFAULT_FOLDS
    reasons = [_obstacle(manifest, source, num_folds) for manifest in manifests]
    if len({(data.subset_size, data.subset_seed) for data in map(stored_settings, manifests)}) > 1:
        reasons.append("the models were trained on different subsets of the source")
    if requested is None:
        reasons += [_cost(manifest.family, num_folds) for manifest in manifests]
    reason = next(filter(None, reasons), "")
    if reason and requested is not None:
        raise SettingsError(f"--gate-folds {requested}: {reason}; leave it out")
    return (0, reason) if reason else (num_folds, "")


def _obstacle(manifest: Manifest, source: str, num_folds: int) -> str:
    """Say why a model's training cannot be repeated; empty if it can."""
    training = manifest.training
    if not training.get("settings"):
        return "the artifact does not say how it was trained"
    if "distillation" in training or "vocabulary" in training:
        return "the artifact was distilled or pruned, and that is not repeated"
    if source != manifest.data.get("source"):
        return "the source is not the one that the artifact was trained on"
    num_training = manifest.data.get("num_examples", {}).get("train", 0)
    if num_training < _LEAST_PER_FOLD * num_folds:
        return f"{num_training:,} training texts are too few for {num_folds} folds"
    return ""


def _cost(family: str, num_folds: int) -> str:
    """Say why a training is not repeated by default: seconds for word models, up to hours for an encoder."""
    if family in FAMILIES and not FAMILIES[family].supports_bf16:
        return ""
    return f"training {family} {num_folds} times can take long; --gate-folds {num_folds} does it"


def train_folds(
    manifest: Manifest,
    train: Examples,
    validation: Examples,
    num_folds: int,
    folder: Path,
    callback: Callback,
) -> list[FoldModel]:
    """Repeat a model's training without each fold; what a stopped call has trained is used again.

    Args:
        manifest: Of the model.
        train: What it was trained on.
        validation: What chose its epoch and temperature.
        num_folds: Folds, >= 2.
        folder: Where the models are kept.
        callback: Told of each fold before a model is trained without it.

    Returns:
        A model for each fold. Every training text is held out once, but for those of a label with fewer distinct texts
        than folds, which all models learn from.

    Raises:
        DataError: If a model cannot be trained without its fold.
        SettingsError: If ``folder`` holds something else.
        TrainingError: If a loss is not finite.
    """
    fold_of = assign_folds(train, manifest.labels, num_folds, stored_settings(manifest).split_seed)
    models = []
    for fold in range(num_folds):
        is_held_out = fold_of == fold
        if not is_held_out.any():
            continue
        callback.on_stage_begin(
            f"few validation texts: training {manifest.family} without fold {fold + 1} of {num_folds}, to predict it"
        )
        held_out = train.take(np.flatnonzero(is_held_out))
        training = train.take(np.flatnonzero(~is_held_out))
        path = _trained(manifest, training, validation, held_out, folder, fold)
        models.append(FoldModel(load(path, num_threads=1), held_out, training))
    return models


def assign_folds(examples: Examples, labels: Labels, num_folds: int, seed: int) -> Ints:
    """Say in which fold each example is held out, near duplicates in one; equal examples give equal folds.

    Args:
        examples: N training examples.
        labels: Their labels.
        num_folds: Folds, >= 2.
        seed: Of the draw.

    Returns:
        Fold of each example, (N,), in [0, num_folds), or -1 for one that is never held out: its label has too few.
    """
    single = labels.task is Task.SINGLE_LABEL
    strata = np.asarray(examples.targets, dtype=np.int64) if single else rarest_label(examples.targets)
    groups = find_duplicates(examples.texts).near
    folds = draw_folds(strata, groups, num_folds, seed)
    units = np.unique(groups)
    num_distinct = np.bincount(strata[units], minlength=int(strata.max()) + 1)
    folds[num_distinct[strata] < num_folds] = _NEVER_HELD_OUT
    return folds


def _trained(
    manifest: Manifest, training: Examples, validation: Examples, held_out: Examples, folder: Path, fold: int
) -> Path:
    parts: Sequence[Examples] = (training, validation, held_out)
    prints = [fingerprint(part.texts, part.targets, manifest.labels) for part in parts]
    identity = hashlib.sha256(json.dumps([prints, manifest.training], default=str).encode()).hexdigest()
    dataset = Dataset(
        source=str(manifest.data["source"]),
        labels=manifest.labels,
        train=training,
        validation=validation,
        test=held_out,
        fingerprint=identity,
        splits_are_given=False,
    )
    training_settings, model_settings = resolve_stored(
        manifest.training["settings"], manifest.training["model"], source="the artifact's manifest, training.settings"
    )
    plan = BuildPlan(
        dataset.source,
        stored_settings(manifest),
        training_settings.model_copy(
            update={"max_error_rate": 0.0, "costs": ""}
        ),  # few texts, and each is answered here
        model_settings.model_dump(mode="json"),
        f"{manifest.name}-fold-{fold + 1}",
    )
    path = folder / f"{identity[:12]}-fold-{fold + 1}"
    build_artifact(plan, path, dataset=dataset)
    return path


def gate_texts_in_words(num_validation: int, num_out_of_fold: int, num_folds: int, reason: str) -> str:
    """Say which texts decide.

    Args:
        num_validation: Validation texts, answered by the artifact itself.
        num_out_of_fold: Training texts, each answered by a model that was trained without it.
        num_folds: Number of those models.
        reason: Why there are no folds although there are few texts; empty if that is not so.
    """
    own = f"{num_validation:,} validation texts"
    if num_folds:
        return f"{own}, and {num_out_of_fold:,} training texts by {num_folds}-fold cross-validation"
    return f"{own}; no cross-validation: {reason}" if reason else own
