"""A loaded model as the protocols know it: what it is called, what is said about it, and how large its answers are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textwright.api.codec import EXAMPLE_TEXTS, encode_json
from textwright.api.document import ModelIdentity
from textwright.api.validation import RequestLimits, check_num_texts
from textwright.core.labels import Task
from textwright.errors import RequestLimitError
from textwright.runtime.predictor import Predictor

if TYPE_CHECKING:
    from textwright.api.schemas import ModelInfo

SCORE_BYTES: Final = 24
"""A float64 in JSON and its comma."""
_TEXT_BYTES: Final = 120
"""What stands around the scores of one text."""
_NAME_BYTES: Final = 4
"""Quotes, colon and comma of a name."""


class LoadedModel:
    """What the protocols need to know of a model.

    Args:
        predictor: A loaded model.
        limits: What one request may hold.
        name: What it is called here; None for the name in its manifest.
    """

    def __init__(self, predictor: Predictor, limits: RequestLimits, name: str | None = None) -> None:
        manifest = predictor.artifact.manifest
        task = predictor.labels.task
        self.predictor = predictor
        self.limits = limits
        self.identity = ModelIdentity(
            name=name or manifest.name,
            version=predictor.artifact.version,
            family=manifest.family,
            variant=predictor.variant,
            task=task.value,
        )
        self.title = f"{self.identity.name}@{self.identity.version}"
        """Name and version, as the log has them."""
        self.labels = list(predictor.labels.names)
        self.max_length = manifest.max_length
        self.example_texts = manifest.example_texts or EXAMPLE_TEXTS
        """One or a few texts that documentation, page and curl line ask for."""
        self.is_single_label = task is Task.SINGLE_LABEL
        self.temperature = manifest.temperature
        self.has_stages = bool(predictor.stage_names)
        self.head = encode_json(self.identity).decode()
        """The identity in JSON, as it stands in each answer."""
        sizes = [len(encode_json(label)) for label in self.labels]
        self.label_bytes, self._longest_label = sum(sizes), max(sizes)

    @property
    def info(self) -> ModelInfo:
        """What the model is and what was measured of it; no path and no training setting."""
        # A cold start pays for each class, and these are seldom needed.
        from textwright.api.schemas import Limits, ModelInfo, StageInfo

        manifest = self.predictor.artifact.manifest
        variant, limits = manifest.variant(self.identity.variant), self.limits
        return ModelInfo(
            **vars(self.identity),
            labels=self.labels,
            example_texts=list(self.example_texts),
            max_length=self.max_length,
            threshold=None if self.is_single_label else manifest.threshold,
            thresholds=dict(manifest.thresholds),
            metrics={name: dict(interval) for name, interval in variant.metrics.items()},
            metrics_split=manifest.metrics_split,
            created=manifest.created,
            limits=Limits(limits.max_texts, limits.max_text_chars, limits.max_body_bytes),
            batch_invariance=dict(variant.batch_invariance),
            stages=[
                StageInfo(
                    item.name, item.artifact.manifest.family, item.artifact.manifest.max_length, item.min_confidence
                )
                for item in self.predictor.artifact.stages
            ],
            min_confidence=manifest.min_confidence or None,
            ood_rate=manifest.out_of_distribution.get("rate"),
            costs={true: dict(row) for true, row in manifest.costs.items()} or None,
        )

    def is_called(self, name: str) -> bool:
        """Say whether a request means this model by ``name`` or ``name@version``."""
        return name in {self.identity.name, self.title}

    def check_answer(self, num_texts: int, num_scores: int, score_bytes: int = SCORE_BYTES) -> None:
        """Refuse a request of too many texts, or whose answer would be too large, before anything is computed.

        Args:
            num_texts: Texts of the request.
            num_scores: Scores in the answer to one text, >= 0.
            score_bytes: Bytes of one score and what stands around it, without the label's name.

        Raises:
            RequestLimitError: Names the bytes, the bound and the cure.
        """
        check_num_texts(num_texts, self.limits)
        bound = self.limits.max_answer_bytes
        names = min(num_scores * self._longest_label, self.label_bytes * -(-num_scores // len(self.labels)))
        num_bytes = num_texts * (_TEXT_BYTES + names + num_scores * (score_bytes + _NAME_BYTES))
        if num_bytes > bound:
            raise RequestLimitError(
                f"the answer for {num_texts} texts would have up to {num_bytes} bytes, at most {bound} are allowed; "
                "send fewer texts, ask for fewer labels or outputs (top_k, outputs), or "
                f"{self.limits.cure('max_answer_bytes')}"
            )
