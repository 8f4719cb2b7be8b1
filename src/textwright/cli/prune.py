"""``textwright prune``: a smaller artifact out of a given one."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import Parameter

from textwright.cli.flags import typed
from textwright.core.files import exclusive_folder
from textwright.core.percent import percent
from textwright.data.settings import DataSettings
from textwright.display.terminal import DEFAULT_OUTPUT, Output, ProgressView, Terminal
from textwright.evaluate.paired_drop import bound_in_words
from textwright.evaluate.scores import TITLES
from textwright.evaluate.scores import shown as metric_shown
from textwright.optimize.pruning.settings import PruneSettings, RepairSettings
from textwright.optional_deps import require
from textwright.training.settings import TrainSettings

if TYPE_CHECKING:
    from textwright.optimize.pruning.report import Pruning, Step

_DATA: Final = DataSettings()
_TRAINING: Final = TrainSettings()
_TEACHING: Final = RepairSettings()
_PRUNING: Final = PruneSettings()


def prune(
    artifact: Path,
    /,
    *,
    source: Annotated[str, Parameter(name="--data")],
    out: Path,
    overwrite: bool = False,
    pruning: Annotated[PruneSettings, Parameter(name="*", group="Pruning")] = _PRUNING,
    teaching: Annotated[RepairSettings, Parameter(name="*", group="Repair")] = _TEACHING,
    training: Annotated[TrainSettings, Parameter(name="*", group="Repair")] = _TRAINING,
    data: Annotated[DataSettings, Parameter(name="*", group="Data")] = _DATA,
    output: Annotated[Output, Parameter(name="*", group="Output")] = DEFAULT_OUTPUT,
) -> None:
    """Prune an artifact: unused tokens, and attention heads and neurons of a BERT.

    Example: textwright prune runs/bert --data movie-reviews --out runs/bert-pruned

    Example: textwright prune runs/bert --data movie-reviews --heads 0.5 --neurons 0.5 --out runs/bert-pruned

    After heads and neurons are pruned, the model is fine-tuned for a short time, distilled from the whole one.

    Args:
        artifact: An artifact folder, or the run folder that holds it; heads and neurons need the run folder.
        source: The labeled texts that it was trained on: a built-in name, a file, a folder or a hub id.
        out: Run folder of the smaller model; the report goes there too.
        overwrite: Replace a repair of other settings in --out.
    """
    require("train", what="pruning")
    from textwright.optimize.pruning.prune import PruningTask
    from textwright.optimize.pruning.prune import prune as cut

    terminal = Terminal(output)
    task = PruningTask(artifact, source, pruning, teaching, training, data)
    with exclusive_folder(out), ProgressView(terminal, "reading the data") as view:
        report = cut(task, out, overwrite=overwrite, callbacks=[view])
    terminal.result(report.to_json(), lambda: _show(terminal, report))
    terminal.note(f"report: {report.json_path(out)}")
    terminal.next(
        f"textwright optimize {shlex.quote(str(out))} --data {shlex.quote(source)}{typed(data)} --out {out}-fast"
    )


def _show(terminal: Terminal, report: Pruning) -> None:
    title = f"{report.name}, version {report.version}, cut out of {report.pruned_from}; gains against that"
    columns = ("step", "drop", "alike", "one text", "texts/s", "size", "verdict")
    terminal.table(title, columns, map(_row, report.steps))
    for step in report.steps:
        counts = "; ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in step.counts.items())
        bound = bound_in_words(step.gate.num_texts, step.gate.drop_bound)
        terminal.say(f"{step.name}: {step.summary}; {bound}" + (f"; {counts}" if counts else ""))
    metrics = (
        (TITLES.get(name, name), metric_shown(name, it["value"]), metric_shown(name, it["low"], it["high"]))
        for name, it in report.metrics.items()
    )
    terminal.table("In the artifact, on the test texts", ("metric", "value", "95 % interval"), metrics)


def _row(step: Step) -> tuple[str, ...]:
    cost = step.cost
    gains = () if cost is None else (cost.latency_gain, cost.throughput_gain, cost.size_gain)
    shown = [f"{gain:.2f}x" for gain in gains] or ["-"] * 3
    return step.name, f"{step.gate.drop:+.2f}", percent(step.gate.agreement / 100, digits=2), *shown, step.verdict
