"""What can be tried, and what came of it: plain, frozen values that turn into JSON and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, Self


class StepKind(StrEnum):
    """How a step comes to its result."""

    PROBE = "probe"
    """A family trained on a part of the texts, to see how it learns; it gives no model."""
    TRAIN = "train"
    DISTILL = "distill"
    OPTIMIZE = "optimize"
    CASCADE = "cascade"


class TrialStatus(StrEnum):
    """What became of a step."""

    DONE = "done"
    STOPPED = "stopped"
    """Its time was up; the best epoch so far is used."""
    DROPPED = "dropped"
    """Its time was up before there was anything to use."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class SearchStep:
    """Something that can be tried.

    Args:
        kind: How it comes to its result.
        name: Unique among the steps of a search; a folder name.
        summary: What it does, in a few words.
        family: Of the model that it trains; empty if it trains none.
        training: Settings of training that differ from the family's defaults.
        model: The family's own settings that differ from their defaults.
        size: Training texts; None is all of them.
        parents: Names of the finished models that it starts from: the teacher, the model to be optimized, or the fast
            and the strong stage.
        options: Further settings of the step, as JSON-ready values.
        cost: Seconds of training against those of the family's defaults.
    """

    kind: StepKind
    name: str
    summary: str
    family: str = ""
    training: Mapping[str, Any] = field(default_factory=dict)
    model: Mapping[str, Any] = field(default_factory=dict)
    size: int | None = None
    parents: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    cost: float = 1.0

    @classmethod
    def of_json(cls, content: Mapping[str, Any]) -> Self:
        """Read what ``dataclasses.asdict`` gave."""
        return cls(**{**content, "kind": StepKind(content["kind"]), "parents": tuple(content["parents"])})


@dataclass(frozen=True, slots=True)
class FinishedModel:
    """A graph that could be shipped.

    Args:
        name: Unique among the models of a search.
        step: Name of the step that made it.
        folder: Of its artifact, relative to the folder of the search.
        variant: Of the artifact.
        family: Of the model; two with a plus between them for a cascade.
        score: The metric that decides, on the validation texts, in [0, 1].
        accuracy: The primary metric on them: the share of texts that are right in whole.
        seconds_per_text: Of the validation texts in one call, one thread; a first idea of its speed.
        size_bytes: Of the artifact as it would be shipped.
    """

    name: str
    step: str
    folder: str
    variant: str
    family: str
    score: float
    accuracy: float
    seconds_per_text: float
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Trial:
    """A step that was tried.

    Args:
        step: What was tried.
        status: What became of it.
        seconds: What it took.
        num_train: Training texts; 0 where none was trained on.
        score: The metric that decides, on the validation texts; None if there is nothing to measure.
        models: What could be shipped.
        reason: Why it came to nothing, or what else is to be known; may be empty.
    """

    step: SearchStep
    status: TrialStatus
    seconds: float
    num_train: int = 0
    score: float | None = None
    models: tuple[FinishedModel, ...] = ()
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the trial as JSON-ready values."""
        return asdict(self)

    @classmethod
    def of_json(cls, content: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_json` gave."""
        models = tuple(FinishedModel(**item) for item in content["models"])
        step, status = SearchStep.of_json(content["step"]), TrialStatus(content["status"])
        return cls(**{**content, "step": step, "status": status, "models": models})


@dataclass(frozen=True, slots=True)
class SearchFamily:
    """A family of the search.

    Args:
        name: Of the family.
        is_encoder: Whether it runs a pretrained transformer, which is slow and can be made faster.
    """

    name: str
    is_encoder: bool


@dataclass(frozen=True, slots=True)
class Known:
    """Everything that decides what is tried next.

    Args:
        families: In the order of their costs, the cheapest first.
        num_train: Training texts.
        num_validation: Validation texts.
        num_labels: Number of labels.
        budget_s: Seconds of the whole search.
        seconds_left: What is left of them.
        trials: SearchStep name -> what came of it.
        num_unlabeled: Texts without labels.
        tolerance: Share by which a faster model may lie below the best one.
        max_latency_ms: Milliseconds that a text may take; None has no bound.
        counts_rare: Whether rare labels count as much as frequent ones.
    """

    families: tuple[SearchFamily, ...]
    num_train: int
    num_validation: int
    num_labels: int
    budget_s: float
    seconds_left: float
    trials: Mapping[str, Trial] = field(default_factory=dict)
    num_unlabeled: int = 0
    tolerance: float = 0.005
    max_latency_ms: float | None = None
    counts_rare: bool = False

    def after(self, trial: Trial) -> Known:
        """Return what is known once a step is done, its seconds taken off the budget."""
        trials = {**self.trials, trial.step.name: trial}
        return replace(self, trials=trials, seconds_left=self.seconds_left - trial.seconds)

    @property
    def models(self) -> list[FinishedModel]:
        """Every model that could be shipped, the best first."""
        models = [model for trial in self.trials.values() for model in trial.models]
        return sorted(models, key=lambda model: -model.score)

    @property
    def encoders(self) -> frozenset[str]:
        """Names of the families that run an encoder."""
        return frozenset(family.name for family in self.families if family.is_encoder)

    def is_slow(self, model: FinishedModel) -> bool:
        """Whether a model runs an encoder."""
        return not self.encoders.isdisjoint(model.family.split("+"))

    def of(self, kind: StepKind, family: str = "") -> list[Trial]:
        """List the trials of a kind with a score, of one family or of all, in order."""
        return [
            trial
            for trial in self.trials.values()
            if trial.step.kind is kind and trial.score is not None and family in ("", trial.step.family)
        ]
