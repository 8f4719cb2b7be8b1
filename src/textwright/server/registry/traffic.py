"""Requests that name no model: split among several, compared in the shadow, and returned to the first model.

Everything here runs on the event loop, in each worker by itself; a return is told to the other workers.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from textwright.api.problems import CLIENT_GONE
from textwright.api.record import RequestRecord
from textwright.errors import SettingsError
from textwright.server.inference.served_model import ServedModel
from textwright.server.registry.registry import ModelRegistry
from textwright.server.registry.return_guard import ReturnGuard
from textwright.server.registry.shadow import Shadow, ShadowRequest, ShadowResult
from textwright.server.registry.traffic_split import TrafficSplit
from textwright.server.settings import ServeSettings

AGREED: Final = "agreed"
DISAGREED: Final = "disagreed"
DROPPED: Final = "dropped"
FAILED: Final = "failed"

logger = logging.getLogger(__name__)


class TrafficObserver(Protocol):
    """What counts."""

    def count_decision(self, model: str) -> None:
        """Count a request that was given to a model."""

    def count_shadow(self, model: str, outcome: str, num_texts: int) -> None:
        """Count texts that were compared, by the candidate's name and what came of it."""

    def show_returned(self, model: str, *, is_returned: bool) -> None:
        """Show whether the requests of a model have returned to the first."""


