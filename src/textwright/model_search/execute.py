"""Run a step with what the other rooms have, and measure what came of it on the validation texts."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Final

import numpy as np

from textwright.core import artifact as artifacts
from textwright.core.callbacks import Callback, CallbackList, EpochRecord, StopTraining
from textwright.core.numerics import activate
from textwright.core.percent import percent
from textwright.core.types import Float32s
from textwright.data.dataset import Dataset
from textwright.data.settings import DataSettings
from textwright.errors import TextwrightError
from textwright.evaluate import scores
from textwright.evaluate.baselines import observations
from textwright.evaluate.predictions import LabeledPredictions, observe
from textwright.model_search.clock import Clock
from textwright.model_search.settings import AutoMetric
from textwright.model_search.ship import shipped_size
from textwright.model_search.source import SETTINGS, SearchSource
from textwright.model_search.trials import FinishedModel, Known, SearchStep, StepKind, Trial, TrialStatus
from textwright.optimize.cascade.make import make_cascade
from textwright.optimize.cascade.settings import CascadeSettings
from textwright.optimize.distillation.distill import teacher_of
from textwright.optimize.distillation.settings import DistillSettings
from textwright.optimize.optimization import optimize
from textwright.optimize.settings import OptimizationTarget, OptimizeSettings
from textwright.pipeline import BuildPlan, build_artifact
from textwright.runtime.loading import load
from textwright.training.run import CHECKPOINT, TENSORBOARD, train
from textwright.training.settings import TrainSettings

RUNS: Final = "runs"
_LARGE: Final = (CHECKPOINT, TENSORBOARD, "candidates")
"""What a finished step leaves behind that nothing reads any more."""
_KEY_LENGTH: Final = 8


@dataclass(frozen=True, slots=True)
class StepRunner:
    """Runs the steps of a search.

    Args:
        search: The texts.
        folder: Of the search.
        name: Of the source; part of the models' names.
        metric: What decides.
        callback: Told of steps, epochs and stages.
    """

    search: SearchSource
    folder: Path
    name: str
    metric: AutoMetric
    callback: Callback

    def run(self, step: SearchStep, key: str, known: Known, clock: Clock, limit_s: float) -> Trial:
        """Run a step, or go on where a killed process was.

        Args:
            step: What is tried.
            key: Hash of what decides its result; part of its folder's name.
            known: Holds the models that it starts from.
            clock: Ends it.
            limit_s: Seconds after which it shall end.

        Returns:
            What came of it, its seconds in this process; errors that the user could cure are its reason.
        """
        job = _Job(self, step, self.folder / RUNS / f"{step.name}-{key[:_KEY_LENGTH]}", known, clock, limit_s)
        try:
            trial = _RUN[step.kind](job)
        except StopTraining as error:
            trial = Trial(step, TrialStatus.DROPPED, 0.0, reason=f"{error} before there was anything to use")
        except TextwrightError as error:
            trial = Trial(step, TrialStatus.FAILED, 0.0, reason=str(error))
        for name in _LARGE:
            shutil.rmtree(job.folder / name, ignore_errors=True)
        return trial

    def score(self, predictions: LabeledPredictions) -> float:
        """Give the metric that decides."""
        if self.metric is AutoMetric.ACCURACY:
            return float(predictions.correct.mean())
        numbers = scores.numbers(predictions)
        measured = scores.measure({name: item.mean(axis=0, keepdims=True) for name, item in numbers.items()})
        return float(measured[scores.OVERALL, "macro_f1"][0])

    def path(self, model: FinishedModel) -> Path:
        """Find a model's artifact."""
        return self.folder / model.folder


@dataclass(frozen=True, slots=True)
class _Job:
    executor: StepRunner
    step: SearchStep
    folder: Path
    known: Known
    clock: Clock
    limit_s: float

    @property
    def search(self) -> SearchSource:
        return self.executor.search

    @property
    def callbacks(self) -> list[Callback]:
        return [self.clock, self.executor.callback]

    @property
    def training(self) -> TrainSettings:
        content = {"family": self.step.family, **self.step.training}
        return TrainSettings.parse(content, source=f"step {self.step.name}")

    def parents(self) -> list[FinishedModel]:
        by_name = {model.name: model for model in self.known.models}
        return [by_name[name] for name in self.step.parents]

    def plan(self, dataset: Dataset) -> BuildPlan:
        name = f"{self.executor.name}-{self.step.name}"
        return BuildPlan(dataset.source, SETTINGS, self.training, self.step.model, name)

    def trial(self, models: Sequence[FinishedModel], num_train: int = 0, reason: str = "") -> Trial:
        status = TrialStatus.STOPPED if self.clock.has_stopped else TrialStatus.DONE
        best = max((model.score for model in models), default=None)
        return Trial(self.step, status, 0.0, num_train, best, tuple(models), reason)

    def model(self, name: str, artifact: Path, variant: str | None = None, family: str = "") -> FinishedModel:
        """Measure a graph on the validation texts."""
        predictor = load(artifact, variant=variant, num_threads=1)
        start = perf_counter()
        predictions = observe(predictor, self.search.validation)
        seconds = perf_counter() - start
        return FinishedModel(
            name=name,
            step=self.step.name,
            folder=artifact.relative_to(self.executor.folder).as_posix(),
            variant=predictor.variant,
            family=family or predictor.artifact.manifest.family,
            score=self.executor.score(predictions),
            accuracy=float(predictions.correct.mean()),
            seconds_per_text=seconds / len(self.search.validation),
            size_bytes=shipped_size(artifacts.read(artifact), predictor.variant),
        )


