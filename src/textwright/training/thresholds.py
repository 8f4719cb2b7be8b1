"""Thresholds of labels, chosen on the validation split after the temperature: by F1, or for a wanted precision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from textwright.core.labels import Labels, Task
from textwright.core.metrics import one_column_each
from textwright.core.types import Bools, Float32s, Ints
from textwright.errors import DataError, SettingsError
from textwright.training.settings import Maximize, TrainSettings

_FEWEST_POSITIVES: Final = 5
"""Texts with a label of a multi-label task from which on it gets a threshold."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """From which probability on a label is predicted, and what that comes to on the validation split.

    Args:
        threshold: In [0, 1].
        precision: Share of the texts predicted to have the label that have it.
        recall: Share of the texts with the label that are predicted to have it.
        f1: Their harmonic mean.
        num_predicted: Texts predicted to have it.
        num_positives: Texts that have it.
        is_reached: Whether the precision is as wanted; True if none was.
    """

    threshold: float
    precision: float
    recall: float
    f1: float
    num_predicted: int
    num_positives: int
    is_reached: bool


def fit_threshold(scores: Float32s, holds: Bools, precision_at_least: float = 0.0) -> Threshold:
    """Choose the threshold of one label.

    It lies halfway between two neighboring scores, since the scores themselves will not come again.

    Args:
        scores: Calibrated probability of the label, (N,).
        holds: Which texts have it, (N,), at least one.
        precision_at_least: In [0, 1]: the threshold with the highest recall among those of at least this precision; if
            there is none, the one with the highest precision. 0 takes the one with the highest F1.

    Returns:
        The threshold; of equals in F1, the one nearest to 0.5.
    """
    ranked, num_found = np.sort(scores)[::-1].astype(np.float64), np.cumsum(holds[np.argsort(-scores, kind="stable")])
    cuts = np.flatnonzero(np.append(ranked[:-1] > ranked[1:], True))  # (C,): the last text of each score
    below = np.append(ranked, 0.0)[cuts + 1]
    thresholds = np.where(cuts + 1 < len(ranked), (ranked[cuts] + below) / 2, 0.0)
    precision, recall = num_found[cuts] / (cuts + 1), num_found[cuts] / num_found[-1]
    f1 = 2 * num_found[cuts] / (cuts + 1 + num_found[-1])
    if precision_at_least == 0:
        keys = (-np.abs(thresholds - 0.5), f1)
    else:
        keys = (recall, np.minimum(precision, precision_at_least))
    best = int(np.lexsort(keys)[-1])
    return Threshold(
        threshold=float(thresholds[best]),
        precision=float(precision[best]),
        recall=float(recall[best]),
        f1=float(f1[best]),
        num_predicted=int(cuts[best]) + 1,
        num_positives=int(num_found[-1]),
        is_reached=bool(precision[best] >= precision_at_least),
    )


def refuse_impossible_aim(settings: TrainSettings, labels: Labels) -> None:
    """Refuse settings of thresholds that do not fit together or to the labels.

    Args:
        settings: Says what thresholds are chosen for.
        labels: The task.

    Raises:
        SettingsError: If two aims are given, or a positive label without an aim, or one that there is not, or in a
            multi-label task; or if exactly one of more than two labels holds.
    """
    names = ", ".join(labels.names)
    if settings.maximize is not Maximize.NONE and settings.precision_at_least:
        raise SettingsError(
            f"maximize is {settings.maximize.value!r} and precision_at_least is {settings.precision_at_least}; a "
            "threshold is chosen for one of the two: leave the other out"
        )
    if not _has_aim(settings):
        if settings.positive_label:
            raise SettingsError(
                f"positive_label is {settings.positive_label!r}, but no threshold is chosen; add --maximize f1 or "
                "--precision-at-least, or leave it out"
            )
        return
    if labels.task is Task.MULTI_LABEL:
        if settings.positive_label:
            raise SettingsError(
                f"positive_label is {settings.positive_label!r}, but each label of a multi-label task has a threshold "
                "of its own; leave it out"
            )
    elif len(labels) > 2:
        raise SettingsError(
            f"exactly one of {len(labels)} labels holds ({names}), and a threshold is for a task of two labels or a "
            "multi-label one; leave --maximize and --precision-at-least out, and see --class-weight balanced for rare "
            "labels"
        )
    elif settings.positive_label and settings.positive_label not in labels.names:
        raise SettingsError(f"positive_label is {settings.positive_label!r}; the labels are {names}")


def _has_aim(settings: TrainSettings) -> bool:
    return settings.maximize is not Maximize.NONE or settings.precision_at_least > 0


def choose_thresholds(
    probabilities: Float32s, targets: Ints | Bools, labels: Labels, settings: TrainSettings, train_targets: Ints | Bools
) -> dict[str, Threshold]:
    """Choose the thresholds that the settings ask for.

    Args:
        probabilities: Calibrated, of the validation split, (N, K).
        targets: Of the validation split, (N,) or (N, K).
        labels: The label names in the order of the columns, with the task.
        settings: Say what thresholds are chosen for.
        train_targets: Of the training split; they decide which of two labels is the rarer one.

    Returns:
        Label name -> threshold: none without an aim; of two labels the positive one; of a multi-label task all that
        five validation texts have: for fewer the best threshold is often one that gives the label to nearly every text.

    Raises:
        DataError: If no validation text has the positive label.
    """
    if not _has_aim(settings):
        return {}
    holds = one_column_each(targets, len(labels))
    columns = list(range(len(labels)))
    if labels.task is Task.SINGLE_LABEL:
        columns = [_positive(labels, settings, train_targets)]
        name = labels.names[columns[0]]
        if not holds[:, columns[0]].any():
            raise DataError(
                f"none of the {len(targets)} validation texts is labeled {name!r}, so no threshold can be chosen for "
                "it; give more texts with that label, a larger --validation-fraction, or another --positive-label"
            )
    least = 1 if labels.task is Task.SINGLE_LABEL else _FEWEST_POSITIVES
    return {
        labels.names[column]: fit_threshold(probabilities[:, column], holds[:, column], settings.precision_at_least)
        for column in columns
        if holds[:, column].sum() >= least
    }


def _positive(labels: Labels, settings: TrainSettings, train_targets: Ints | Bools) -> int:
    if settings.positive_label:
        return labels.index[settings.positive_label]
    counts = np.bincount(train_targets, minlength=2)
    return 0 if counts[0] < counts[1] else 1
