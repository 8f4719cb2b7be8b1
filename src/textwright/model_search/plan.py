"""What to try next, given what is known and the time left. Pure: the same knowledge gives the same next step.

Stages follow each other from the widest to the dearest; what does not fit into the time left is passed over, so that a
later, cheaper step may still be taken:

- *probe*: each family on a part of the texts, half of them on four times as many (successive halving);
- *full*: the promising families on all texts, and every family that costs next to nothing;
- *tune*: changes of the settings of the best families, as long as they gain;
- *faster*: the best encoder's graph optimized, what it knows distilled into lighter models, a cascade of both;
- *rest*: further changes, and the families that looked less promising.

Source:
    Jamieson & Talwalkar, 2016, "Non-stochastic Best Arm Identification and Hyperparameter Optimization" (successive
    halving); Domhan, Springenberg & Hutter, 2015, "Speeding Up Automatic Hyperparameter Optimization of Deep Neural
    Networks by Extrapolation of Learning Curves".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from textwright.model_search.estimate import estimate, fits
from textwright.model_search.trials import FinishedModel, Known, SearchStep, StepKind, Trial
from textwright.model_search.variations import Variation, variations_of
from textwright.training.settings import FEW_TEXTS_PER_LABEL

_FEW_TEXTS: Final = 1_000
"""Training texts from which on families are probed; fewer are learned from whole at once."""
_PROBE_SIZES: Final = (300, 1_000)
_PROBE_SHARE: Final = 16
_TEXTS_PER_LABEL: Final = 10
_GROWTH: Final = 4
_NEXT_TO_NOTHING: Final = 0.02
"""Of the budget: a family that takes less is always trained in full, since it can be the fast stage of a cascade."""
_UNTIL_FIRST: Final = 0.7
"""Of the budget: when less is left and there is no model, one is trained before anything else is probed."""
_NUM_TUNED: Final = 2
"""Families whose settings are changed."""
_NUM_STUDENTS: Final = 2
_LEAST_TEACHER_LEAD: Final = 2.0
"""Times the tolerance that a teacher must be better than a student."""
_COPIES: Final = (10, 4, 2, 1, 0)
_RECIPES: Final = ("openvino-bf16", "int8-smooth", "fused")
"""Candidates of ``optimize`` that have won measurements of encoders, the fastest first."""
_SHALLOW: Final = "bert-3"
_SHALLOW_LAYERS: Final = (1, 3, 5)
"""Layers of the built-in encoder of six that a shallow student keeps."""
_ENCODER_OF_SIX: Final = "minilm-l6"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A step with what it will take.

    Args:
        step: What may be tried.
        seconds: Predicted; None where nothing like it was measured.
    """

    step: SearchStep
    seconds: float | None


def next_step(known: Known) -> Proposal | None:
    """Choose what to try next.

    Args:
        known: What was tried, and the time left.

    Returns:
        The first step in the order of the stages that was not tried and is predicted to fit; None if there is none.
    """
    return next((item for item in open_steps(known) if fits(item.seconds, known)), None)


def open_steps(known: Known) -> Iterator[Proposal]:
    """List the steps that were not tried, the most useful first, whether they fit or not."""
    for stage in STAGES:
        for step in stage(known):
            if step.name not in known.trials:
                yield Proposal(step, estimate(step, known))


