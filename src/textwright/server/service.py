"""What the routes share: the loaded model, what is said about it, the limits, and whether it is ready."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request

from textwright.core.labels import Task
from textwright.errors import TextwrightError
from textwright.runtime.batcher import Batcher
from textwright.runtime.predictor import Predictor
from textwright.server.engine import Engine, Item, Scored, items_of, measure_limits
from textwright.server.settings import ServeSettings
from textwright.wire import EXAMPLE_TEXT, Limits, ModelIdentity, ModelInfo, encode_response

_CLOSE_S: Final = 1.0
"""Seconds for a last batch; its callers have been cut off already, after the grace time."""


@dataclass
class Service:
    """One model being served.

    Args:
        engine: The model, off the event loop.
        batcher: The queue in front of it.
        settings: The limits.
        identity: Which model answers; stands in every response.
        info: What ``GET /v1/model`` says.
        example: A response of this model, JSON-ready, for the documentation.
    """

    engine: Engine
    batcher: Batcher[Item, Scored]
    settings: ServeSettings
    identity: ModelIdentity
    info: ModelInfo
    example: dict[str, Any]

    @classmethod
    def warmed_up(cls, predictor: Predictor, settings: ServeSettings) -> Service:
        """Make a service whose model has run once on a short and once on its longest text.

        Args:
            predictor: A loaded model.
            settings: The limits.

        Returns:
            A service, not yet ready.

        Raises:
            BackendError: If the model cannot predict.
        """
        limits = measure_limits(predictor, settings)
        identity = identity_of(predictor)
        example = json.loads(encode_response(identity, predictor.predict([EXAMPLE_TEXT])))
        engine = Engine(predictor, limits)
        batcher = Batcher(engine.infer, limits, num_tokens=lambda item: len(item.ids), timeout_s=settings.timeout_s)
        return cls(engine, batcher, settings, identity, info_of(predictor, settings), example)

    async def is_ready(self) -> bool:
        """Say whether requests may be sent here; after a failure of the model, by asking it once more."""
        if self.batcher.is_running and self.batcher.last_failed:
            try:
                with self.batcher.admit(1) as permit:
                    await permit.submit(items_of(await self.engine.encode([EXAMPLE_TEXT])))
            except TextwrightError:
                return False
        return self.batcher.is_running

    async def close(self) -> None:
        """Answer everybody and end the threads."""
        await self.batcher.close(_CLOSE_S)
        self.engine.close()


def service_of(request: Request) -> Service:
    """Find the service of the application that a request came to."""
    service: Service = request.app.state.service
    return service


def identity_of(predictor: Predictor) -> ModelIdentity:
    """Say which model a predictor has loaded."""
    manifest = predictor.artifact.manifest
    return ModelIdentity(
        name=manifest.name,
        version=predictor.artifact.version,
        family=manifest.family,
        variant=predictor.variant,
        task=predictor.labels.task.value,
    )


def info_of(predictor: Predictor, settings: ServeSettings) -> ModelInfo:
    """Say what the loaded model is and what one request may hold; no path and no training setting is told."""
    manifest = predictor.artifact.manifest
    metrics = manifest.variant(predictor.variant).metrics
    return ModelInfo(
        **identity_of(predictor).model_dump(),
        labels=list(predictor.labels.names),
        max_length=manifest.max_length,
        threshold=manifest.threshold if predictor.labels.task is Task.MULTI_LABEL else None,
        metrics={name: dict(interval) for name, interval in metrics.items()},
        metrics_split=manifest.metrics_split,
        created=manifest.created,
        limits=Limits(**settings.model_dump(include=set(Limits.model_fields))),
    )
