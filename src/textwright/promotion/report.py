"""What a promotion came to: the comparison, the reasons against it, and its page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from textwright.errors import NotPromotedError
from textwright.evaluate.behavior.results import TestKind
from textwright.evaluate.evaluation import MeasuredModel
from textwright.evaluate.scores import TITLES
from textwright.promotion.behavior.run import BehaviorResult
from textwright.promotion.paired_groups import PairedGroup, Standing
from textwright.promotion.settings import PromotionSettings
from textwright.report.base import Report


@dataclass(frozen=True, slots=True)
class ModelFigures:
    """One of the two models.

    Args:
        model: What it is.
        digest: Of its artifact; says which bytes were measured.
        size_bytes: Of the artifact.
        p50_ms: Median latency of one text.
        p95_ms: 95th percentile.
        texts_per_second: Throughput of many texts in a call.
        latency_ratio: Of the candidate: its median latency divided by the champion's, within a round; else 1.
        size_ratio: Of the candidate: its bytes divided by the champion's; else 1.
    """

    model: MeasuredModel
    digest: str
    size_bytes: int
    p50_ms: float
    p95_ms: float
    texts_per_second: float
    latency_ratio: float = 1.0
    size_ratio: float = 1.0

    @property
    def title(self) -> str:
        """Name and version."""
        return f"{self.model.name}@{self.model.version}"


@dataclass(frozen=True, slots=True)
class FrozenTexts:
    """The texts that both models were compared on.

    Args:
        source: What they are called.
        description: Which rows of it.
        fingerprint: sha256 over the texts and labels that were measured.
        num_texts: How many.
        num_seen_by_candidate: Texts that were left out because the candidate was trained on them.
        num_seen_by_champion: The same of the champion; a text may count in both.
        unknown_training: "candidate" or "champion" where it is not known which texts it was trained on.
    """

    source: str
    description: str
    fingerprint: str
    num_texts: int
    num_seen_by_candidate: int = 0
    num_seen_by_champion: int = 0
    unknown_training: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be known of the texts, in sentences."""
        seen = {"candidate": self.num_seen_by_candidate, "champion": self.num_seen_by_champion}
        left_out = [
            f"{count:,} texts were left out because the {role} was trained on them"
            for role, count in seen.items()
            if count
        ]
        unknown = [
            f"whether the {role} was trained on some of these texts is not known: the hashes of its training texts are "
            "not beside its artifact"
            for role in self.unknown_training
        ]
        return (*left_out, *unknown)


@dataclass(frozen=True, slots=True)
class PromotionReport(Report):
    """A candidate beside the champion.

    Args:
        candidate: The model that shall be promoted.
        champion: The model that answers now.
        data: The texts.
        settings: What was asked.
        metric: Which share of right texts is compared: "accuracy" or "exact_match".
        overall: Both on all texts.
        slices: Both on each slice.
        behavior: Both in each behavioral test.
        machine: Where latency was measured.
    """

    NAME: ClassVar[str] = "promotion"

    candidate: ModelFigures
    champion: ModelFigures
    data: FrozenTexts
    settings: PromotionSettings
    metric: str
    overall: PairedGroup
    slices: tuple[PairedGroup, ...]
    behavior: tuple[BehaviorResult, ...]
    machine: Mapping[str, Any]

    @property
    def is_promoted(self) -> bool:
        """Whether nothing speaks against the candidate."""
        return not self.reasons

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the candidate is not promoted, in sentences; empty if it is."""
        return (*self._overall_reasons(), *self._slice_reasons(), *self._behavior_reasons(), *self._cost_reasons())

    @property
    def verdict(self) -> str:
        """What was decided and why, in one sentence."""
        overall = self.overall.in_words(self.settings.margin)
        if self.is_promoted:
            return f"promoted: {self.metric_title} is {overall}"
        return f"not promoted: {'; '.join(self.reasons)}"

    @property
    def metric_title(self) -> str:
        """What people call the metric, within a sentence."""
        return TITLES[self.metric].lower()

    def raise_unless_promoted(self) -> None:
        """Refuse the candidate in words.

        Raises:
            NotPromotedError: Says every reason.
        """
        if not self.is_promoted:
            raise NotPromotedError(f"{self.candidate.title} is {self.verdict}")

    def to_json(self) -> dict[str, Any]:
        """Return the fields with the decision, its reasons and how the candidate stands."""
        content = super(PromotionReport, self).to_json()
        content["data"]["notes"] = list(self.data.notes)
        content["overall"]["standing"] = self.overall.standing(self.settings.margin).value
        return {
            "is_promoted": self.is_promoted,
            "verdict": self.verdict,
            "reasons": list(self.reasons),
            **content,
        }

    def charts(self) -> Mapping[str, str]:
        """Draw the difference on all texts and in each slice."""
        from textwright.promotion.figures import differences

        return {"differences": differences(self)}

    def page_values(self) -> Mapping[str, Any]:
        """Give the page the kinds of tests."""
        return {"kinds": list(TestKind)}

    def _overall_reasons(self) -> Iterator[str]:
        standing = self.overall.standing(self.settings.margin)
        wanted = {Standing.BETTER} if self.settings.require_better else {Standing.BETTER, Standing.NOT_WORSE}
        if standing not in wanted:
            wish = ", and --require-better asks for better" if self.settings.require_better else ""
            yield f"{self.metric_title} is {self.overall.in_words(self.settings.margin)}{wish}"

    def _slice_reasons(self) -> Iterator[str]:
        for group in self.slices:
            if group.is_worse:
                yield (
                    f"worse where {group.name}: {0 - group.drop.value:+.2f} points on {group.num_texts:,} texts "
                    f"(p = {group.adjusted_p_value:.2g} after Holm's correction)"
                )

    def _behavior_reasons(self) -> Iterator[str]:
        for result in self.behavior:
            if not result.is_worse:
                continue
            failed = f"{result.candidate_failures:,} of {result.num_texts:,} texts of {result.name!r} ({result.kind})"
            if result.allowed_failures is not None:
                yield f"it fails {failed}, {result.allowed_failures:,} are allowed"
            else:
                yield (
                    f"it fails {failed}, the champion {result.champion_failures:,} "
                    f"(p = {result.adjusted_p_value:.2g} after Holm's correction)"
                )

    def _cost_reasons(self) -> Iterator[str]:
        latency, size = self.candidate.latency_ratio, self.candidate.size_ratio
        if latency > self.settings.max_latency_ratio:
            yield (
                f"one text takes {latency:.2f} times as long as with the champion ({self.candidate.p50_ms:.3g} ms, "
                f"{self.champion.p50_ms:.3g} ms), --max-latency-ratio is {self.settings.max_latency_ratio:g}"
            )
        if size > self.settings.max_size_ratio:
            yield (
                f"its artifact is {size:.2f} times as large ({self.candidate.size_bytes:,} bytes, "
                f"{self.champion.size_bytes:,} bytes), --max-size-ratio is {self.settings.max_size_ratio:g}"
            )
