"""One model that is served: engine, queue, what the protocols say about it, and whether it is ready."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

from textwright.api.codec import EXAMPLE_TEXT, encode_predictions
from textwright.api.model import LoadedModel
from textwright.api.protocols.request import Scored
from textwright.api.schemas import ModelIdentity, ModelInfo
from textwright.errors import TextwrightError
from textwright.runtime.batcher import Batcher
from textwright.runtime.predictor import Predictor
from textwright.server.inference.engine import InferenceEngine, Item, items_of, profile_model
from textwright.server.inference.inline import InlineScheduler
from textwright.server.settings import ServeSettings

_CLOSE_S: Final = 1.0
"""Seconds for a last batch; its callers have been cut off already, after the grace time."""


class ServedStage:
    """One stage of a model being served, with a queue of its own: what one stage answers waits for no other.

    Args:
        predictor: The stage.
        settings: The limits.

    Raises:
        BackendError: If the model cannot predict.
    """

    def __init__(self, predictor: Predictor, settings: ServeSettings) -> None:
        limits = profile_model(predictor, settings)
        self.engine = InferenceEngine(predictor, limits)
        """The model, off the event loop."""
        self.batcher = Batcher[Item, Scored](
            self.engine.infer, limits, num_tokens=lambda item: len(item.ids), timeout_s=settings.timeout_s
        )
        """The queue in front of it."""
        self.inline = InlineScheduler(self.engine, self.batcher)
        """Past the batcher, for what is quick."""

    async def is_ready(self) -> bool:
        """Say whether texts may be sent here; after a failure of the model, by trying it once more."""
        if self.batcher.is_running and self.batcher.last_failed:
            try:
                with self.batcher.admit(1) as ticket:
                    await ticket.submit(items_of(self.engine.predictor.encode([EXAMPLE_TEXT])))
            except TextwrightError:
                return False
        return self.batcher.is_running

    async def close(self) -> None:
        """Answer everybody and end the threads."""
        await self.batcher.close(_CLOSE_S)
        self.engine.close()


@dataclass(eq=False)
class ServedModel:
    """One model being served.

    Args:
        stages: Its stages, in order.
        settings: How it is served.
        model: What the protocols know of it.
        example: A response of this model, JSON-ready, for the documentation.
        load_again: Loads what is now where the model came from; may run in any thread.
    """

    stages: Sequence[ServedStage]
    settings: ServeSettings
    model: LoadedModel
    example: dict[str, Any]
    load_again: Callable[[], ServedModel]
    info: ModelInfo = field(init=False)
    """What ``GET /v1/model`` says."""

    def __post_init__(self) -> None:
        """Describe the model once instead of at each request."""
        self.info = self.model.info

    @classmethod
    def warmed_up(
        cls, predictor: Predictor, settings: ServeSettings, *, name: str | None, load_again: Callable[[], ServedModel]
    ) -> Self:
        """Make a model that has run once on a short and once on its longest text.

        Args:
            predictor: A loaded model.
            settings: The limits.
            name: What it is called on the wire; None for the name in its manifest.
            load_again: Loads what is now where the model came from.

        Returns:
            A model, not yet started.

        Raises:
            BackendError: If the model cannot predict.
        """
        stages = [ServedStage(stage, settings) for stage in predictor.stages]
        model = LoadedModel(predictor, settings.request_limits(), name)
        example = json.loads(encode_predictions(model.head, predictor.predict([model.example_texts[0]])))
        return cls(stages, settings, model, example, load_again)

    @property
    def identity(self) -> ModelIdentity:
        """Which model answers; stands in every response."""
        return self.model.identity

    @property
    def title(self) -> str:
        """Name and version, as the log has them."""
        return self.model.title

    @property
    def num_texts(self) -> int:
        """Texts that are admitted and not yet answered."""
        return sum(stage.batcher.num_texts for stage in self.stages)

    @property
    def num_tokens(self) -> int:
        """Tokens that are queued or computed and not yet answered."""
        return sum(stage.batcher.num_tokens for stage in self.stages)

    def start(self) -> None:
        """Begin to answer; call on the event loop."""
        for stage in self.stages:
            stage.batcher.start()

    async def is_ready(self) -> bool:
        """Say whether requests may be sent here."""
        return all([await stage.is_ready() for stage in self.stages])

    async def close(self) -> None:
        """Answer everybody and end the threads."""
        await asyncio.gather(*(stage.close() for stage in self.stages))
