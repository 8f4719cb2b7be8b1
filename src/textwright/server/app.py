"""Build the application: the loaded models behind their contracts, the pages and the log."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import TypeAdapter
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from textwright import __version__
from textwright.api.auth import KeyRing
from textwright.api.headers import without_prefix
from textwright.api.record import RequestRecord
from textwright.api.schemas import Problem
from textwright.optional_deps import require
from textwright.runtime.predictor import Predictor
from textwright.server.http import exception_handlers, openapi, pages
from textwright.server.http.auth import PUBLIC_PATHS, AuthMiddleware
from textwright.server.http.fast_route import FastRoutes
from textwright.server.http.state import ServerState
from textwright.server.inference.served_model import ServedModel
from textwright.server.protocols import admin, feedback, native, open_inference, sagemaker, tei
from textwright.server.registry.model_spec import ModelSpec
from textwright.server.registry.registry import ModelRegistry
from textwright.server.registry.traffic import TrafficRouter
from textwright.server.settings import ServeSettings
from textwright.server.telemetry import logs
from textwright.server.telemetry.feedback_store import FeedbackStore, open_feedback
from textwright.server.telemetry.logs import RequestLog
from textwright.server.telemetry.metrics import FOLDER, Metrics

if TYPE_CHECKING:
    from textwright.server.telemetry.recorder import Recorder
    from textwright.server.telemetry.tracing import Tracer

_DESCRIPTION = """Classify texts with {models}.

Every error is `application/problem+json` with a stable `code`."""
_CONTRACTS: Final = (native, tei, open_inference, sagemaker)
_LABELS_SHOWN: Final = 20
_REFRESH_S: Final = 1.0
_SWITCH_INTERVAL_S: Final = 0.0005
"""How long one thread keeps the interpreter when another wants it.

Python's 5 ms is many times the cost of a small request, and the event loop and the inference thread wait for each other
several times in each. Measured on 2 cores with 1 and with 16 connections: 1.5 to 2 times the requests per second.
"""


class Application(FastAPI):
    """FastAPI behind our log and our fast routes; its document also holds the schema of problems."""

    state: ServerState  # type: ignore[assignment]  # Starlette's takes any attribute

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; what FastAPI and Starlette do here before, there is no need of."""
        if self.middleware_stack is None:
            self.middleware_stack = self.build_middleware_stack()
        scope["app"] = self
        root_path = self.state.settings.root_path
        if root_path and scope["type"] == "http":
            scope["path"] = without_prefix(root_path, scope["path"])
        await self.middleware_stack(scope, receive, send)

    def build_middleware_stack(self) -> ASGIApp:
        """Put the log around everything, then authentication, and the fast routes before the router."""
        app: ASGIApp = FastRoutes(super().build_middleware_stack(), {("POST", "/v1/predict"): native.predict})
        if self.state.keys is not None:
            app = AuthMiddleware(app, self.state.keys)
        origins = self.state.settings.cors_origins
        if origins:
            app = CORSMiddleware(app, origins, ("GET", "POST"), ("*",))
        app = RequestLog(app, observe=self._observe)
        if self.state.tracer is not None:
            from textwright.server.telemetry.tracing import Tracing

            app = Tracing(app, self.state.tracer)
        return app

    def _observe(self, records: Sequence[RequestRecord]) -> None:
        """Count requests that are complete, and look at those of candidates."""
        self.state.metrics.observe(records)
        if self.state.traffic is not None:
            self.state.traffic.observe(records)

    def openapi(self) -> dict[str, Any]:
        """Write the OpenAPI document, anew when a model was swapped."""
        titles = [served.title for served in self.state.registry.models]
        if self.state.documented != titles:
            self.openapi_schema, self.state.documented = self._document(self.state.registry.default), titles
        return self.openapi_schema or {}

    def _document(self, served: ServedModel) -> dict[str, Any]:
        routers = [*(module.build_router(served) for module in _CONTRACTS), *self.state.optional_routers]
        document = get_openapi(
            title=self.title,
            version=self.version,
            description=_describe(self.state.registry),
            routes=[route for router in routers for route in router.routes],
            servers=[{"url": self.state.settings.root_path}] if self.state.settings.root_path else None,
        )
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas.setdefault("Problem", TypeAdapter(Problem).json_schema())
        guarded = [] if self.state.keys is None else [path for path in document["paths"] if path not in PUBLIC_PATHS]
        openapi.ask_for_keys(document, [*guarded, admin.RELOAD])
        return document


def load_app(specs: Sequence[ModelSpec], settings: ServeSettings) -> Application:
    """Load the models, with the log on standard error, and set the interpreter up for a process that answers.

    Args:
        specs: Where they come from.
        settings: The limits.

    Returns:
        The application, not yet started.

    Raises:
        SettingsError: If two models are the same, or a file of keys is wrong.
        ArtifactError: If an artifact cannot be trusted.
        NotFoundError: If there is no such artifact, variant or file of keys.
    """
    logs.configure(sys.stderr)
    app = create_app(ModelRegistry([spec.load(settings) for spec in specs]), settings)
    # What is loaded stays: without this, the collector looks through all of it now and then, 40 ms in which nobody is
    # answered.
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    return app


