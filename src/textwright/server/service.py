"""What the routes share: the loaded model, what is said about it, the limits, and whether it is ready."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from textwright.core.labels import Task
from textwright.runtime.predictor import Predictor
from textwright.server.settings import ServeSettings
from textwright.server.worker import InferenceThread, answer
from textwright.wire import EXAMPLE_TEXT, Limits, ModelIdentity, ModelInfo, encode_response


@dataclass
class Service:
    """One model being served.

    Args:
        worker: Computes predictions.
        settings: The limits.
        identity: Which model answers; stands in every response.
        info: What ``GET /v1/model`` says.
        example: A response of this model, JSON-ready, for the documentation.
        is_ready: True from the end of start-up to the beginning of shutdown.
    """

    worker: InferenceThread
    settings: ServeSettings
    identity: ModelIdentity
    info: ModelInfo
    example: dict[str, Any]
    is_ready: bool = False

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
        longest = " ".join([EXAMPLE_TEXT] * predictor.artifact.manifest.max_length)
        answer(predictor, [longest])
        example = answer(predictor, [EXAMPLE_TEXT])
        identity = identity_of(predictor)
        body = json.loads(encode_response(identity, example.predictions))
        return cls(InferenceThread(predictor), settings, identity, info_of(predictor, settings), body)


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
