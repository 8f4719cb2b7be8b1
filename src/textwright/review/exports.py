"""What leaves a review as a file that others open.

The texts, with the decisions so far, in the forms that Label Studio and Argilla import; suspected labels as a table
that a person goes through, one row each.

Source:
    Label Studio, "Import pre-annotated data"; Argilla 2, "rg.Dataset.records" (flat records with a mapping).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from textwright.core.files import open_binary
from textwright.core.labels import Task
from textwright.data.sources import data_format
from textwright.data.writers import open_output
from textwright.review.decisions import DecisionFile
from textwright.review.label_errors import LabelErrors, LabelIssue
from textwright.review.queue import ReviewItem, ReviewQueue

AGENT: Final = "textwright"


class ExportFormat(StrEnum):
    """Programs that take the texts of a review."""

    LABEL_STUDIO = "label-studio"
    ARGILLA = "argilla"


def export(queue: ReviewQueue, decisions: DecisionFile, form: ExportFormat, path: Path) -> int:
    """Write every text of a queue, with what was decided so far; the file appears when it is complete.

    Args:
        queue: The texts.
        decisions: What was decided.
        form: For which program: one JSON list for Label Studio, JSON lines for Argilla.
        path: The file.

    Returns:
        Texts written.

    Raises:
        DataError: If it cannot be written.
    """
    if form is ExportFormat.LABEL_STUDIO:
        content = json.dumps(list(label_studio_tasks(queue, decisions)), ensure_ascii=False, indent=1) + "\n"
    else:
        content = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in argilla_records(queue, decisions))
    with open_binary(path) as file:
        file.write(content.encode("utf-8", "replace"))
    return len(queue.items)


def label_studio_tasks(queue: ReviewQueue, decisions: DecisionFile) -> Iterator[Mapping[str, Any]]:
    """Make tasks for a project with ``<Choices name="label" toName="text">`` and ``<Text name="text" value="$text">``.

    Args:
        queue: The texts.
        decisions: What was decided; it becomes an annotation.

    Yields:
        One task per text; the suggestion is its prediction.
    """
    for item in queue.items:
        decided = decisions.labels_of(item.key)
        yield {
            "data": {"text": item.text, "file": item.file, "line": item.line, "reason": item.reason},
            "predictions": [
                {"model_version": AGENT, "score": _score(item), "result": [_choices(item.suggested, queue.task)]}
            ],
            "annotations": [] if decided is None else [{"result": [_choices(decided, queue.task)]}],
        }


def argilla_records(queue: ReviewQueue, decisions: DecisionFile) -> Iterator[Mapping[str, Any]]:
    """Make flat records for a dataset with the field "text" and the question "label".

    The mapping with which Argilla reads them stands in docs/operations/feedback-and-review.md.

    Args:
        queue: The texts.
        decisions: What was decided; it becomes the response.

    Yields:
        One record per text; ``answer`` is there only where it was decided.
    """
    for number, item in enumerate(queue.items):
        decided = decisions.labels_of(item.key)
        record: dict[str, Any] = {
            "id": f"{item.file}:{item.line}:{number}",
            "text": item.text,
            "suggested": _value(item.suggested, queue.task),
            "score": _score(item),
            "agent": AGENT,
        }
        yield record if decided is None else {**record, "answer": _value(decided, queue.task)}


def _choices(labels: tuple[str, ...], task: Task) -> dict[str, Any]:
    choice = "single" if task is Task.SINGLE_LABEL else "multiple"
    value = {"choices": list(labels)}
    return {"from_name": "label", "to_name": "text", "type": "choices", "value": value, "choice": choice}


def _value(labels: tuple[str, ...], task: Task) -> str | list[str] | None:
    if task is Task.MULTI_LABEL:
        return list(labels)
    return labels[0] if labels else None


def _score(item: ReviewItem) -> float:
    """The probability of what is suggested: of the least probable of its labels; 0 where none is known."""
    known = [item.probabilities[name] for name in item.suggested if name in item.probabilities]
    return round(float(min(known)), 4) if known else 0.0


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
            write(_suspect_record(issue, is_multi=is_multi))


def _suspect_record(issue: LabelIssue, *, is_multi: bool) -> dict[str, object]:
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
