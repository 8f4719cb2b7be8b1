"""One model that is served: engine, queue, what the protocols say about it, and whether it is ready."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Self

from textwright.api.codec import EXAMPLE_TEXT, encode_predictions
from textwright.api.model import LoadedModel
from textwright.api.protocols.request import Scored
from textwright.api.schemas import ModelIdentity, ModelInfo
from textwright.errors import TextwrightError
from textwright.runtime.batcher import Batcher
from textwright.runtime.predictor import Predictor
from textwright.server.inference.engine import Engine, Item, items_of, profile_model
from textwright.server.inference.inline import InlineScheduler
from textwright.server.settings import ServeSettings

_CLOSE_S: Final = 1.0
"""Seconds for a last batch; its callers have been cut off already, after the grace time."""


@dataclass(eq=False)
class ServedModel:
    """One model being served.

    Args:
        engine: The model, off the event loop.
        batcher: The queue in front of it.
        settings: How it is served.
        model: What the protocols know of it.
        example: A response of this model, JSON-ready, for the documentation.
        load_again: Loads what is now where the model came from; may run in any thread.
    """

    engine: Engine
    batcher: Batcher[Item, Scored]
    settings: ServeSettings
    model: LoadedModel
    example: dict[str, Any]
    load_again: Callable[[], ServedModel]
    info: ModelInfo = field(init=False)
    """What ``GET /v1/model`` says."""
    inline: InlineScheduler = field(init=False)
    """Past the batcher, for what is quick."""

    def __post_init__(self) -> None:
        """Describe the model once instead of at each request."""
        self.info = self.model.info
        self.inline = InlineScheduler(self.engine, self.batcher)

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
        limits = profile_model(predictor, settings)
        model = LoadedModel(predictor, settings.request_limits(), name)
        example = json.loads(encode_predictions(model.head, predictor.predict([EXAMPLE_TEXT])))
        engine = Engine(predictor, limits)
        batcher = Batcher(engine.infer, limits, num_tokens=lambda item: len(item.ids), timeout_s=settings.timeout_s)
        return cls(engine, batcher, settings, model, example, load_again)

    @property
    def identity(self) -> ModelIdentity:
        """Which model answers; stands in every response."""
        return self.model.identity

    @property
    def title(self) -> str:
        """Name and version, as the log has them."""
        return self.model.title

    async def is_ready(self) -> bool:
        """Say whether requests may be sent here; after a failure of the model, by asking it once more."""
        if self.batcher.is_running and self.batcher.last_failed:
            try:
                with self.batcher.admit(1) as permit:
                    await self.engine.encode([EXAMPLE_TEXT])  # a fast stage may be what failed
                    await permit.submit(items_of(self.engine.predictor.encode_to_infer([EXAMPLE_TEXT])))
            except TextwrightError:
                return False
        return self.batcher.is_running

    async def close(self) -> None:
        """Answer everybody and end the threads."""
        await self.batcher.close(_CLOSE_S)
        self.engine.close()
