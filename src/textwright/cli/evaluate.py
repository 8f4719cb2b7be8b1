"""``textwright evaluate``: measure an artifact on labelled texts."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

from cyclopts import Parameter

from textwright.cli.render import DEFAULT_OUTPUT, Output, Terminal
from textwright.data.settings import DataSettings

if TYPE_CHECKING:
    from textwright.data.dataset import Examples
    from textwright.evaluate.evaluation import Evaluation, Mistake
    from textwright.runtime.predictor import Predictor

_DATA: Final = DataSettings()
_NUM_MISTAKES: Final = 5
_MAX_LABELS: Final = 30
_MAX_TEXT: Final = 80


def evaluate(
    artifact: Path,
    source: str,
    /,
    *,
    split: Literal["auto", "train", "validation", "test", "all"] = "auto",
    report: Path | None = None,
    variant: str | None = None,
    exclude_seen: bool = False,
    data: Annotated[DataSettings, Parameter(name="*", group="Data")] = _DATA,
    output: Annotated[Output, Parameter(name="*", group="Output")] = DEFAULT_OUTPUT,
) -> None:
    """Measure an artifact on labelled texts, exactly as it is served.

    Example: textwright evaluate runs/demo movie-reviews --report report.html

    Args:
        artifact: An artifact folder, or the run folder that holds it.
        source: A built-in name (movie-reviews), a file (.csv .tsv .jsonl .parquet), a folder or a hub id.
        split: Rows to measure; auto takes the held-out test split of the training data, the test split that another
            source brings, or else all its rows.
        report: HTML file to draw the evaluation into; it opens offline.
        variant: Graph to measure (fp32, int8); by default the artifact's first.
        exclude_seen: Leave out texts that the model was trained or validated on, known by their hashes in the run
            folder.
    """
    from textwright.evaluate.report import write_report
    from textwright.evaluate.selection import select, training_texts
    from textwright.runtime.predictor import load

    terminal = Terminal(output)
    predictor = load(artifact, variant=variant)
    seen = training_texts(predictor.artifact)
    manifest = predictor.artifact.manifest
    selection = select(source, data, manifest, split, seen=seen, exclude_seen=exclude_seen)
    terminal.note(f"measuring {selection.description}")
    evaluation = _measure(terminal, predictor, selection.examples, source, selection.split)
    rows = {
        "rows": selection.description,
        "num_trained": selection.num_trained,
        "num_validated": selection.num_validated,
        "num_excluded": selection.num_excluded,
    }
    terminal.result({**evaluation.to_json(), **rows}, lambda: _show(terminal, evaluation))
    if report is not None:
        write_report(evaluation, report)
        terminal.note(f"report: {report}")
    again = f"textwright evaluate {shlex.quote(str(artifact))} {shlex.quote(source)} --report report.html"
    terminal.next(f"textwright serve {shlex.quote(str(artifact))}" if report else again)


def _measure(terminal: Terminal, predictor: Predictor, examples: Examples, source: str, split: str) -> Evaluation:
    from textwright.evaluate.measure import evaluate as measure

    with terminal.progress() as progress:
        task = progress.add_task("predicting", total=len(examples), note="")
        return measure(
            predictor,
            examples,
            source=source,
            split=split,
            progress=lambda count: progress.update(task, advance=count),
        )


def _show(terminal: Terminal, evaluation: Evaluation) -> None:
    from textwright.evaluate.scores import LOWER_IS_BETTER, TITLES

    metrics = (
        (
            TITLES[name],
            f"{it.value:.4f}",
            f"{it.low:.4f} to {it.high:.4f}",
            "lower is better" if name in LOWER_IS_BETTER else "higher is better",
        )
        for name, it in evaluation.metrics.items()
    )
    rows = "all rows" if evaluation.split == "all" else f"{evaluation.split} split"
    title = f"{evaluation.model.name} on {evaluation.source}, {rows} ({evaluation.num_examples:,} texts)"
    terminal.table(title, ("metric", "value", "95 % interval", ""), metrics)
    labels = (
        (
            row.label,
            row.support,
            f"{row.precision.value:.3f}" if row.num_predicted else "-",
            f"{row.recall.value:.3f}" if row.support else "-",
            f"{row.f1.value:.3f}" if row.support or row.num_predicted else "-",
            *(f"{it.value:.3f}" if it else "-" for it in (row.roc_auc, row.pr_auc)),
        )
        for row in evaluation.per_label[:_MAX_LABELS]
    )
    more = len(evaluation.per_label) - _MAX_LABELS
    terminal.table(
        "Labels" + (f", the first {_MAX_LABELS}; {more} more with --json or --report" if more > 0 else ""),
        ("label", "texts", "precision", "recall", "F1", "ROC-AUC", "PR-AUC"),
        labels,
    )
    _show_calibration(terminal, evaluation)
    _show_truncation(terminal, evaluation)
    mistakes = map(_mistake, evaluation.worst[:_NUM_MISTAKES])
    if evaluation.worst:
        terminal.table("Worst mistakes", ("confidence", "predicted", "true", "text"), mistakes)
    for warning in evaluation.warnings:
        terminal.say(f"! {warning}")


def _show_calibration(terminal: Terminal, evaluation: Evaluation) -> None:
    rows = [(f"{evaluation.before.temperature:.3f} (as trained)", evaluation.before)]
    if evaluation.after.temperature != 1.0:
        rows.append((f"{evaluation.after.temperature:.3f} (as served)", evaluation.after))
    values = ((name, f"{side.log_loss.value:.4f}", f"{side.calibration_error.value:.4f}") for name, side in rows)
    terminal.table("Calibration", ("temperature", "log loss", "calibration error"), values)


def _show_truncation(terminal: Terminal, evaluation: Evaluation) -> None:
    """Show the texts that were cut beside the others, where some were."""
    if not evaluation.by_truncation:
        return
    rows = (
        (
            f"first {evaluation.model.max_length:,} tokens" if row.truncated else "whole",
            row.count,
            f"{row.accuracy.value:.3f}",
            f"{row.accuracy.low:.3f} to {row.accuracy.high:.3f}",
        )
        for row in evaluation.by_truncation
    )
    terminal.table("Texts that were cut", ("read", "texts", evaluation.headline, "95 % interval"), rows)


def _mistake(item: Mistake) -> tuple[str, str, str, str]:
    text = " ".join(item.text.split())
    shown = text if len(text) <= _MAX_TEXT else text[: _MAX_TEXT - 1] + "…"
    return f"{item.confidence:.1%}", ", ".join(item.predicted) or "-", ", ".join(item.actual) or "-", shown