def probe_sizes(known: Known) -> tuple[int, ...]:
    """Choose how many texts families are probed on.

    Returns:
        Ascending; empty where the texts are so few that a probe tells little and saves nothing.
    """
    if known.num_train < _FEW_TEXTS:
        return ()
    least, most = _PROBE_SIZES
    first = max(min(known.num_train // _PROBE_SHARE, most), least, _TEXTS_PER_LABEL * known.num_labels)
    return tuple(size for size in (first, _GROWTH * first) if size <= known.num_train // 2)


def _something_to_ship(known: Known) -> Iterator[SearchStep]:
    """Train the cheapest probed family on all texts once the budget shrinks and there is no model yet."""
    if known.models or known.seconds_left > _UNTIL_FIRST * known.budget_s:
        return
    steps = [_full_step(name) for name in _probed(known, [family.name for family in known.families])]
    untried = {step.name: estimate(step, known) or 0.0 for step in steps if step.name not in known.trials}
    if untried:
        yield from _largest_that_fits(known, min(untried, key=untried.__getitem__))


def _probe(known: Known) -> Iterator[SearchStep]:
    """Probe every family, and the better half on more texts."""
    names = [family.name for family in known.families]
    for number, size in enumerate(probe_sizes(known)):
        if number:
            names = _better_half(known, names)
        yield from (_probe_step(name, size) for name in names)


def _probe_step(family: str, size: int) -> SearchStep:
    return SearchStep(StepKind.PROBE, f"{family}-on-{size}", f"{size:,} texts, to see how it learns", family, size=size)


def _better_half(known: Known, names: list[str]) -> list[str]:
    """Keep the better half, what cannot be told from its last by chance, and what costs next to nothing."""
    scores = {
        name: max(trial.score or 0.0 for trial in known.of(StepKind.PROBE, name)) for name in _probed(known, names)
    }
    ranked = sorted(scores.values(), reverse=True)
    if not ranked:
        return names
    last = ranked[math.ceil(len(ranked) / 2) - 1]
    return [name for name in scores if scores[name] >= last - _chance(last, known) or _is_cheap(known, name)]


def _probed(known: Known, names: list[str]) -> list[str]:
    return [name for name in names if known.of(StepKind.PROBE, name)]


def _chance(score: float, known: Known) -> float:
    """Give the standard error of a score on the validation texts."""
    return math.sqrt(max(score * (1 - score), 0.0) / max(known.num_validation, 1))


def _is_cheap(known: Known, family: str) -> bool:
    seconds = estimate(_full_step(family), known)
    return seconds is not None and seconds <= _NEXT_TO_NOTHING * known.budget_s


def _full_step(family: str, size: int | None = None) -> SearchStep:
    texts = "all texts" if size is None else f"{size:,} texts, as many as there is time for"
    return SearchStep(StepKind.TRAIN, family if size is None else f"{family}-with-{size}", texts, family, size=size)


def _full(known: Known) -> Iterator[SearchStep]:
    """Train the promising families: the cheap ones first, so that there is something to ship, then by promise."""
    names = [family.name for family in known.families]
    if sizes := probe_sizes(known):
        for _ in sizes:
            names = _better_half(known, names)
        names.sort(key=lambda name: (not _is_cheap(known, name), -promise(known, name)))
    for name in names:
        yield from _largest_that_fits(known, name)


def _largest_that_fits(known: Known, family: str) -> Iterator[SearchStep]:
    """Train on all texts; where that does not fit, on the half of them, or the quarter, and so on."""
    whole = _full_step(family)
    yield whole
    if whole.name in known.trials or any(trial.step.size for trial in known.of(StepKind.TRAIN, family)):
        return
    least = 2 * max((trial.num_train for trial in known.of(StepKind.PROBE, family)), default=known.num_train)
    size = known.num_train // 2
    while size >= least:
        step = _full_step(family, size)
        if fits(estimate(step, known), known):
            yield step
            return
        size //= 2


def promise(known: Known, family: str) -> float:
    """Extrapolate a family's learning curve to all texts.

    The error falls as a power of the number of texts: what it fell by between two probes it falls by again for each
    further time that the texts grow as much. A single probe is its own promise.

    Args:
        known: What was tried.
        family: Its name.

    Returns:
        A score, in [0, 1]; 0 for a family that was not probed.
    """
    points = sorted((trial.num_train, trial.score or 0.0) for trial in known.of(StepKind.PROBE, family))
    if len(points) < 2:
        return points[0][1] if points else 0.0
    (low, before), (high, after) = points[-2:]
    if after >= 1 or after <= before:
        return after
    exponent = math.log(known.num_train / high) / math.log(high / low)
    return float(1 - (1 - after) * ((1 - after) / (1 - before)) ** exponent)


def _tune(known: Known, most: int = 1) -> Iterator[SearchStep]:
    """Change settings of the best families, one after the other, each on top of its best settings so far."""
    is_few = known.num_train <= FEW_TEXTS_PER_LABEL * known.num_labels
    for trial in _best_of_families(known)[:_NUM_TUNED]:
        tried = _tried(known, trial.step.family)
        for variation in variations_of(trial.step.family, counts_rare=known.counts_rare, has_few_texts=is_few):
            if variation.name in tried:
                continue
            if len(tried) < most and not _has_stalled(known, trial.step.family):
                yield _varied(trial.step, variation)
            break


def _tune_on(known: Known) -> Iterator[SearchStep]:
    yield from _tune(known, most=len(known.trials) + 1)


def _best_of_families(known: Known) -> list[Trial]:
    """List the best trained model of each family, the best first; those that keep to the latency before the others."""
    best: dict[str, Trial] = {}
    for trial in known.of(StepKind.TRAIN):
        if trial.step.family not in best or (trial.score or 0) > (best[trial.step.family].score or 0):
            best[trial.step.family] = trial
    return sorted(best.values(), key=lambda trial: (_is_too_slow(known, trial), -(trial.score or 0.0)))


def _is_too_slow(known: Known, trial: Trial) -> bool:
    bound = known.max_latency_ms
    return bound is not None and all(1000 * model.seconds_per_text > bound for model in trial.models)


def _tried(known: Known, family: str) -> list[str]:
    """Name the changes of a family that were tried, in order."""
    steps = (trial.step for trial in known.trials.values() if trial.step.kind is StepKind.TRAIN)
    return [str(step.options["variation"]) for step in steps if step.family == family and "variation" in step.options]


def _has_stalled(known: Known, family: str) -> bool:
    """Whether the last two changes of a family gained nothing."""
    trials = [trial for trial in known.trials.values() if trial.step.kind is StepKind.TRAIN]
    scores = [trial.score or 0.0 for trial in trials if trial.step.family == family]
    return len(scores) > 2 and max(scores[-2:]) <= max(scores[:-2])


def _varied(step: SearchStep, variation: Variation) -> SearchStep:
    return SearchStep(
        StepKind.TRAIN,
        f"{step.name}+{variation.name}",
        f"{step.family} with {variation.summary}",
        step.family,
        {**step.training, **variation.training},
        {**step.model, **variation.model},
        step.size,
        options={"variation": variation.name},
        cost=step.cost * variation.cost,
    )


def _faster(known: Known) -> Iterator[SearchStep]:
    """Make what the best encoder knows cheaper, if it is worth more than the best light model."""
    teacher = _best_encoder(known)
    light = next((model for model in known.models if not known.is_slow(model)), None)
    is_worth_it = teacher is not None and (light is None or teacher.score > light.score + known.tolerance)
    if teacher is not None and is_worth_it:
        yield from _optimize(known, teacher)
        yield from _distill(known, teacher)
        yield from _optimize_students(known)
        yield from _cascade(known)
    elif known.num_unlabeled and known.models:
        yield from _distill(known, known.models[0])


def _best_encoder(known: Known) -> FinishedModel | None:
    trained = (StepKind.TRAIN, StepKind.DISTILL)
    kinds = {name: trial.step.kind for name, trial in known.trials.items()}
    return next((model for model in known.models if known.is_slow(model) and kinds[model.step] in trained), None)


def _optimize(known: Known, model: FinishedModel) -> Iterator[SearchStep]:
    """Optimize a graph with as many recipes as fit, at least one."""
    name = f"{model.name}-optimized"
    for number in range(len(_RECIPES), 0, -1):
        step = SearchStep(
            StepKind.OPTIMIZE, name, f"a faster graph of {model.name}", parents=(model.name,),
            options={"recipes": list(_RECIPES[:number])},
        )  # fmt: skip
        if number == 1 or fits(estimate(step, known), known):
            yield step
            return


def _optimize_students(known: Known) -> Iterator[SearchStep]:
    """Optimize shallow students that are about as good as the best."""
    best = known.models[0].score
    for trial in known.of(StepKind.DISTILL):
        if trial.step.family in known.encoders and (trial.score or 0.0) >= best - 2 * known.tolerance:
            yield from _optimize(known, trial.models[0])


def _distill(known: Known, teacher: FinishedModel) -> Iterator[SearchStep]:
    """Teach the best light families, and a shallow encoder, on as many texts as fit."""
    fastest = _fastest_of(known, teacher)
    trials = _best_of_families(known)
    light = [trial for trial in trials if trial.step.family not in known.encoders and trial.step.name != teacher.step]
    lead = _LEAST_TEACHER_LEAD * known.tolerance
    for trial in light[:_NUM_STUDENTS]:
        if teacher.score > (trial.score or 0.0) + lead:
            yield from _taught(known, trial.step, trial.step.name, teacher, fastest)
    of_teacher = next((trial.step for trial in trials if trial.step.name == teacher.step), None)
    if of_teacher is not None and teacher.family == "bert" and _has_six_layers(of_teacher):
        shallow = {**of_teacher.model, "keep_layers": list(_SHALLOW_LAYERS)}
        step = SearchStep(StepKind.TRAIN, _SHALLOW, "", "bert", of_teacher.training, shallow, cost=of_teacher.cost / 2)
        yield from _taught(known, step, _SHALLOW, teacher, fastest)


def _has_six_layers(step: SearchStep) -> bool:
    return step.model.get("encoder", _ENCODER_OF_SIX) == _ENCODER_OF_SIX and "keep_layers" not in step.model


def _fastest_of(known: Known, teacher: FinishedModel) -> FinishedModel:
    """Take the fastest graph of a teacher that answers as it does."""
    optimized = known.trials.get(f"{teacher.name}-optimized")
    graphs = [teacher, *(optimized.models if optimized else ())]
    return min(graphs, key=lambda model: model.seconds_per_text)


def _taught(
    known: Known, student: SearchStep, name: str, teacher: FinishedModel, answering: FinishedModel
) -> Iterator[SearchStep]:
    """Teach on the most altered copies that fit, at least on the texts as they are."""
    for copies in _COPIES:
        step = SearchStep(
            StepKind.DISTILL,
            f"{name}-from-{teacher.name}",
            f"{name} taught by {teacher.name}",
            student.family,
            student.training,
            student.model,
            parents=(answering.name, teacher.name),
            options={"num_copies": copies},
            cost=student.cost,
        )
        if copies == _COPIES[-1] or fits(estimate(step, known), known):
            yield step
            return


def _cascade(known: Known) -> Iterator[SearchStep]:
    """Put the best light model in front of the fastest of the best encoders."""
    fast = next((model for model in known.models if not known.is_slow(model)), None)
    strong = strongest(known)
    if fast is None or strong is None or "+" in strong.family or strong.score <= fast.score:
        return
    yield SearchStep(
        StepKind.CASCADE,
        f"{fast.name}-then-{strong.name}".replace("@", "-"),
        f"{fast.name} where it is sure, else {strong.name}",
        parents=(fast.name, strong.name),
    )


def strongest(known: Known) -> FinishedModel | None:
    """Find the fastest encoder that lies at most the tolerance below the best one; None if there is no encoder."""
    slow = [model for model in known.models if known.is_slow(model) and "+" not in model.family]
    near = [model for model in slow if model.score >= slow[0].score - known.tolerance]
    return min(near, key=lambda model: model.seconds_per_text, default=None)


def _rest(known: Known) -> Iterator[SearchStep]:
    """Train the families that looked less promising, but for those whose probe came to nothing."""
    hopeless = {trial.step.family for trial in known.trials.values() if trial.step.family and trial.score is None}
    for family in known.families:
        if family.name not in hopeless:
            yield from _largest_that_fits(known, family.name)


STAGES: Final[tuple[Callable[[Known], Iterator[SearchStep]], ...]] = (
    _something_to_ship,
    _probe,
    _full,
    _tune,
    _faster,
    _tune_on,
    _rest,
)