def _probe(job: _Job) -> Trial:
    dataset, best = job.search.subset(job.step.size), _BestEpoch()
    train(dataset, job.training, job.step.model, run_dir=job.folder, callbacks=[best, *job.callbacks])
    assert best.logits is not None  # noqa: S101  training ends with an epoch, or by StopTraining
    probabilities = activate(best.logits, dataset.labels.task)
    score = job.executor.score(observations(dataset.validation, probabilities, dataset.labels))
    shutil.rmtree(job.folder, ignore_errors=True)
    status = TrialStatus.STOPPED if job.clock.has_stopped else TrialStatus.DONE
    return Trial(job.step, status, 0.0, len(dataset.train), score)


def _train(job: _Job) -> Trial:
    dataset = job.search.subset(job.step.size)
    built = build_artifact(job.plan(dataset), job.folder, callbacks=job.callbacks, dataset=dataset)
    assert built is not None  # noqa: S101  one process
    return job.trial([job.model(job.step.name, built.artifact.path)], len(dataset.train))


def _distill(job: _Job) -> Trial:
    answering, origin = job.parents()
    dataset, plan = job.search.dataset, job.plan(job.search.dataset)
    teacher = teacher_of(
        [load(job.executor.path(answering), variant=answering.variant, num_threads=1)],
        plan,
        DistillSettings(num_copies=job.step.options["num_copies"]),
        origin=load(job.executor.path(origin), num_threads=1),
        unlabeled="" if job.search.unlabeled is None else str(job.search.unlabeled),
        callback=CallbackList(job.callbacks),
    )
    built = build_artifact(plan, job.folder, callbacks=job.callbacks, dataset=dataset, teacher=teacher)
    assert built is not None  # noqa: S101  one process
    return job.trial([job.model(job.step.name, built.artifact.path)], len(dataset.train))


def _optimize(job: _Job) -> Trial:
    (parent,) = job.parents()
    settings = OptimizeSettings(
        target=OptimizationTarget.THROUGHPUT,
        recipes=tuple(job.step.options["recipes"]),
        budget_minutes=job.limit_s / 60,
        gate_folds=0,
    )
    source, callbacks = str(job.search.path), [job.executor.callback]
    result = optimize(job.executor.path(parent), source, job.folder, settings, DataSettings(), callbacks)
    artifact = job.folder / "artifact"
    models = [job.model(f"{parent.name}@{variant}", artifact, variant) for variant in result.kept]
    verdicts = "; ".join(f"{item.name} {result.verdict(item)}" for item in result.candidates)
    return job.trial(models, reason="" if models else f"nothing is gained on this machine: {verdicts}")


def _cascade(job: _Job) -> Trial:
    fast, strong = job.parents()
    settings = CascadeSettings(gate_folds=0, fast_variant=fast.variant, strong_variant=strong.variant)
    outcome = make_cascade(
        job.executor.path(fast),
        job.executor.path(strong),
        str(job.search.path),
        job.folder,
        settings,
        DataSettings(),
        [job.executor.callback],
    )
    model = job.model(job.step.name, job.folder / "artifact", family=f"{fast.family}+{strong.family}")
    return job.trial([model], reason=f"{percent(outcome.point.share_escalated)} of the texts go to the strong stage")


_RUN: Final[dict[StepKind, Callable[[_Job], Trial]]] = {
    StepKind.PROBE: _probe,
    StepKind.TRAIN: _train,
    StepKind.DISTILL: _distill,
    StepKind.OPTIMIZE: _optimize,
    StepKind.CASCADE: _cascade,
}


@dataclass(slots=True)
class _BestEpoch(Callback):
    """Keeps what the best epoch said of the validation texts."""

    logits: Float32s | None = field(default=None)

    def on_epoch_end(self, record: EpochRecord, logits: Float32s) -> None:
        """Keep the logits of the best epoch so far."""
        if record.is_best:
            self.logits = np.array(logits)