def create_app(models: Predictor | ModelRegistry, settings: ServeSettings | None = None) -> Application:
    """Build the application that serves one model, or several.

    Args:
        models: A loaded model, which is run once here, so that the first request finds it warm; or several, warm.
        settings: The limits; None takes the defaults. Host, port and grace time matter to ``run.serve`` only.

    Returns:
        An ASGI application. It is ready once its lifespan has started.

    Raises:
        BackendError: If the model cannot predict.
        NotFoundError: If there is no such file of API keys.
        SettingsError: If a file of keys holds none, or something else, or the file of feedback or the folder of records
            cannot be used.
        MissingExtraError: If traces are asked for and OpenTelemetry is not installed, or records and pyarrow is not.
    """
    settings = settings or ServeSettings()
    folder = Path(os.environ[FOLDER]) if FOLDER in os.environ else None
    keys = KeyRing(settings.api_keys, folder) if settings.api_keys else None
    admin_keys = KeyRing(settings.admin_keys) if settings.admin_keys else None
    store = open_feedback(settings)
    if not isinstance(models, ModelRegistry):
        models = ModelRegistry([ModelSpec(models.artifact.path).serve(models, settings)])
    metrics = Metrics()
    app = Application(
        title="Textwright",
        version=__version__,
        docs_url=None,  # FastAPI's own page loads its scripts from another host; ours is http/pages.py
        redoc_url=None,
        lifespan=_lifespan,
        redirect_slashes=False,
        # FastAPI records requests and exception messages with OpenTelemetry when it finds a provider.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    metrics = Metrics()
    app.state = ServerState(
        settings=settings,
        limits=settings.request_limits(),
        registry=models,
        metrics=metrics,
        traffic=_traffic(settings, models, metrics),
        keys=keys,
        tracer=_tracer(settings.otlp_endpoint),
        recorder=_recorder(settings, metrics),
        optional_routers=_optional_routers(models, settings, admin_keys, store),
        reload=models.reload,
        feedback=store,
    )
    models.on_arrival = metrics.watch
    exception_handlers.install(app)
    for router in (*(module.build_router(models.default) for module in _CONTRACTS), *app.state.optional_routers):
        _answer_head(router)
        app.include_router(router)
    app.routes.extend([*pages.build_routes(), app.state.metrics.route()])
    return app


def _optional_routers(
    models: ModelRegistry, settings: ServeSettings, admin_keys: KeyRing | None, store: FeedbackStore | None
) -> list[APIRouter]:
    """Make the routes that exist only where they are asked for."""
    routers = [] if admin_keys is None else [admin.build_router(admin_keys)]
    if store is not None:
        routers.append(feedback.build_router(store, models.default, settings))
    return routers


def _traffic(settings: ServeSettings, models: ModelRegistry, metrics: Metrics) -> TrafficRouter | None:
    """Split requests among the models, where that is asked for, and let reloads know of it."""
    traffic = TrafficRouter.of(settings, models, metrics)
    if traffic is not None:
        models.check, models.on_reload, models.is_dispensable = traffic.check, traffic.resume, traffic.is_on_trial
    return traffic


def _answer_head(router: APIRouter) -> None:
    """Let what answers GET answer HEAD, which probes of load balancers send; the server sends no body."""
    for route in router.routes:
        if isinstance(route, APIRoute) and route.methods and "GET" in route.methods:
            route.methods.add("HEAD")


@asynccontextmanager
async def _lifespan(app: Application) -> AsyncIterator[None]:
    app.state.registry.start()
    if app.state.recorder is not None:
        app.state.recorder.start()
    if app.state.traffic is not None:
        app.state.traffic.start()
    refreshing = asyncio.create_task(_refresh(app.state.metrics))
    try:
        yield
    finally:
        refreshing.cancel()
        if app.state.traffic is not None:
            await app.state.traffic.close()
        await app.state.registry.close()
        if app.state.recorder is not None:
            await asyncio.to_thread(app.state.recorder.close)
        if app.state.feedback is not None:
            await asyncio.to_thread(app.state.feedback.close)
        if app.state.tracer is not None:
            await asyncio.to_thread(app.state.tracer.close)


def _tracer(endpoint: str | None) -> Tracer | None:
    if endpoint is None:
        return None
    require("otel", what="tracing")
    from textwright.server.telemetry.tracing import Tracer

    return Tracer(endpoint)


def _recorder(settings: ServeSettings, metrics: Metrics) -> Recorder | None:
    if settings.record is None:
        return None
    from textwright.server.telemetry.recorder import Recorder

    return Recorder(settings, metrics)


async def _refresh(metrics: Metrics) -> None:
    """Write the queue lengths of this worker where the worker that answers ``/metrics`` reads them."""
    while FOLDER in os.environ:
        metrics.refresh()
        await asyncio.sleep(_REFRESH_S)


def _describe(registry: ModelRegistry) -> str:
    return _DESCRIPTION.format(models="; ".join(_describe_model(served) for served in registry.models))


def _describe_model(served: ServedModel) -> str:
    identity, labels = served.identity, served.info.labels
    more = f" and {len(labels) - _LABELS_SHOWN} more" if len(labels) > _LABELS_SHOWN else ""
    names = ", ".join(f"`{label}`" for label in labels[:_LABELS_SHOWN])
    return (
        f"the model **{identity.name}** ({identity.family}, {identity.variant}, version {identity.version}; "
        f"labels: {names}{more})"
    )
