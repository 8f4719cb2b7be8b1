"""Build the application: the loaded models behind their contracts, the pages and the log."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
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
from textwright.api.schemas import Problem
from textwright.extras import require
from textwright.runtime.predictor import Predictor
from textwright.server import admin, handlers, openapi, pages, routes
from textwright.server.catalog import Catalog
from textwright.server.direct import Direct
from textwright.server.guard import OPEN, Guard
from textwright.server.logs import RequestLog
from textwright.server.metrics import FOLDER, Metrics
from textwright.server.protocols import open_inference, sagemaker, tei
from textwright.server.reloading import Reloader
from textwright.server.service import Service
from textwright.server.settings import ServeSettings

if TYPE_CHECKING:
    from textwright.server.tracing import Tracer

_DESCRIPTION = """Classify texts with {models}.

Every error is `application/problem+json` with a stable `code`."""
_CONTRACTS: Final = (routes, tei, open_inference, sagemaker)
_LABELS_SHOWN: Final = 20
_REFRESH_S: Final = 1.0


class _Application(FastAPI):
    """FastAPI behind our log and our short way; its document also holds the schema of problems."""

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
        """Put the log around everything, then the guards, and the short way before the router."""
        app: ASGIApp = Direct(super().build_middleware_stack(), {("POST", "/v1/predict"): routes.predict})
        if self.state.keys is not None:
            app = Guard(app, self.state.keys)
        origins = self.state.settings.cors_origins
        if origins:
            app = CORSMiddleware(app, origins, ("GET", "POST"), ("*",))
        app = RequestLog(app, observe=self.state.metrics.observe)
        if self.state.tracer is not None:
            from textwright.server.tracing import Tracing

            app = Tracing(app, self.state.tracer)
        return app

    def openapi(self) -> dict[str, Any]:
        """Write the OpenAPI document, anew when a model was swapped."""
        catalog: Catalog = self.state.catalog
        titles = [service.title for service in catalog.services]
        if self.state.documented != titles:
            self.openapi_schema, self.state.documented = self._document(catalog.default), titles
        return self.openapi_schema or {}

    def _document(self, service: Service) -> dict[str, Any]:
        routers = [module.build_router(service) for module in _CONTRACTS] + self.state.further_routers
        document = get_openapi(
            title=self.title,
            version=self.version,
            description=_describe(self.state.catalog),
            routes=[route for router in routers for route in router.routes],
            servers=[{"url": self.state.settings.root_path}] if self.state.settings.root_path else None,
        )
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas.setdefault("Problem", TypeAdapter(Problem).json_schema())
        guarded = [path for path in document["paths"] if path not in OPEN] if self.state.keys is not None else []
        openapi.ask_for_keys(document, [*guarded, admin.RELOAD])
        return document


def create_app(models: Predictor | Catalog, settings: ServeSettings | None = None) -> FastAPI:
    """Build the application that serves one model, or several.

    Args:
        models: A loaded model, which is run once here, so that the first request finds it warm; or several, warm.
        settings: The limits; None takes the defaults. Host, port and grace time matter to ``run.serve`` only.

    Returns:
        An ASGI application. It is ready once its lifespan has started.

    Raises:
        BackendError: If the model cannot predict.
        NotFoundError: If there is no such file of API keys.
        SettingsError: If a file of keys holds none, or something else.
        MissingExtraError: If traces are asked for and OpenTelemetry is not installed.
    """
    settings = settings or ServeSettings()
    folder = Path(os.environ[FOLDER]) if FOLDER in os.environ else None
    keys = KeyRing(settings.api_keys, folder) if settings.api_keys else None
    admin_keys = KeyRing(settings.admin_keys) if settings.admin_keys else None
    catalog = models if isinstance(models, Catalog) else Catalog([Service.warmed_up(models, settings)])
    app = _Application(
        title="Textwright",
        version=__version__,
        docs_url=None,  # FastAPI's own page loads its scripts from another host; ours is pages.py
        redoc_url=None,
        lifespan=_lifespan,
        redirect_slashes=False,
        # FastAPI records requests and exception messages with OpenTelemetry when it finds a provider.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.settings = settings
    app.state.limits = settings.request_limits()
    app.state.catalog = catalog
    app.state.documented = None
    app.state.keys = keys
    app.state.tracer = _tracer(settings.otlp_endpoint)
    app.state.metrics = Metrics()
    app.state.reloader = Reloader(catalog)
    app.state.reload = app.state.reloader.reload  # a worker asks its supervisor, which asks all workers
    catalog.on_arrival = app.state.metrics.watch
    handlers.install(app)
    app.state.further_routers = [] if admin_keys is None else [admin.build_router(admin_keys)]
    for router in (*(module.build_router(catalog.default) for module in _CONTRACTS), *app.state.further_routers):
        _answer_head(router)
        app.include_router(router)
    app.routes.extend([*pages.build_routes(), app.state.metrics.route()])
    return app


def _answer_head(router: APIRouter) -> None:
    """Let what answers GET answer HEAD, which probes of load balancers send; the server sends no body."""
    for route in router.routes:
        if isinstance(route, APIRoute) and route.methods and "GET" in route.methods:
            route.methods.add("HEAD")


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    catalog: Catalog = app.state.catalog
    catalog.start()
    refreshing = asyncio.create_task(_refresh(app.state.metrics))
    try:
        yield
    finally:
        refreshing.cancel()
        await catalog.close()
        if app.state.tracer is not None:
            await asyncio.to_thread(app.state.tracer.close)


def _tracer(endpoint: str | None) -> Tracer | None:
    if endpoint is None:
        return None
    require("otel", what="tracing")
    from textwright.server.tracing import Tracer

    return Tracer(endpoint)


async def _refresh(metrics: Metrics) -> None:
    """Tell the queues of this worker to whichever worker is asked for metrics."""
    while FOLDER in os.environ:
        metrics.refresh()
        await asyncio.sleep(_REFRESH_S)


def _describe(catalog: Catalog) -> str:
    return _DESCRIPTION.format(models="; ".join(_describe_model(service) for service in catalog.services))


def _describe_model(service: Service) -> str:
    identity, labels = service.identity, service.info.labels
    more = f" and {len(labels) - _LABELS_SHOWN} more" if len(labels) > _LABELS_SHOWN else ""
    told = ", ".join(f"`{label}`" for label in labels[:_LABELS_SHOWN])
    return (
        f"the model **{identity.name}** ({identity.family}, {identity.variant}, version {identity.version}; "
        f"labels: {told}{more})"
    )
