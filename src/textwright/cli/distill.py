"""``textwright distill``: an artifact teaches a smaller model."""

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
from textwright.errors import SettingsError
from textwright.evaluate.scores import TITLES
from textwright.optimize.distillation.settings import DistillSettings, UnlabeledSettings
from textwright.optional_deps import require
from textwright.training.settings import TrainSettings

if TYPE_CHECKING:
    from textwright.evaluate.intervals import Interval
    from textwright.optimize.distillation.report import ComparedModel, Distillation
    from textwright.optimize.distillation.teacher import TeacherCommittee

_DATA: Final = DataSettings()
_TRAINING: Final = TrainSettings()
_TEACHING: Final = DistillSettings()
_FURTHER: Final = UnlabeledSettings()


def distill(
    teachers: Annotated[tuple[Path, ...], Parameter(consume_multiple=True, negative=())] = (),
    *,
    source: Annotated[str, Parameter(name="--data")],
    out: Path,
    config: Path | None = None,
    unlabeled: str = "",
    baseline: Path | None = None,
    name: str = "",
    overwrite: bool = False,
    model: Annotated[dict[str, str] | None, Parameter(group="Training")] = None,
    teaching: Annotated[DistillSettings, Parameter(name="*", group="Teaching")] = _TEACHING,
    further: Annotated[UnlabeledSettings, Parameter(name="*", group="Teaching")] = _FURTHER,
    training: Annotated[TrainSettings, Parameter(name="*", group="Training")] = _TRAINING,
    data: Annotated[DataSettings, Parameter(name="*", group="Data")] = _DATA,
    output: Annotated[Output, Parameter(name="*", group="Output")] = DEFAULT_OUTPUT,
) -> None:
    """Distill an artifact into a smaller model, which learns its predictions on many texts.

    Example: textwright distill runs/bert --data movie-reviews --config cnn-glove --out runs/student

    Example: textwright distill runs/bert --data movie-reviews --family bert --model.keep-layers 1,3,5 --out runs/small

    Example: textwright distill runs/a runs/b runs/c --data movie-reviews --family bert --out runs/student

    Example: textwright distill runs/bert --data movie-reviews --unlabeled imdb-reviews --sentences --out runs/student

    The same command resumes what was interrupted.

    Args:
        teachers: Artifact folders, or the run folders that hold them; several answer as one.
        source: Labeled texts, best those that the teacher was trained on: a built-in name, a file, a folder, a hub id.
        out: Run folder of the student: artifact, report, checkpoint and TensorBoard events go there.
        config: Recipe: a file (TOML) whose keys are named like the flags, or the name of one that comes with Textwright
            (bow-nb, bert-r-drop); flags and environment take precedence.
        unlabeled: Further texts for the teacher to answer: a file, or any source, whose labels are not looked at.
        baseline: An artifact to test the student against, best of the same family, trained on labels alone.
        name: Name of the model in the API's answers; by default source, family and "distilled".
        overwrite: Replace a run of other settings in --out.
        model: Settings of the family, one flag each: --model.embedding-dim 200. See: textwright families NAME
    """
    require("train", what="distilling")
    from textwright.display.training import show_built
    from textwright.optimize.distillation.distill import DistillationJob
    from textwright.optimize.distillation.distill import distill as teach
    from textwright.pipeline import BuildPlan

    del config  # read by textwright.cli.layers.Recipe
    if not teachers:
        raise SettingsError("name a teacher: textwright distill runs/bert --data movie-reviews --out runs/student")
    terminal = Terminal(output)
    settings = {key.replace("-", "_"): value for key, value in (model or {}).items()}
    plan = BuildPlan(source, data, training, settings, name)
    job = DistillationJob(teachers, plan, teaching, unlabeled, further, baseline)
    with exclusive_folder(out), ProgressView(terminal, "reading the data") as view:
        result = teach(job, out, overwrite=overwrite, callbacks=[view])
    if result is not None:
        built, report = result
        show_built(terminal, built, {"distillation": report.to_json()})
        if not output.json:
            show_distillation(terminal, report)
        terminal.note(f"report: {report.json_path(out)}")
        terminal.next(
            f"textwright optimize {shlex.quote(str(out))} --data {shlex.quote(source)}{typed(data)} --out {out}-fast"
        )


def show_distillation(terminal: Terminal, report: Distillation) -> None:
    """Say how the student compares with its teachers and with the baseline."""
    columns = (
        "",
        "model",
        TITLES[next(iter(report.metrics))].lower(),
        "student's gain",
        "alike",
        "one text",
        "texts/s",
        "size",
    )
    terminal.table(f"Beside others on {report.num_test:,} test texts", columns, map(_row, report.compared_models))
    if report.committee is not None:
        _show_committee(terminal, report.committee)
    for compared in report.compared_models:
        terminal.say(f"{compared.role}: {report.name} is {compared.verdict}")


def _show_committee(terminal: Terminal, committee: TeacherCommittee) -> None:
    """Say how good the teachers are together, and what of them was averaged."""
    rows = [(f"{item.name} ({item.version})", *_percents(item.accuracy)) for item in committee.teachers]
    rows.append((f"mean of their {committee.mean}", *_percents(committee.accuracy)))
    title = f"Teachers on {committee.num_validation:,} validation texts"
    terminal.table(title, ("teacher", "accuracy", "95 % interval"), rows)
    losses = ", ".join(f"of {name} {loss:.4f}" for name, loss in committee.log_loss.items())
    terminal.say(
        f"all teachers answer {percent(committee.agreement.value)} of these texts alike; log loss of the mean "
        f"{losses}, so the student learned from the mean of their {committee.mean}"
    )


def _percents(interval: Interval) -> tuple[str, str]:
    return percent(interval.value, digits=2), percent(interval.low, interval.high)


def _row(model: ComparedModel) -> tuple[str, ...]:
    cost = model.cost
    gains = ["-"] * 3 if cost is None else [cost.latency_gain, cost.throughput_gain, cost.size_gain]
    accuracy = percent(model.accuracy.value, digits=2)
    return (
        *(model.role, f"{model.name} ({model.version})", accuracy, f"{model.gain:+.2f} points"),
        *(percent(model.agreement.value, digits=2), *(f"{it:.2f}x" if isinstance(it, float) else it for it in gains)),
    )
