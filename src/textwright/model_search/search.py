"""The flow of a search: check the data, try what fits into the budget, measure, choose, ship, report.

::

    OUT/artifact/             what is shipped
    OUT/auto.json, auto.html  what was tried, the Pareto front, the choice and why
    OUT/search/               the ledger and everything that was made; a search that was stopped goes on from it
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib import metadata
from pathlib import Path
from time import monotonic
from typing import Any, Final

from textwright import __version__
from textwright.core import artifact as artifacts
from textwright.core.callbacks import Callback, CallbackList, RunInfo
from textwright.core.percent import percent
from textwright.data.check import check
from textwright.data.dataset import Dataset
from textwright.data.in_memory import DataSource
from textwright.data.load import load_dataset
from textwright.data.settings import DataSettings
from textwright.environment import machine
from textwright.errors import ArtifactError, DataError, NotFoundError, SettingsError, TrainingError
from textwright.evaluate.baselines import MAJORITY
from textwright.evaluate.intervals import Interval
from textwright.evaluate.scores import primary_metric
from textwright.model_search.advice import learning_curve, more_labels, more_time
from textwright.model_search.choice import ModelChoice, choose
from textwright.model_search.clock import Clock
from textwright.model_search.estimate import time_limit_s
from textwright.model_search.execute import StepRunner
from textwright.model_search.ledger import SearchLedger, open_ledger
from textwright.model_search.measure import Measuring
from textwright.model_search.plan import Proposal, next_step, open_steps
from textwright.model_search.report import AutoReport, HeldOutResult
from textwright.model_search.settings import AutoMetric, AutoSettings
from textwright.model_search.ship import Shipment, ship
from textwright.model_search.source import SearchSource, add_unlabeled, write_search_source
from textwright.model_search.trials import FinishedModel, Known, SearchFamily, Trial, TrialStatus
from textwright.models import find_family, list_families

SEARCH: Final = "search"
ARTIFACT: Final = "artifact"
_LIBRARIES: Final = ("torch", "onnxruntime", "tokenizers", "numpy")


def auto(
    source: DataSource, out: Path, settings: AutoSettings, data: DataSettings, callbacks: Sequence[Callback] = ()
) -> AutoReport:
    """Find the best artifact for a budget and constraints.

    What is finished is kept: a search that was killed goes on with what is left of its budget, one with a larger budget
    adds to it, one with other constraints chooses anew.

    Args:
        source: A built-in name, a file, a folder or a hub id; or rows in memory.
        out: Folder of the search.
        settings: Budget, constraints and what is searched.
        data: How to read and split the source.
        callbacks: Called at each step and its stages, with the seconds that are left of the budget.

    Returns:
        What was tried and chosen; ``out/artifact`` is what is shipped, if a model keeps to the constraints.

    Raises:
        DataError: If the source cannot be used; names all its problems.
        NotFoundError: If there is no such source or family.
        SettingsError: If ``out`` holds something else, or a setting is wrong.
        TrainingError: If no model was finished within the budget.
    """
    begun, callback = monotonic(), CallbackList(callbacks)
    families = _families(settings.families)
    _refuse_foreign(out)
    callback.on_stage_begin("checking the data")
    dataset, warnings = _checked(source, data, callback)
    name = _name_of(source)
    search = write_search_source(dataset, out / SEARCH, name)
    if settings.unlabeled:
        search = add_unlabeled(search, settings.unlabeled, data, dataset)
    identity = {"texts": search.dataset.fingerprint, "metric": settings.metric.value, "unlabeled": settings.unlabeled}
    ledger = open_ledger(out / SEARCH, identity)
    ledger.use_budget(60 * settings.budget_minutes)
    executor = StepRunner(search, out / SEARCH, name, settings.metric, callback)
    flow = _Flow(executor, ledger, settings, families, dataset, data, out, warnings, callback, begun, ledger.seconds)
    flow.try_all()
    return flow.finish()


@dataclass(slots=True)
class _Flow:
    """The state of a search while it runs; all of it can be had back from the files."""

    executor: StepRunner
    ledger: SearchLedger
    settings: AutoSettings
    families: tuple[SearchFamily, ...]
    dataset: Dataset
    data: DataSettings
    out: Path
    warnings: tuple[str, ...]
    callback: Callback
    begun: float
    spent_before: float

    @property
    def spent(self) -> float:
        return self.spent_before + monotonic() - self.begun

    @property
    def budget_s(self) -> float:
        return 60 * self.settings.budget_minutes

    def known(self) -> Known:
        search, names = self.executor.search, {family.name for family in self.families}
        return Known(
            families=self.families,
            num_train=len(search.dataset.train),
            num_validation=len(search.validation),
            num_labels=len(self.dataset.labels),
            budget_s=self.budget_s,
            seconds_left=self.budget_s - self.spent,
            trials={name: it for name, it in self.ledger.by_name().items() if _is_of(it, names)},
            num_unlabeled=search.num_unlabeled,
            tolerance=self.settings.tolerance / 100,
            max_latency_ms=self.settings.max_latency_ms,
            counts_rare=self.settings.metric is AutoMetric.MACRO_F1,
        )

    def try_all(self) -> None:
        """Try steps until nothing is left that fits."""
        while (proposal := next_step(known := self.known())) is not None:
            done, left = len(known.trials), sum(1 for _ in open_steps(known))
            self.callback.on_result(known, known.seconds_left)
            info = RunInfo(proposal.step.name, proposal.step.summary, done + 1, done + left)
            self.callback.on_run_begin(info)
            trial = self._run(proposal, known)
            self.ledger.add(trial, self.spent)
            self.callback.on_run_end(info, _outcome(trial))

    def _run(self, proposal: Proposal, known: Known) -> Trial:
        step, key = proposal.step, self.ledger.key(proposal.step)
        before, limit_s = self.ledger.begin(step), time_limit_s(proposal.seconds, known)
        clock = Clock(limit_s, lambda seconds: self.ledger.note(step, before + seconds, self.spent))
        trial = self.executor.run(step, key, known, clock, limit_s)
        return replace(trial, seconds=before + clock.seconds)

    def finish(self) -> AutoReport:
        """Measure the models, choose one, ship it, and write the report."""
        known = self.known()
        if not known.models:
            raise TrainingError(_no_model(known, self.settings))
        folder, validation = self.out / SEARCH, self.executor.search.validation
        measuring = Measuring(folder, self.ledger, self.settings, validation.texts, self.callback)
        finalists = measuring.finalists(known.models, known.seconds_left)
        metric = self.settings.metric.value.replace("-", "_")
        metric = self._primary if metric == "accuracy" else metric
        tolerance = max(self.settings.tolerance / 100, 1 / len(validation))
        choice = choose(finalists, self.settings.constraints, tolerance, metric.replace("_", " "))
        by_name = {model.name: model for model in known.models}
        test = self._ship(by_name[choice.chosen]) if choice.chosen else None
        if test is None:
            self._remove_shipped()
        self.ledger.seconds = self.spent
        self.ledger.write()
        report = AutoReport(
            source=self.dataset.source,
            task=str(self.dataset.labels.task),
            num_labels=len(self.dataset.labels),
            num_examples={name: len(examples) for name, examples in self.dataset.splits.items()},
            primary_metric=self._primary,
            metric=metric,
            settings=self.settings,
            seconds=self.spent,
            trials=tuple(known.trials.values()),
            finalists=finalists,
            choice=choice,
            test=test,
            curves=_curves(known),
            advice=_advice(known, choice, by_name),
            warnings=self.warnings,
            machine=machine(),
            versions={"textwright": __version__, **{name: metadata.version(name) for name in _LIBRARIES}},
        )
        report.write(self.out)
        return report

    @property
    def _primary(self) -> str:
        return primary_metric(self.dataset.labels.task)

    def _ship(self, model: FinishedModel) -> HeldOutResult:
        """Ship a model, unless it is shipped already: the test texts are read once."""
        facts = {"model": model.name, "digest": artifacts.read(self.executor.path(model)).digest}
        known: dict[str, Any] = self.ledger.measured.get("shipped", {})
        if known.get("facts") == facts and _version(self.out / ARTIFACT) == known["test"]["version"]:
            return _test_of_json(known["test"])
        self.callback.on_stage_begin(f"measuring {model.name} on {len(self.dataset.test):,} test texts")
        account = {"model": model.name, "metric": self.settings.metric.value, "num_steps": len(self.ledger.trials)}
        name = f"{self.executor.name}-auto"
        path = self.executor.path(model)
        shipped = ship(Shipment(model, path, self.dataset, self.data, name, account), self.out)
        majority = next(item for item in shipped.baselines if item.name == MAJORITY)
        test = HeldOutResult(
            num_texts=len(self.dataset.test),
            metrics=dict(shipped.evaluation.metrics),
            majority=majority.metrics[self._primary],
            version=shipped.artifact.version,
            size_bytes=shipped.artifact.size_bytes,
            warnings=shipped.warnings,
        )
        self.ledger.measured["shipped"] = {"facts": facts, "test": _test_to_json(test)}
        return test

    def _remove_shipped(self) -> None:
        """Remove what an earlier choice has shipped: it does not keep to the constraints."""
        shutil.rmtree(self.out / ARTIFACT, ignore_errors=True)
        self.ledger.measured.pop("shipped", None)


def _test_to_json(test: HeldOutResult) -> dict[str, Any]:
    from textwright.report.base import json_values

    content: dict[str, Any] = json_values(test)
    return content


def _test_of_json(content: dict[str, Any]) -> HeldOutResult:
    metrics = {name: Interval(**item) for name, item in content["metrics"].items()}
    return HeldOutResult(**{**content, "metrics": metrics, "warnings": tuple(content["warnings"])})


def _version(path: Path) -> str:
    try:
        return artifacts.read(path).version
    except (ArtifactError, NotFoundError):
        return ""


def _families(names: str) -> tuple[SearchFamily, ...]:
    """Find the families that are named, in the order of their costs.

    Raises:
        NotFoundError: If there is no such family.
        SettingsError: If none is named.
    """
    wanted = None if names.strip() == "all" else {find_family(it.strip()).name for it in names.split(",") if it.strip()}
    chosen = [it for it in list_families() if wanted is None or it.name in wanted]
    if not chosen:
        raise SettingsError(f"--families is {names!r}; name one or more with commas between them, or all")
    return tuple(SearchFamily(it.name, it.supports_bf16) for it in chosen)


def _refuse_foreign(out: Path) -> None:
    if out.exists() and not (out / SEARCH).is_dir() and (not out.is_dir() or any(out.iterdir())):
        raise SettingsError(f"{out} exists and is no search; give an --out that is new, empty or a search")


def _checked(source: DataSource, data: DataSettings, callback: Callback) -> tuple[Dataset, tuple[str, ...]]:
    """Read the source; all its problems at once, as ``data check`` finds them, where it cannot be used."""
    progress = partial(callback.on_progress, "fetching the data")
    report = check(source, data, progress=progress)  # type: ignore[arg-type]  # rows in memory are read alike
    if report.problems:
        raise DataError("; ".join(report.problems))
    for warning in report.warnings:
        callback.on_warning(warning)
    return load_dataset(source, data), tuple(report.warnings)


def _name_of(source: DataSource) -> str:
    stem = Path(str(source).rstrip("/")).name.partition(".")[0]
    return re.sub(r"[^\w-]+", "-", stem, flags=re.ASCII).strip("-") or "texts"


def _is_of(trial: Trial, families: set[str]) -> bool:
    """Whether a trial is of the families that are searched."""
    names = {trial.step.family, *(name for model in trial.models for name in model.family.split("+"))} - {""}
    return names <= families


def _outcome(trial: Trial) -> str:
    if trial.score is not None:
        note = "" if trial.status is TrialStatus.DONE else f" ({trial.status.value} at its time limit)"
        return f"{percent(trial.score)} in {trial.seconds:.0f} s{note}"
    return f"{trial.status.value}: {trial.reason}"


def _curves(known: Known) -> dict[str, tuple[tuple[int, float], ...]]:
    curves = {family.name: learning_curve(known, family.name) for family in known.families}
    return {name: points for name, points in curves.items() if points}


def _advice(known: Known, choice: ModelChoice, models: dict[str, FinishedModel]) -> tuple[str, ...]:
    family = models[choice.nearest].family.split("+")[-1]
    return (*more_time(list(open_steps(known)), known), *more_labels(known, family))


def _no_model(known: Known, settings: AutoSettings) -> str:
    reasons = "; ".join(f"{name}: {trial.reason}" for name, trial in known.trials.items() if trial.reason)
    words = f"no model was finished within {settings.budget_minutes:g} minutes"
    cure = "give more --budget-minutes, or fewer --families"
    return f"{words}{f' ({reasons})' if reasons else ''}; {cure}"


__all__ = ["ARTIFACT", "SEARCH", "SearchSource", "auto"]
