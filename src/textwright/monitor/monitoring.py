"""Compare records with the reference of their model: every test, every estimate, and whether that is an alarm.

::

    artifact -> profile --+
                          +-> tests, label shares, expected accuracy -> MonitorReport
    records  -> sample ---+
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from textwright.core import artifact as artifacts
from textwright.core.artifact import Artifact
from textwright.core.reference_profile import ReferenceProfile, read_profile
from textwright.data.settings import DataSettings
from textwright.errors import NotFoundError
from textwright.evaluate.eval_split import select_rows
from textwright.evaluate.intervals import Interval
from textwright.evaluate.predictions import observe
from textwright.evaluate.profile import make_profile
from textwright.monitor.drift_tests import DriftTest, compare_distributions, decide, tell_apart
from textwright.monitor.expected_accuracy import accuracy_after_label_shift, expected_accuracy, reference_accuracy
from textwright.monitor.label_shift import LabelShares, estimate_label_shares
from textwright.monitor.records import read_records
from textwright.monitor.report import LabelShareEstimate, MonitorReport, Reference
from textwright.monitor.sample import Sample
from textwright.monitor.settings import MonitorSettings
from textwright.monitor.windows import cut_by_time
from textwright.optional_deps import require
from textwright.runtime.loading import load
from textwright.storage import locate


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceTexts:
    """What records are compared with.

    Args:
        profile: Counts over the texts.
        source: Where they are from.
        texts: The texts; empty where an artifact's own profile is used, which holds none.
    """

    profile: ReferenceProfile
    source: str
    texts: Sequence[str] = ()


def monitor(
    path: Path,
    records: str | Path,
    settings: MonitorSettings,
    *,
    reference: str | None = None,
    data: DataSettings | None = None,
    on_step: Callable[[str], object] = lambda _step: None,
) -> MonitorReport:
    """Compare recorded predictions with the reference of their model.

    Args:
        path: The artifact that was served, or the run folder that holds it.
        records: The folder that ``serve --record`` writes, or ``s3://BUCKET/KEY``.
        settings: Which records, and when a difference is an alarm.
        reference: A labeled source that stands in for the artifact's profile; of the training data its test split.
        data: How to read it.
        on_step: Called with what is done now.

    Returns:
        The report.

    Raises:
        NotFoundError: If there is no artifact, no folder of records, or no profile and no ``reference``.
        DataError: If the records, or the reference, cannot be used.
        MissingExtraError: If the extra "monitor" is not installed.
    """
    require("monitor", what="monitoring")
    artifact = artifacts.read(path)
    expected = reference_of(artifact, reference, data or DataSettings(), on_step)
    on_step("reading the records")
    rows = read_records(
        locate(records),
        artifact,
        last_hours=settings.last_hours,
        max_texts=settings.max_texts,
        with_texts=bool(expected.texts),
    )
    on_step("comparing")
    comparison = compare(expected.profile, rows.sample, settings, reference_texts=expected.texts)
    manifest, sample = artifact.manifest, rows.sample
    return MonitorReport(
        name=manifest.name,
        version=artifact.version,
        records=str(records),
        num_texts=len(sample),
        num_recorded=rows.num_rows,
        num_other_versions=rows.num_other_versions,
        first=sample.times[0].isoformat(timespec="seconds"),
        last=sample.times[-1].isoformat(timespec="seconds"),
        reference=_describe(expected),
        settings=settings.model_dump(mode="json"),
        is_multi_label=sample.is_multi_label,
        labels=_label_rows(manifest.labels.names, expected.profile, sample, comparison.shares),
        tests=comparison.tests,
        expected_accuracy=comparison.accuracy,
        accuracy_after_label_shift=comparison.shifted_accuracy,
        windows=cut_by_time(sample),
    )


def reference_of(
    artifact: Artifact, source: str | None, data: DataSettings, on_step: Callable[[str], object]
) -> ReferenceTexts:
    """Find what records are compared with: an artifact's profile, or a labeled source."""
    if source is not None:
        predictor = load(artifact)
        on_step("predicting the reference")
        selection = select_rows(source, data, artifact, "auto", exclude_seen=False)
        predictions = observe(predictor, selection.examples)
        profile = make_profile(predictor, selection.examples, predictions, split=selection.split)
        return ReferenceTexts(profile, source, selection.examples.texts)
    profile_read = read_profile(artifact)
    if profile_read is None:
        raise NotFoundError(
            f"{artifact.path} holds no reference profile: it has several stages or was made by an earlier version; "
            "name labeled texts of its kind with --reference SOURCE, or train it again"
        )
    return ReferenceTexts(profile_read, str(artifact.manifest.data.get("source", "")))


@dataclass(frozen=True, slots=True, eq=False)
class DriftComparison:
    """A sample beside its reference.

    Args:
        tests: Whether it is of another distribution, and whether that is an alarm.
        shares: Of the labels; None for more labels than a profile tells apart.
        accuracy: Expected, as the confidences are.
        shifted_accuracy: Expected for those shares of the labels; None without them.
    """

    tests: Sequence[DriftTest]
    shares: LabelShares | None
    accuracy: Interval
    shifted_accuracy: Interval | None


def compare(
    profile: ReferenceProfile, sample: Sample, settings: MonitorSettings, *, reference_texts: Sequence[str] = ()
) -> DriftComparison:
    """Make every test and every estimate.

    Args:
        profile: The reference.
        sample: N >= 1 texts.
        settings: When a difference is an alarm.
        reference_texts: Texts of the reference, for the domain classifier; empty leaves it out.
    """
    tests = compare_distributions(profile, sample)
    domain = tell_apart(reference_texts, sample.texts) if len(reference_texts) and len(sample.texts) else None
    tests += [] if domain is None else [domain]
    shares = estimate_label_shares(profile, sample)
    return DriftComparison(
        tests=decide(tests, alarm_level=settings.alarm_level, min_effect=settings.min_effect),
        shares=shares,
        accuracy=expected_accuracy(profile, sample),
        shifted_accuracy=None if shares is None else accuracy_after_label_shift(profile, sample, shares),
    )


def _describe(expected: ReferenceTexts) -> Reference:
    profile = expected.profile
    return Reference(expected.source, profile.split, profile.num_texts, reference_accuracy(profile))


def _label_rows(
    names: Sequence[str], profile: ReferenceProfile, sample: Sample, shares: LabelShares | None
) -> list[LabelShareEstimate]:
    counts = sample.predicted_counts
    return [
        LabelShareEstimate(
            label=name,
            reference=profile.label_counts[index] / profile.num_texts,
            predicted_reference=profile.predicted_counts[index] / profile.num_texts,
            predicted=counts[index] / len(sample),
            estimated=None if shares is None else shares.interval(index),
        )
        for index, name in enumerate(names)
    ]
