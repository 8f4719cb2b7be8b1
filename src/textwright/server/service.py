"""What the routes share: a loaded model, what is said about it, the limits, and whether it is ready."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

from starlette.requests import Request

from textwright.api.codec import EXAMPLE_TEXT, encode_predictions
from textwright.api.model import LoadedModel
from textwright.api.protocols.request import Scored
from textwright.api.schemas import ModelIdentity, ModelInfo
from textwright.errors import TextwrightError
from textwright.runtime.batcher import Batcher
from textwright.runtime.predictor import Predictor
from textwright.server.engine import Engine, Item, items_of, measure_limits
from textwright.server.quick_lane import QuickLane
from textwright.server.settings import ServeSettings
from textwright.server.sources import ModelSource

if TYPE_CHECKING:
    from textwright.server.catalog import Catalog

_CHOSEN: Final = "textwright.service"
_CLOSE_S: Final = 1.0
"""Seconds for a last batch; its callers have been cut off already, after the grace time."""


class Lane:
    """One stage of a model being served, with a queue of its own: what one stage answers waits for no other.

    Args:
        predictor: The stage.
        settings: The limits.

    Raises:
        BackendError: If the model cannot predict.
    """

    def __init__(self, predictor: Predictor, settings: ServeSettings) -> None:
        limits = measure_limits(predictor, settings)
        self.engine = Engine(predictor, limits)
        """The model, off the event loop."""
        self.batcher = Batcher[Item, Scored](
            self.engine.infer, limits, num_tokens=lambda item: len(item.ids), timeout_s=settings.timeout_s
        )
        """The queue in front of it."""
        self.quick_lane = QuickLane(self.engine, self.batcher)
        """Past the batcher, for what is quick."""

    async def is_ready(self) -> bool:
        """Say whether texts may be sent here; after a failure of the model, by trying it once more."""
        if self.batcher.is_running and self.batcher.last_failed:
            try:
                with self.batcher.admit(1) as permit:
                    await permit.submit(items_of(self.engine.predictor.encode([EXAMPLE_TEXT])))
            except TextwrightError:
                return False
        return self.batcher.is_running

    async def close(self) -> None:
        """Answer everybody and end the threads."""
        await self.batcher.close(_CLOSE_S)
        self.engine.close()


@dataclass
class Service:
    """One model being served.

    Args:
        lanes: Its stages, in order.
        settings: How it is served.
        model: What the protocols know of it.
        example: A response of this model, JSON-ready, for the documentation.
        source: Where it came from and may be loaded from again.
    """

    lanes: Sequence[Lane]
    settings: ServeSettings
    model: LoadedModel
    example: dict[str, Any]
    source: ModelSource
    info: ModelInfo = field(init=False)
    """What ``GET /v1/model`` says."""

    def __post_init__(self) -> None:
        """Describe the model once instead of at each request."""
        self.info = self.model.info

    @classmethod
    def warmed_up(cls, predictor: Predictor, settings: ServeSettings, *, source: ModelSource | None = None) -> Service:
        """Make a service whose model has run once on a short and once on its longest text.

        Args:
            predictor: A loaded model.
            settings: The limits.
            source: Where it came from; None for the folder of its artifact.

        Returns:
            A service, not yet ready.

        Raises:
            BackendError: If the model cannot predict.
        """
        lanes = [Lane(stage, settings) for stage in predictor.stages]
        source = source or ModelSource(predictor.artifact.path)
        model = LoadedModel(predictor, settings.request_limits(), source.name)
        example = json.loads(encode_predictions(model.head, predictor.predict([EXAMPLE_TEXT])))
        return cls(lanes, settings, model, example, source)

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
        return sum(lane.batcher.num_texts for lane in self.lanes)

    @property
    def num_tokens(self) -> int:
        """Tokens that are queued or computed and not yet answered."""
        return sum(lane.batcher.num_tokens for lane in self.lanes)

    def start(self) -> None:
        """Begin to answer; call on the event loop."""
        for lane in self.lanes:
            lane.batcher.start()

    async def is_ready(self) -> bool:
        """Say whether requests may be sent here."""
        return all([await lane.is_ready() for lane in self.lanes])

    async def close(self) -> None:
        """Answer everybody and end the threads."""
        await asyncio.gather(*(lane.close() for lane in self.lanes))


def settings_of(request: Request) -> ServeSettings:
    """Find the limits of the server, which are the same for all its models."""
    settings: ServeSettings = request.app.state.settings
    return settings


def service_of(request: Request) -> Service:
    """Find the model that answers a request: the one it has chosen, else ``?model=`` of its address, else the default.

    It is looked up once and kept, so that one model answers a whole request, whatever is swapped meanwhile.

    Args:
        request: The request.

    Returns:
        The model.

    Raises:
        NotFoundError: If the address names a model that is not here.
    """
    found: Service | None = request.scope.get(_CHOSEN)
    if found is not None:
        return found
    catalog: Catalog = request.app.state.catalog
    query = request.scope["query_string"]
    asked = parse_qs(query.decode("latin-1")).get("model") if query else None
    service = request.scope[_CHOSEN] = catalog.choose(asked[0]) if asked else catalog.default
    return service


def choose(request: Request, name: str, version: str | None = None) -> Service:
    """Let a model answer a request.

    Args:
        request: The request.
        name: What it calls the model.
        version: Its version; None for any, or if the name is of the form ``name@version``.

    Returns:
        The model.

    Raises:
        NotFoundError: If it is not here.
    """
    catalog: Catalog = request.app.state.catalog
    service = request.scope[_CHOSEN] = catalog.choose(name) if version is None else catalog.find(name, version)
    return service
