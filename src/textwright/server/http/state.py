"""What an application holds, ``app.state``, and the model of it that a request has chosen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from fastapi import APIRouter
from starlette.requests import Request

from textwright.api.auth import KeyRing
from textwright.api.schemas import Reloaded
from textwright.api.validation import RequestLimits
from textwright.server.inference.served_model import ServedModel
from textwright.server.registry.registry import ModelRegistry
from textwright.server.registry.traffic import TrafficRouter
from textwright.server.settings import ServeSettings
from textwright.server.telemetry.feedback_store import FeedbackStore
from textwright.server.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from textwright.server.telemetry.recorder import Recorder
    from textwright.server.telemetry.tracing import Tracer

_CHOSEN: Final = "textwright.served_model"
_WAS_SPLIT: Final = "textwright.was_split"


@dataclass
class ServerState:
    """What the parts of one application share.

    Args:
        settings: How it serves; the same for all its models.
        limits: What one request may hold.
        registry: The models.
        metrics: What ``/metrics`` shows.
        keys: Who may use the API; None for everybody.
        tracer: Where spans go, if anywhere.
        recorder: What records predictions, if anything.
        optional_routers: The routes of ``--admin-keys`` and ``--feedback``; empty without them.
        traffic: Which model answers requests that name none, where they are split or compared; None: the default.
        reload: Loads a model anew; a worker sends this to its supervisor, which has every worker do it.
        feedback: Where feedback goes; None without ``--feedback``.
        documented: The models that the OpenAPI document describes; None before it is first read.
    """

    settings: ServeSettings
    limits: RequestLimits
    registry: ModelRegistry
    metrics: Metrics
    keys: KeyRing | None
    tracer: Tracer | None
    recorder: Recorder | None
    optional_routers: Sequence[APIRouter]
    traffic: TrafficRouter | None
    reload: Callable[[str], Awaitable[Reloaded]]
    feedback: FeedbackStore | None = None
    documented: list[str] | None = None


def state_of(request: Request) -> ServerState:
    """Find the state of the application that answers a request."""
    state: ServerState = request.app.state
    return state


def served_model_of(request: Request, split_key: Callable[[], bytes] | None = None) -> ServedModel:
    """Find the model that answers a request: the one it has chosen, else ``?model=`` of its address, else the default.

    It is looked up once and kept, so that one model answers a whole request, whatever is swapped meanwhile.

    Args:
        request: The request.
        split_key: Gives the key by which requests are split; None takes the default model.

    Returns:
        The model.

    Raises:
        NotFoundError: If the address names a model that is not here.
    """
    chosen: ServedModel | None = request.scope.get(_CHOSEN)
    if chosen is not None:
        return chosen
    registry, query = state_of(request).registry, request.scope["query_string"]
    names = parse_qs(query.decode("latin-1")).get("model") if query else None
    traffic = state_of(request).traffic
    if names:
        served = registry.choose(names[0])
    elif traffic is None or split_key is None:
        served = registry.default
    else:
        served = traffic.choose(split_key())
        request.scope[_WAS_SPLIT] = True
    request.scope[_CHOSEN] = served
    return served


def was_split(request: Request) -> bool:
    """Say whether a request named no model, and was given to one by the split."""
    return _WAS_SPLIT in request.scope


def choose(request: Request, name: str, version: str | None = None) -> ServedModel:
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
    registry = state_of(request).registry
    served = request.scope[_CHOSEN] = registry.choose(name) if version is None else registry.find(name, version)
    return served