class TrafficRouter:
    """The split, the shadow, and what watches the candidates.

    Args:
        settings: Names, shares and bounds.
        registry: The models.
        observer: What counts.

    Raises:
        SettingsError: If a name is not that of exactly one model, or the labels differ; names the cure.
    """

    def __init__(self, settings: ServeSettings, registry: ModelRegistry, observer: TrafficObserver) -> None:
        self._settings = settings
        self._registry = registry
        self._observer = observer
        self.split = TrafficSplit.parse(settings.split) if settings.split else None
        self.first = self.split.first if self.split else registry.default.identity.name
        others = [*(self.split.others if self.split else ()), *([settings.shadow] if settings.shadow else [])]
        self.candidates = tuple(dict.fromkeys(others))
        """Models on trial: they may fail without making the server unready."""
        self._check_names()
        for name in self.candidates:
            self.check(registry.find(name))
        self._guards = {name: ReturnGuard(settings) for name in self.candidates}
        self.returned: dict[str, str] = {}
        """Candidate whose requests have returned -> why."""
        self._shadow = Shadow(settings.shadow_max_texts, self._note_compared)
        self.on_return: Callable[[str, str], object] = _ignore
        """Called with the name of a candidate whose requests return, and why; a worker tells the others."""
        for name in self.candidates:
            observer.show_returned(name, is_returned=False)

    @classmethod
    def of(cls, settings: ServeSettings, registry: ModelRegistry, observer: TrafficObserver) -> TrafficRouter | None:
        """Make it where a split or a shadow is asked for; None leaves every such request to the default model."""
        return cls(settings, registry, observer) if settings.split or settings.shadow else None

    def start(self) -> None:
        """Begin to compare; call on the event loop."""
        self._shadow.start()

    async def close(self) -> None:
        """Drop what waits to be compared."""
        await self._shadow.close()

    def choose(self, key: bytes) -> ServedModel:
        """Choose the model of a request that names none.

        Args:
            key: Of whoever asks.
        """
        name = self.split.choose(key) if self.split else self.first
        name = self.first if name in self.returned else name
        self._observer.count_decision(name)
        return self._registry.find(name)

    def second_of(self, served: ServedModel) -> tuple[ServedModel, str] | None:
        """Say which model is asked as well, after the answer is sent.

        Args:
            served: The model that answered a request which named none.

        Returns:
            That model, and the name of the candidate of both; None if there is none.
        """
        name, shadow = served.identity.name, self._settings.shadow
        if shadow and name != shadow and shadow not in self.returned:
            return self._registry.find(shadow), shadow
        needs_answer = self._settings.split_max_disagreement is not None
        if needs_answer and self.split and name in self.split.others and name not in self.returned:
            return self._registry.find(self.first), name
        return None

    def compare(self, comparison: ShadowRequest) -> None:
        """Compare an answer that was sent with what another model says, or drop it."""
        if not self._shadow.submit(comparison):
            self._observer.count_shadow(comparison.candidate, DROPPED, len(comparison.texts))

    def observe(self, records: Sequence[RequestRecord]) -> None:
        """Look at requests that are complete; those of candidates may make their requests return."""
        for record in records:
            name = (record.model or "").rpartition("@")[0]
            if name in self._guards and record.status not in {None, CLIENT_GONE}:
                self._note(
                    name, self._guards[name].note_answer(is_error=record.is_failure, latency_ms=_model_ms(record))
                )

    def give_back(self, name: str, reason: str) -> None:
        """Let the first model answer the requests of a candidate, until that is reloaded.

        Args:
            name: Of the candidate.
            reason: Why, for the log.
        """
        if name not in self._guards or name in self.returned:
            return
        self.returned[name] = reason
        self._observer.show_returned(name, is_returned=True)
        fields = {"model": name, "to": self.first, "reason": reason}
        logger.warning("traffic returned", extra={"fields": fields})

    def resume(self, served: ServedModel) -> None:
        """Give a candidate that was reloaded its share again."""
        name = served.identity.name
        if name in self._guards:
            self._guards[name] = ReturnGuard(self._settings)
            self._observer.show_returned(name, is_returned=False)
            if self.returned.pop(name, None) is not None:
                logger.info("traffic resumed", extra={"fields": {"model": name}})

    def check(self, served: ServedModel) -> None:
        """Refuse a model whose labels are not those of the first.

        Raises:
            SettingsError: Names both and the cure.
        """
        if served.identity.name not in {self.first, *self.candidates}:
            return
        partner = self._registry.find(self.candidates[0] if served.identity.name == self.first else self.first)
        names, theirs = served.model.labels, partner.model.labels
        if set(names) != set(theirs) or served.identity.task != partner.identity.task:
            raise SettingsError(
                f"{served.title} has the labels {', '.join(names[:8])} and {partner.title} has "
                f"{', '.join(theirs[:8])}; requests are split or compared among models of the same labels, so let "
                "requests name the model instead"
            )

    def is_on_trial(self, served: ServedModel) -> bool:
        """Say whether the server can do without a model."""
        return served.identity.name in self.candidates

    def _check_names(self) -> None:
        served = [model.identity.name for model in self._registry.models]
        for name in (self.first, *self.candidates):
            if served.count(name) > 1:
                raise SettingsError(
                    f"two models are called {name!r}, so a share cannot be given to one of them; name them otherwise: "
                    "textwright serve old=PATH new=PATH --split old=90,new=10"
                )
            if name not in served:
                raise SettingsError(
                    f"--split or --shadow names {name!r}, and the models are {', '.join(served)}; serve it too, for "
                    f"example as {name}=PATH"
                )
        if self._settings.shadow == self.first:
            raise SettingsError(f"--shadow names {self.first!r}, which answers already; name another model")

    def _note(self, name: str, reason: str) -> None:
        if reason and name not in self.returned:
            self.give_back(name, reason)
            self.on_return(name, reason)

    def _note_compared(self, compared: ShadowResult) -> None:
        comparison, disagreements = compared.comparison, compared.disagreements
        name, guard = comparison.candidate, self._guards[comparison.candidate]
        num_disagreed = sum(disagreements)
        outcomes = {DISAGREED: num_disagreed, AGREED: len(disagreements) - num_disagreed}
        if not disagreements:
            outcomes = {FAILED: len(comparison.texts)}
        for outcome, num_texts in outcomes.items():
            self._observer.count_shadow(name, outcome, num_texts)
        reasons = [guard.note_comparison(disagrees=disagrees) for disagrees in disagreements]
        if comparison.model.identity.name == name:  # the candidate was the one that nobody waited for
            reasons.append(guard.note_answer(is_error=not disagreements, latency_ms=_model_ms(compared.record)))
        self._note(name, next(filter(None, reasons), ""))


def _model_ms(record: RequestRecord) -> float | None:
    """Add up what the model took, without the time that the client took to send its request."""
    if record.infer_ms is None:
        return None
    return (record.tokenize_ms or 0.0) + (record.queue_ms or 0.0) + record.infer_ms


def _ignore(_name: str, _reason: str) -> None:
    """Do nothing, where there is one worker."""
