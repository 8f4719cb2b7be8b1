"""The pipeline: two artifacts and their labeled source in; one artifact, and a report of how it came about, out.

::

    fast, strong -> texts not trained on -> confidence and who is right -> curve -> point within the bound
                                                                                  |
    OUT/artifact/                  what is shipped, with the curve <- written, timed and measured on the test texts
    OUT/cascade.json, .html        the report

Nothing but the validation texts decides and, where these are few, training texts by cross-validation; the test texts
are read once, at the end, for the report.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np

from textwright.core.artifact import Artifact
from textwright.core.callbacks import Callback, CallbackList
from textwright.core.percent import percent
from textwright.core.types import Floats
from textwright.data.dataset import Examples
from textwright.data.settings import DataSettings
from textwright.environment import machine
from textwright.errors import DataError, NoGainError
from textwright.evaluate.batch_invariance import MAX_CHANGE, BatchInvariance, measure_batch_invariance
from textwright.evaluate.eval_split import select
from textwright.evaluate.evaluation import Evaluation
from textwright.evaluate.intervals import Interval, bootstrap
from textwright.evaluate.measure import evaluate_observations
from textwright.evaluate.paired import paired_p_value
from textwright.evaluate.paired_drop import PairedDrop, num_texts_for, smallest_bound
from textwright.evaluate.predictions import observe
from textwright.evaluate.scores import primary_metric
from textwright.optimize.candidate_result import LEAST_GAIN
from textwright.optimize.cascade.assemble import CascadePlan, write_cascade
from textwright.optimize.cascade.curve import Curve, Point
from textwright.optimize.cascade.gate_answers import answer_gate_texts
from textwright.optimize.cascade.outcome import DropOnTexts, Outcome, Verdict
from textwright.optimize.cascade.pair import NUM_THREADS, Pair, open_pair
from textwright.optimize.cascade.settings import CascadeSettings
from textwright.optimize.cascade.speed import Speed, compare_speed
from textwright.optimize.eval_texts import check_enough_texts
from textwright.runtime.cpu_features import instruction_set
from textwright.runtime.loading import open_predictor
from textwright.runtime.predictor import Predictor

_MOST_POINTS: Final = 201
"""Of the curve in artifact and report."""
_LEAST_TEXTS: Final = 100
"""Texts that are enough for a curve, whatever the bound: with fewer, one text is more than a point."""


def make_cascade(
    fast: Path,
    strong: Path,
    source: str,
    out: Path,
    settings: CascadeSettings,
    data: DataSettings,
    callbacks: Sequence[Callback] = (),
) -> Outcome:
    """Make one artifact of two.

    Args:
        fast: The artifact that reads every text.
        strong: The one that takes what the fast one is not sure of.
        source: Labeled texts; best those that both were trained on, whose splits are then cut as they were.
        out: Folder of the result.
        settings: The bound, and which graphs.
        data: How to read the source.
        callbacks: Called at each stage.

    Returns:
        The cascade and how it came about.

    Raises:
        SettingsError: If the models do not belong together, or no point keeps a latency bound.
        DataError: If the source cannot be used, has other labels, or with ``settings.require_bound`` too few texts for
            the bound.
        ArtifactError: If an artifact cannot be trusted.
        NoGainError: If no text can be left to the fast model within the bound, that gains no time here, or predictions
            change with the other texts of a batch.
    """
    callback = CallbackList(callbacks)
    pair = open_pair(fast, strong, settings.fast_variant, settings.strong_variant)
    manifest = pair.strong.artifact.manifest
    validation = select(source, data, manifest, "validation").examples
    answers, gate_texts = answer_gate_texts(
        pair, source, data, validation, settings, _num_needed(settings), out / "folds", callback
    )
    check_enough_texts(len(answers), gate_texts)
    _refuse_too_few(len(answers), settings)
    curve, choose = answers.curve(), _chooser(settings, pair, validation.texts)
    point = choose(curve)
    callback.on_stage_begin(f"the fast model answers from a confidence of {point.min_confidence:.4f} on")
    points = curve.thinned(_MOST_POINTS)
    described = _describe(pair, settings, source, len(answers), gate_texts)
    cross_validated = DropOnTexts.of(answers.cross_validate(choose))
    described["cross_validated"] = cross_validated
    stored = {
        **described,
        "cross_validated": asdict(cross_validated),
        "point": asdict(point),
        "curve": [asdict(item) for item in points],
    }
    name = settings.name or f"{manifest.name}-cascade"
    plan = CascadePlan(pair, point.min_confidence, name, validation.texts, settings.model_dump(mode="json"), stored)
    test = select(source, data, manifest, "test").examples
    with TemporaryDirectory(prefix="textwright-") as folder:
        cascade = open_predictor(write_cascade(Path(folder) / "cascade", plan), num_threads=NUM_THREADS)
        stability = measure_batch_invariance(cascade, validation.texts)
        _refuse_batch_dependent(stability, pair, settings)
        callback.on_stage_begin("timing the cascade and its models in turn")
        three = {"fast": pair.fast, "strong": pair.strong, "cascade": cascade}
        speed = compare_speed(three, validation.texts, "strong")
        _refuse_no_gain(speed, point)
        callback.on_stage_begin(f"measuring them on {len(test):,} test texts")
        verdict, evaluation = _judge(three, test, source)
    artifact = write_cascade(out / "artifact", plan, evaluation, stability)
    outcome = _outcome(artifact, settings, described, points, point, verdict, stability, speed)
    outcome.write(out)
    return outcome


def _num_needed(settings: CascadeSettings) -> int:
    """Count the texts that can show the bound on the drop, if no answer changes on any."""
    bound = settings.drop_bound
    return _LEAST_TEXTS if bound is None else max(_LEAST_TEXTS, num_texts_for(bound / 100, settings.confidence / 100))


def _refuse_too_few(num_texts: int, settings: CascadeSettings) -> None:
    """Refuse texts that cannot show the bound, where it must be shown."""
    needed, bound = _num_needed(settings), settings.drop_bound
    if settings.require_bound and num_texts < needed:
        reason = "to draw a curve"
        if bound is not None and needed > _LEAST_TEXTS:
            reason = f"to bound a drop by {bound:g} points with a confidence of {settings.confidence:g} %"
        raise DataError(
            f"there are {num_texts:,} texts to choose by, but {reason} takes {needed:,}: fewer cannot show it even "
            "if no answer changes; train both models on a source with more texts, leave --require-bound out"
            + ("" if bound is None else ", allow a larger --max-drop, or lower --confidence")
        )


def _shown_bound(settings: CascadeSettings, num_texts: int) -> float:
    """Say which bound on the drop, in points, so many texts can show: the one that was set, or a larger one."""
    return max(settings.drop_bound or 0.0, 100 * smallest_bound(num_texts, settings.confidence / 100))


def _chooser(settings: CascadeSettings, pair: Pair, texts: Sequence[str]) -> Callable[[Curve], Point]:
    """Return what chooses the point of a curve."""
    if settings.max_latency_ms is not None:
        max_ms = settings.max_latency_ms
        speed = compare_speed({"fast": pair.fast, "strong": pair.strong}, texts, "strong")
        return lambda curve: _choose_by_latency(curve, max_ms, speed["fast"].mean_ms, speed["strong"].mean_ms)
    return lambda curve: _choose_by_drop(curve, settings)


def _choose_by_drop(curve: Curve, settings: CascadeSettings) -> Point:
    confidence, bound = settings.confidence / 100, settings.drop_bound
    if bound is None:
        return curve.cheapest_within(100 * curve.strong_accuracy - (settings.min_accuracy or 0), confidence)
    return curve.cheapest_within(bound, confidence, _shown_bound(settings, curve.num_texts))


def _choose_by_latency(curve: Curve, max_ms: float, fast_ms: float, strong_ms: float) -> Point:
    """Escalate as much as there is time for: each text takes the fast stage, and some the strong one too."""
    if max_ms < fast_ms:
        raise NoGainError(
            f"the fast model alone takes {fast_ms:.3g} ms for a lone text here, more than the {max_ms:g} ms allowed; "
            "allow more, or give a faster model"
        )
    if max_ms >= strong_ms:
        raise NoGainError(
            f"the strong model alone takes {strong_ms:.3g} ms for a lone text here, within the {max_ms:g} ms allowed; "
            "serve it alone, or allow less"
        )
    return curve.best_within((max_ms - fast_ms) / strong_ms)


def _refuse_batch_dependent(stability: BatchInvariance, pair: Pair, settings: CascadeSettings) -> None:
    if not (stability.is_invariant or settings.allow_batch_dependent):
        raise NoGainError(
            f"the cascade of {pair.variant} is not batch-invariant: {stability.in_words()}, bound {MAX_CHANGE:g}; name "
            "other graphs with --fast-variant and --strong-variant (fp32, int8-smooth), or accept it with "
            "--allow-batch-dependent"
        )


def _refuse_no_gain(speed: Mapping[str, Speed], point: Point) -> None:
    gain = speed["cascade"].throughput_gain
    if gain < LEAST_GAIN:
        escalated = percent(point.share_escalated)
        raise NoGainError(
            f"within the bound {escalated} of the texts are escalated, and that is {gain:.2f} times "
            f"the strong model's throughput here, which is no gain; the fast model takes "
            f"{speed['fast'].mean_ms:.3g} ms for a text and the strong one {speed['strong'].mean_ms:.3g} ms; "
            "allow a larger drop, or give a fast model that is faster or more often right"
        )


def _judge(three: Mapping[str, Predictor], test: Examples, source: str) -> tuple[Verdict, Evaluation]:
    predictions = {name: observe(item, test) for name, item in three.items()}
    evaluations = {
        name: evaluate_observations(item, test, predictions[name], source=source, split="test")
        for name, item in three.items()
    }
    right = {name: item.correct.astype(np.int64) for name, item in predictions.items()}
    escalated = [item.stage == "strong" for item in three["cascade"].predict(test.texts)]
    verdict = Verdict(
        num_texts=len(test),
        accuracy={name: item.metrics[item.primary_metric] for name, item in evaluations.items()},
        share_escalated=float(np.mean(escalated)),
        drop=_mean_of(100 * (right["strong"] - right["cascade"]).astype(np.float64)),
        drop_bound=PairedDrop.of(predictions["cascade"].correct, predictions["strong"].correct).upper_bound(),
        p_value=paired_p_value(right["cascade"], right["strong"]),
        agreement=100 * float(predictions["cascade"].agrees_with(predictions["strong"]).mean()),
    )
    return verdict, evaluations["cascade"]


def _mean_of(values: Floats) -> Interval:
    (interval,) = bootstrap({"all": values[:, None]}, lambda means: {"mean": means["all"][:, 0]}).values()
    return interval


def _describe(pair: Pair, settings: CascadeSettings, source: str, num_texts: int, gate_texts: str) -> dict[str, Any]:
    models = {
        stage: {
            "name": item.artifact.manifest.name,
            "version": item.artifact.version,
            "family": item.artifact.manifest.family,
            "variant": item.variant,
        }
        for stage, item in zip(("fast", "strong"), pair, strict=True)
    }
    bound = _bound(settings, num_texts)
    return {"source": source, "bound": bound, **models, "num_texts": num_texts, "gate_texts": gate_texts}


def _bound(settings: CascadeSettings, num_texts: int) -> str:
    if settings.min_accuracy is not None:
        return f"an accuracy of at least {settings.min_accuracy:g} %, with a confidence of {settings.confidence:g} %"
    if settings.max_latency_ms is not None:
        return f"at most {settings.max_latency_ms:g} ms for a lone text, on average"
    shown, confidence = _shown_bound(settings, num_texts), f"with a confidence of {settings.confidence:g} %"
    if shown > (settings.drop_bound or 0.0):
        return (
            f"at most {settings.drop_bound:g} points lost as measured, and at most {shown:.2f} {confidence}: "
            f"{num_texts:,} texts can show no less"
        )
    return f"at most {settings.drop_bound:g} points lost, {confidence}"


def _outcome(
    artifact: Artifact,
    settings: CascadeSettings,
    described: Mapping[str, Any],
    curve: list[Point],
    point: Point,
    verdict: Verdict,
    stability: BatchInvariance,
    speed: Mapping[str, Speed],
) -> Outcome:
    facts = {"instruction_set": instruction_set(), "onnxruntime": metadata.version("onnxruntime")}
    return Outcome(
        name=artifact.manifest.name,
        version=artifact.version,
        settings=settings,
        curve=curve,
        point=point,
        verdict=verdict,
        batch_invariance=stability,
        speed=speed,
        machine={**machine(), **facts},
        metric=primary_metric(artifact.manifest.labels.task),
        **described,
    )
