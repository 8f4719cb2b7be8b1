"""Predictions as columns of a table, named and rounded one way; called by ``predict --input`` and by ``score``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import numpy as np

from textwright.core.labels import Task
from textwright.core.types import Float32s
from textwright.errors import SettingsError
from textwright.runtime.predictor import Predictor, TextPrediction

_DIGITS: Final = 6
"""Of a probability."""

Columns: TypeAlias = dict[str, list[Any]]
"""Name -> the values of N rows."""


def prediction_types(predictor: Predictor, top_k: int | None = None) -> dict[str, type]:
    """Name the columns that a prediction adds, with their types.

    Args:
        predictor: Its task, labels and stages decide.
        top_k: Labels whose probabilities are given, the most probable first; None gives those of all labels.

    Returns:
        ``predicted_label`` (or ``predicted_labels``, a list), ``confidence``, ``truncated``, ``stage`` if the model has
        several, and one ``probability_<label>`` per label; with ``top_k`` in their place ``top_1_label``,
        ``top_1_probability``, ``top_2_label`` and so on.

    Raises:
        SettingsError: If the model has fewer labels than ``top_k``.
    """
    num_labels = len(predictor.labels)
    if top_k is not None and top_k > num_labels:
        raise SettingsError(f"top_k is {top_k}, and the model has {num_labels} labels; give {num_labels} or fewer")
    is_single = predictor.labels.task is Task.SINGLE_LABEL
    chosen, kind = ("predicted_label", str) if is_single else ("predicted_labels", list)
    stage = {"stage": str} if predictor.stage_names else {}
    if top_k is None:
        probabilities: dict[str, type] = {f"probability_{name}": float for name in predictor.labels.names}
    else:
        probabilities = {}
        for rank in range(1, top_k + 1):
            probabilities |= {f"top_{rank}_label": str, f"top_{rank}_probability": float}
    return {chosen: kind, "confidence": float, "truncated": bool, **stage, **probabilities}


def predict_columns(predictor: Predictor, texts: Sequence[str], top_k: int | None = None) -> Columns:
    """Predict texts into columns.

    Args:
        predictor: The model.
        texts: N texts.
        top_k: As for :func:`prediction_types`.

    Returns:
        The columns of :func:`prediction_types`, each of N values.

    Raises:
        TextError, BackendError: As :meth:`Predictor.predict` does.
    """
    scores = predictor.score(texts)
    predictions, probabilities = scores.predictions, predictor.probabilities(scores.logits)
    columns = {
        "confidence": np.round([item.confidence for item in predictions], _DIGITS).tolist(),
        "truncated": [item.truncated for item in predictions],
        **_chosen(predictor, predictions),
        **({"stage": [item.stage for item in predictions]} if predictor.stage_names else {}),
        **_probabilities(predictor, probabilities, top_k),
    }
    return {name: columns[name] for name in prediction_types(predictor, top_k)}


def _chosen(predictor: Predictor, predictions: Sequence[TextPrediction]) -> Columns:
    if predictor.labels.task is Task.SINGLE_LABEL:
        return {"predicted_label": [item.label for item in predictions]}
    return {"predicted_labels": [list(item.labels) for item in predictions]}


def _probabilities(predictor: Predictor, probabilities: Float32s, top_k: int | None) -> Columns:
    rounded = np.round(probabilities.astype(np.float64), _DIGITS)  # (N, K)
    names = predictor.labels.names
    if top_k is None:
        return {f"probability_{name}": rounded[:, index].tolist() for index, name in enumerate(names)}
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :top_k]  # (N, top_k)
    highest = np.take_along_axis(rounded, order, axis=1)  # (N, top_k)
    columns: Columns = {}
    for rank in range(top_k):
        columns[f"top_{rank + 1}_label"] = [names[index] for index in order[:, rank].tolist()]
        columns[f"top_{rank + 1}_probability"] = highest[:, rank].tolist()
    return columns
