"""How long a step will take, from the steps that were measured. Pure functions of plain values."""

from __future__ import annotations

from typing import Final

from textwright.model_search.trials import FinishedModel, Known, SearchStep, StepKind, TrialStatus

_EXPORT_SHARE: Final = 0.15
"""Of a training, for its export and for measuring the graph on the validation texts, which a probe does not do."""
_EXPORT_SECONDS: Final = 4.0
TEXTS_OF_TIMING: Final = 6 * (50 + 256)
"""Texts that a model predicts when it is timed: ``evaluate.benchmark``'s rounds, warm-up included."""
_PASSES_OF_GATE: Final = 4
"""Passes of a gate over the validation texts: answers, batch invariance, and the report."""
_LEAST_SECONDS: Final = 8.0
"""Of an optimization or a cascade, whatever the model."""
_PRICE_SECONDS: Final = 8.0
_MOST_RESERVED: Final = 0.25
"""Of the budget, for what comes after the last step."""
_NUM_PRICED: Final = 3
_CAUTION: Final = 1.1


def estimate(step: SearchStep, known: Known) -> float | None:
    """Predict what a step takes.

    Args:
        step: What may be tried.
        known: What was tried.

    Returns:
        Seconds; None where nothing like it was measured.
    """
    if step.kind in (StepKind.PROBE, StepKind.TRAIN):
        return _training(step, known, step.size or known.num_train)
    if step.kind is StepKind.DISTILL:
        return _distillation(step, known)
    return _candidates(step, known)


def reserve_s(known: Known) -> float:
    """Say how many seconds the end of the search needs: timing and pricing the best models, and the test texts."""
    slow = [model.seconds_per_text for model in known.models if known.is_slow(model)]
    timing = TEXTS_OF_TIMING * sum(sorted(slow, reverse=True)[:_NUM_PRICED])
    return min(_EXPORT_SECONDS + timing + _NUM_PRICED * _PRICE_SECONDS, _MOST_RESERVED * known.budget_s)


def fits(seconds: float | None, known: Known) -> bool:
    """Whether so many seconds are left; a step that cannot be predicted may take a quarter of the budget."""
    available = known.seconds_left - reserve_s(known)
    return available >= (0.25 * known.budget_s if seconds is None else _CAUTION * seconds)


def time_limit_s(seconds: float | None, known: Known) -> float:
    """Say after how many seconds a step is stopped: twice what was predicted, and never beyond the budget.

    The first step may take all: without it there is nothing to ship.
    """
    available = max(known.seconds_left - reserve_s(known), 1.0)
    if not known.trials:
        return available
    return min(available, 0.25 * known.budget_s if seconds is None else max(2 * seconds, 10.0))


def _training(step: SearchStep, known: Known, num_train: int) -> float | None:
    """Draw a line through the two largest runs of the family; through 0 and the run where there is one alone."""
    runs = sorted(
        (trial.num_train, trial.seconds / trial.step.cost, trial.step.kind)
        for trial in known.trials.values()
        if trial.step.family == step.family
        and trial.step.kind in (StepKind.PROBE, StepKind.TRAIN)
        and trial.status in (TrialStatus.DONE, TrialStatus.STOPPED)
    )
    if not runs:
        return None
    (low, low_s, _), (high, high_s, kind) = runs[-2] if len(runs) > 1 else (0, 0.0, StepKind.PROBE), runs[-1]
    slope = max(high_s - low_s, 0.0) / (high - low) if high > low else high_s / high
    seconds = step.cost * max(high_s + slope * (num_train - high), min(high_s, high_s * num_train / high))
    is_exported = step.kind is StepKind.TRAIN and kind is StepKind.PROBE
    return seconds * (1 + _EXPORT_SHARE) + _EXPORT_SECONDS if is_exported else seconds


def _distillation(step: SearchStep, known: Known) -> float | None:
    """Add what the teacher takes to answer every text to what the student takes to learn from them."""
    num_texts = num_taught(step, known)
    student = _training(step, known, num_texts)
    teacher = _model(step.parents[0], known)
    return None if student is None else student + num_texts * teacher.seconds_per_text


def num_taught(step: SearchStep, known: Known) -> int:
    """Count the texts that a student learns from: the training texts, their copies and those without labels."""
    return known.num_train * (1 + int(step.options["num_copies"])) + known.num_unlabeled


def _candidates(step: SearchStep, known: Known) -> float:
    """Count the texts that each graph predicts to be compared and timed, its reference in turn with it."""
    slowest = max(_model(name, known).seconds_per_text for name in step.parents)
    each = slowest * (2 * TEXTS_OF_TIMING + _PASSES_OF_GATE * known.num_validation)
    return _LEAST_SECONDS + each * max(len(step.options.get("recipes", ())), 1)


def _model(name: str, known: Known) -> FinishedModel:
    return next(model for model in known.models if model.name == name)
