"""Suspected labels as a file that a person goes through: one row each, with file and line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from textwright.core.labels import Task
from textwright.data.sources import data_format
from textwright.data.writers import open_output
from textwright.review.label_errors import LabelErrors, LabelIssue


def write_suspects(errors: LabelErrors, path: Path) -> None:
    """Write every suspected label, the surest first; the file appears when it is complete.

    Args:
        errors: What was found.
        path: Its ending decides the format: CSV, TSV, JSON lines or Parquet. Of a multi-label task labels are lists.

    Raises:
        DataError: If the ending is not known or the file cannot be written.
    """
    is_multi = errors.task == Task.MULTI_LABEL
    kind: type = list if is_multi else str
    types = {"file": str, "text": str, "label": kind, "suggested_label": kind, "neighbors": str}
    with open_output(path, data_format(path), types) as write:
        for issue in errors.issues:
            write(_record(issue, is_multi=is_multi))


def _record(issue: LabelIssue, *, is_multi: bool) -> dict[str, object]:
    def shown(labels: Sequence[str]) -> Any:  # noqa: ANN401  a name, or a list of them
        return list(labels) if is_multi else labels[0]

    return {
        "file": issue.file,
        "line": issue.line,
        "text": issue.text,
        "label": shown(issue.labels),
        "suggested_label": shown(issue.suggested),
        "probability": issue.probability,
        "suggested_probability": issue.suggested_probability,
        "neighbors": "; ".join(f"{item.place}: {', '.join(item.labels)}" for item in issue.neighbors),
    }
