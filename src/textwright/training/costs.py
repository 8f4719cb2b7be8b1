"""Cost matrices: what it costs to predict one label where another is true, read from a small file."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from textwright.config import read_toml
from textwright.core.labels import Labels, Task
from textwright.errors import DataError, NotFoundError, SettingsError
from textwright.training.settings import Maximize, TrainSettings

Costs: TypeAlias = dict[str, dict[str, float]]
"""True label -> predicted label -> cost."""


def read_costs(settings: TrainSettings, labels: Labels) -> Costs:
    """Read the cost matrix that settings name.

    Args:
        settings: Name its file: CSV with a row for each true label and a column for each predicted one, or TOML or JSON
            with a table for each true label, in which a mistake that is not named costs 1 and a right answer 0.
        labels: The labels that it must be of.

    Returns:
        A cost >= 0 for each pair of labels, in their order; nothing if no file is named.

    Raises:
        NotFoundError: If there is no such file.
        DataError: If it is not of its form, names another label, or holds anything but numbers of 0 or more.
        SettingsError: If the task is multi-label, or the settings choose thresholds or let the model abstain too.
    """
    if not settings.costs:
        return {}
    path = Path(settings.costs)
    _refuse_other_decisions(settings, labels)
    content = _from_csv(path, labels) if path.suffix == ".csv" else _from_tables(path)
    named = (*content, *(name for row in content.values() for name in row))
    unknown = [name for name in named if name not in labels.index]
    if unknown:
        raise DataError(f"{path}: {unknown[0]!r} is no label; the labels are {', '.join(labels.names)}")
    pairs = {
        true: {name: content.get(true, {}).get(name, float(name != true)) for name in labels.names}
        for true in labels.names
    }
    for true, row in pairs.items():
        for name, value in row.items():
            row[name] = _checked(value, f"{path}: the cost of {name!r} where {true!r} is true")
    return pairs


def _refuse_other_decisions(settings: TrainSettings, labels: Labels) -> None:
    if labels.task is Task.MULTI_LABEL:
        raise SettingsError(
            "costs are given, but the task is multi-label; costs are of tasks with exactly one label: leave --costs "
            "out, and see --precision-at-least"
        )
    if settings.maximize is not Maximize.NONE or settings.precision_at_least or settings.max_error_rate:
        raise SettingsError(
            "costs are given, and a threshold or a confidence is chosen too; the label is decided by one of them: "
            "leave out --costs, or --maximize, --precision-at-least and --max-error-rate"
        )


def _from_csv(path: Path, labels: Labels) -> dict[str, dict[str, Any]]:
    try:
        header, *rows = [row for row in csv.reader(_text(path).splitlines(), strict=True) if row]
    except (csv.Error, ValueError) as error:
        raise DataError(f"{path}: no table of costs: {error}") from error
    names = header[1:]
    if sorted(names) != sorted(labels.names) or sorted(row[0] for row in rows) != sorted(labels.names):
        raise DataError(
            f"{path}: a cost matrix has a column for each predicted label behind the first one, and a row for each "
            f"true label; the labels are {', '.join(labels.names)}"
        )
    for row in rows:
        if len(row) != len(header):
            raise DataError(f"{path}: the row of {row[0]!r} has {len(row)} cells, but the first line {len(header)}")
    return {row[0]: dict(zip(names, row[1:], strict=True)) for row in rows}


def _from_tables(path: Path) -> Mapping[str, Mapping[str, Any]]:
    content = read_toml(path) if path.suffix == ".toml" else _json(path)
    if not isinstance(content, dict) or not all(isinstance(row, dict) for row in content.values()):
        raise DataError(f"{path}: costs are a table for each true label, with the cost of each predicted one")
    return content


def _json(path: Path) -> Any:  # noqa: ANN401  any JSON value
    try:
        return json.loads(_text(path))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: not JSON: {error}; costs are a file .csv, .toml or .json") from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, IsADirectoryError) as error:
        raise NotFoundError(f"there is no file of costs {path}; give --costs a .csv, .toml or .json") from error


def _checked(value: object, what: str) -> float:
    try:
        cost = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        cost = math.nan
    if not (math.isfinite(cost) and cost >= 0) or isinstance(value, bool):
        raise DataError(f"{what} is {value!r}; it must be a number of 0 or more")
    return cost
