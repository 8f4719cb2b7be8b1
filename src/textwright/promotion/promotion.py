"""Compare a candidate with the champion on frozen texts, and decide whether it may take its place.

::

    two models, texts -> paired test -> slices -> behavioral tests -> latency and size -> report with its reasons

Called by ``textwright promote``. The report lies beside the candidate's artifact, not in it: every file of an artifact
is hashed, and a new one would make another version of it than the one that was measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from textwright.core.artifact import Artifact
from textwright.core.callbacks import Callback
from textwright.core.hub import HubAddress, is_hub_address
from textwright.core.labels import Labels, Task
from textwright.core.types import Bools
from textwright.data.dataset import Examples
from textwright.data.in_memory import DataSource
from textwright.data.load import fingerprint
from textwright.data.settings import DataSettings
from textwright.data.text_hashes import find_texts
from textwright.environment import machine
from textwright.errors import DataError, SettingsError
from textwright.evaluate.behavior.functionality import read_cases
from textwright.evaluate.benchmark import benchmark
from textwright.evaluate.eval_split import Selection, Split, reading_settings, select, training_texts
from textwright.evaluate.evaluation import MeasuredModel
from textwright.evaluate.predictions import observe
from textwright.evaluate.scores import METRICS
from textwright.evaluate.slices import make_slices
from textwright.promotion.behavior.run import run_behavior_tests
from textwright.promotion.paired_groups import PairedGroup, compare_slices
from textwright.promotion.report import FrozenTexts, ModelFigures, PromotionReport
from textwright.promotion.settings import PromotionSettings
from textwright.runtime.predictor import Predictor

_PLACE: Final = "promotion"
_MAX_NAMED_LABELS: Final = 8


def promote(
    candidate: Predictor,
    champion: Predictor,
    source: DataSource,
    settings: PromotionSettings,
    data: DataSettings,
    *,
    split: Split = "auto",
    callback: Callback | None = None,
) -> PromotionReport:
    """Compare two models on labeled texts that neither was trained on.

    Args:
        candidate: The model that shall be promoted.
        champion: The model that answers now.
        source: Labeled texts that were put aside.
        settings: What the candidate must show.
        data: How to read the source.
        split: Which rows; "auto" as for ``textwright evaluate``.
        callback: Is told about stages and progress; None tells nobody.

    Returns:
        The report; its ``reasons`` say why the candidate is not promoted, and are empty if it is.

    Raises:
        SettingsError: If both are the same artifact, or their labels differ; names the cure.
        DataError: If the source cannot be used, or one of them was trained on all its texts.
        NotFoundError: If there is no such source or file of tests.
    """
    callback = callback or Callback()
    _refuse_incomparable(candidate, champion)
    cases = [] if settings.tests is None else read_cases(settings.tests, candidate.labels)
    callback.on_stage_begin("reading the texts")
    selection = select(
        source, data, candidate.artifact.manifest, split, partial(callback.on_progress, "fetching the data")
    )
    slices = make_slices(
        source,
        reading_settings(source, data, candidate.artifact.manifest),
        settings.slices,
        selection.examples,
        selection.rows,
        candidate.labels,
    )
    frozen, unseen = _freeze(selection, source, (candidate.artifact, champion.artifact), candidate.labels)
    examples = selection.examples.take(np.flatnonzero(unseen))
    slices = {name: rows[unseen] for name, rows in slices.items()}
    callback.on_stage_begin(f"predicting {len(examples):,} texts")
    right = [_right(predictor, examples, candidate.labels, callback) for predictor in (candidate, champion)]
    callback.on_stage_begin("running the behavioral tests")
    behavior = run_behavior_tests(candidate, champion, examples.texts, cases, settings)
    callback.on_stage_begin("measuring latency and throughput")
    models = _models(candidate, champion, examples.texts)
    return PromotionReport(
        candidate=models[0],
        champion=models[1],
        data=frozen,
        settings=settings,
        metric=_primary_metric(candidate.labels),
        overall=PairedGroup.of("", *right),
        slices=compare_slices(slices, *right, min_texts=settings.min_slice_texts),
        behavior=behavior,
        machine=machine(),
    )


def report_folder(candidate: Path, artifact: Artifact) -> Path:
    """Name the folder of a candidate's report: in its run folder, or beside an artifact that stands alone.

    Args:
        candidate: As it was named. One of the hub has its report in the working directory, not in the hub's cache.
        artifact: What was opened there.
    """
    if is_hub_address(candidate):
        return Path(f"{HubAddress.parse(candidate).repo.rpartition('/')[2]}.{_PLACE}")
    name = artifact.path.name
    return artifact.path.with_name(_PLACE if name == "artifact" else f"{name}.{_PLACE}")


def _refuse_incomparable(ours: Predictor, theirs: Predictor) -> None:
    if ours.artifact.digest == theirs.artifact.digest:
        raise SettingsError(
            f"candidate and champion are the same artifact, version {ours.artifact.version}; name two different ones"
        )
    if ours.labels.task is not theirs.labels.task:
        raise SettingsError(
            f"the candidate is a {ours.labels.task} model and the champion a {theirs.labels.task} one, so no text is "
            "right in both by the same rule; measure each alone with textwright evaluate"
        )
    new = sorted({*ours.labels.names} - {*theirs.labels.names})
    missing = sorted({*theirs.labels.names} - {*ours.labels.names})
    if new or missing:
        parts = [f"the candidate has {_listed(new)}, which the champion does not know"] if new else []
        parts += [f"the champion has {_listed(missing)}, which the candidate does not know"] if missing else []
        raise SettingsError(
            f"{'; '.join(parts)}: they cannot be compared on the same labels. Train the candidate on the champion's "
            "labels, or train the champion again on the new labels (textwright train NEW-ROWS --from CHAMPION) and "
            "compare with that; or measure each alone with textwright evaluate"
        )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MAX_NAMED_LABELS} more" if len(names) > _MAX_NAMED_LABELS else ""
    return f"the label{'s' if len(names) > 1 else ''} {', '.join(map(repr, names[:_MAX_NAMED_LABELS]))}{more}"


def _freeze(
    selection: Selection, source: DataSource, artifacts: Sequence[Artifact], labels: Labels
) -> tuple[FrozenTexts, Bools]:
    """Leave out what either model was trained on, and say which texts are left."""
    texts = selection.examples.texts
    unseen, unknown, counts = np.ones(len(texts), dtype=np.bool_), [], []
    for role, artifact in zip(("candidate", "champion"), artifacts, strict=True):
        hashes = training_texts(artifact)
        if hashes is None or not hashes.is_complete:
            unknown.append(role)
        seen = np.zeros(len(texts), dtype=np.bool_)
        if hashes is not None:
            seen = find_texts(texts, hashes.train) | find_texts(texts, hashes.validation)
        counts.append(int(seen.sum()))
        unseen &= ~seen
    if not unseen.any():
        raise DataError(
            f"{source}: each of the {len(texts):,} texts was seen in training by the candidate or the champion; give "
            "texts that were put aside before either was trained"
        )
    left = selection.examples.take(np.flatnonzero(unseen))
    return FrozenTexts(
        source=str(source),
        description=selection.description.partition(";")[0],
        fingerprint=fingerprint(left.texts, left.targets, labels),
        num_texts=len(left),
        num_seen_by_candidate=counts[0],
        num_seen_by_champion=counts[1],
        unknown_training=tuple(unknown),
    ), unseen


def _right(predictor: Predictor, examples: Examples, labels: Labels, callback: Callback) -> Bools:
    """Say which texts a model has right, whatever the order of its labels."""
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        callback.on_progress(f"predicting with {predictor.artifact.manifest.name}", done, len(examples))

    return observe(predictor, _in_order_of(predictor.labels, examples, labels), advance).correct


def _in_order_of(order: Labels, examples: Examples, labels: Labels) -> Examples:
    """Give targets in the order of the same labels elsewhere."""
    if order.names == labels.names:
        return examples
    if labels.task is Task.SINGLE_LABEL:
        places = np.array([order.index[name] for name in labels.names], dtype=np.int64)
        return replace(examples, targets=places[examples.targets])
    columns = [labels.index[name] for name in order.names]
    return replace(examples, targets=examples.targets[:, columns])


def _models(ours: Predictor, theirs: Predictor, texts: Sequence[str]) -> tuple[ModelFigures, ModelFigures]:
    timings = benchmark({"candidate": ours.predict, "champion": theirs.predict}, texts)
    candidate, champion = (
        ModelFigures(
            model=_identity(predictor),
            digest=predictor.artifact.digest,
            size_bytes=predictor.artifact.size_bytes,
            p50_ms=timings[role].latency_ms(),
            p95_ms=timings[role].latency_ms(95),
            texts_per_second=timings[role].texts_per_second,
        )
        for role, predictor in (("candidate", ours), ("champion", theirs))
    )
    # Ratios are taken within a round of the benchmark, so that a slow moment of the machine falls on both.
    ratio = timings["champion"].latency_gain(timings["candidate"])
    return replace(candidate, latency_ratio=ratio, size_ratio=candidate.size_bytes / champion.size_bytes), champion


def _identity(predictor: Predictor) -> MeasuredModel:
    manifest = predictor.artifact.manifest
    return MeasuredModel(
        manifest.name, manifest.family, predictor.variant, predictor.artifact.version, manifest.max_length
    )


def _primary_metric(labels: Labels) -> str:
    return next(name for name, metric in METRICS.items() if metric.task is labels.task)
