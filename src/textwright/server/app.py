"""Build the application: one loaded model behind the native contract, the pages and the log."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from textwright import __version__
from textwright.runtime.predictor import Predictor
from textwright.server import handlers, pages, routes
from textwright.server.direct import Direct
from textwright.server.guard import Guard
from textwright.server.keys import KeyRing
from textwright.server.logs import RequestLog
from textwright.server.metrics import Metrics
from textwright.server.protocols import open_inference, sagemaker, tei
from textwright.server.service import Service
from textwright.server.settings import ServeSettings
from textwright.wire import Problem

_DESCRIPTION = """Classify texts with the model **{name}** ({family}, {variant}, version {version}).

Labels: {labels}. Every error is `application/problem+json` with a stable `code`."""


class _Application(FastAPI):
    """FastAPI behind our log and our short way; its document also holds the schema of problems."""

    def build_middleware_stack(self) -> ASGIApp:
        """Put the log around everything, then the guards, and the short way before the router."""
        service: Service = self.state.service
        app: ASGIApp = Direct(super().build_middleware_stack(), {("POST", "/v1/predict"): routes.predict})
        if self.state.keys is not None:
            app = Guard(app, self.state.keys)
        if service.settings.cors_origins:
            app = CORSMiddleware(app, service.settings.cors_origins, ("GET", "POST"), ("*",))
        model = f"{service.identity.name}@{service.identity.version}"
        return RequestLog(app, model=model, observe=self.state.metrics.observe)

    def openapi(self) -> dict[str, Any]:
        """Write the OpenAPI document, once."""
        document = super().openapi()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas.setdefault("Problem", Problem.model_json_schema())
        if self.state.keys is not None:
            document["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
            document["security"] = [{"key": []}]
        return document


def create_app(predictor: Predictor, settings: ServeSettings | None = None) -> FastAPI:
    """Build the application that serves one model.

    Args:
        predictor: A loaded model; it is run once here, so that the first request finds it warm.
        settings: The limits; None takes the defaults. Host, port and grace time matter to ``run.serve`` only.

    Returns:
        An ASGI application. It is ready once its lifespan has started.

    Raises:
        BackendError: If the model cannot predict.
        NotFoundError: If there is no such file of API keys.
        SettingsError: If the file of API keys holds none, or something else.
    """
    settings = settings or ServeSettings()
    keys = KeyRing(settings.api_keys) if settings.api_keys else None
    service = Service.warmed_up(predictor, settings)
    app = _Application(
        title=f"Textwright: {service.identity.name}",
        version=__version__,
        description=_describe(service),
        docs_url=None,  # FastAPI's own page loads its scripts from another host; ours is pages.py
        redoc_url=None,
        lifespan=_lifespan,
        redirect_slashes=False,
        # FastAPI records requests and exception messages with OpenTelemetry when it finds a provider.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.service = service
    app.state.keys = keys
    app.state.metrics = Metrics(service)
    handlers.install(app)
    for module in (routes, tei, open_inference, sagemaker):
        app.include_router(module.build_router(service))
    app.routes.extend([*pages.build_routes(), app.state.metrics.route()])
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    service: Service = app.state.service
    service.batcher.start()
    try:
        yield
    finally:
        await service.close()


def _describe(service: Service) -> str:
    labels = ", ".join(f"`{label}`" for label in service.info.labels[:20])
    more = len(service.info.labels) - 20
    return _DESCRIPTION.format(
        **service.identity.model_dump(), labels=f"{labels} and {more} more" if more > 0 else labels
    )
