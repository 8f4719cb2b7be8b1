"""Which protocol answers at which address; the addresses are the server's."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final, NamedTuple, cast

from textwright.api.model import LoadedModel
from textwright.api.protocols.request import PredictProtocol


class Route(NamedTuple):
    """What is at an address.

    Args:
        method: The HTTP method that it answers.
        path: The address, with names of models as parameters, so that they stay out of the log.
        protocol: Name of the module of ``api.protocols`` that reads the body and writes the predictions.
        describe: What is answered where nothing is predicted; None where something is.
        model: The model that the address names, as name or name@version; None if it names none.
    """

    method: str
    path: str
    protocol: str = "native"
    describe: Callable[[LoadedModel], Any] | None = None
    model: str | None = None


def load_protocol(name: str) -> PredictProtocol:
    """Import a module of ``api.protocols`` when it is first needed: a cold start pays for each import."""
    return cast("PredictProtocol", import_module(f"textwright.api.protocols.{name}"))


def _open_inference() -> Any:  # noqa: ANN401  a module
    return load_protocol("open_inference")


_ROUTES: Final = (
    Route("POST", "/v1/predict"),
    Route("GET", "/v1/model", describe=lambda model: model.info),
    Route("GET", "/v1/models", describe=lambda model: {"models": [model.info]}),
    Route("GET", "/healthz", describe=lambda _: {"status": "alive"}),
    Route("GET", "/readyz", describe=lambda _: {"status": "ready"}),
    Route("POST", "/predict", "tei"),
    Route("POST", "/", "tei"),
    Route("GET", "/ping", describe=lambda _: {"status": "ready"}),
    Route("POST", "/invocations", "sagemaker"),
    Route("GET", "/v2", describe=lambda _: _open_inference().describe_server()),
    Route("GET", "/v2/health/live", describe=lambda _: {"live": True}),
    Route("GET", "/v2/health/ready", describe=lambda _: {"ready": True}),
    Route("POST", "/v2/repository/index", describe=lambda one: [_open_inference().describe_state(one, is_ready=True)]),
)
_BY_PATH: Final = {route.path: route for route in _ROUTES}
_OF_MODEL: Final = {
    None: Route("GET", "", describe=lambda model: _open_inference().describe_model(model)),
    "/config": Route("GET", "/config", describe=lambda model: _open_inference().describe_config(model)),
    "/ready": Route("GET", "/ready", describe=lambda model: {"name": model.identity.name, "ready": True}),
    "/infer": Route("POST", "/infer", "open_inference"),
}
_MODEL: Final = re.compile(r"/v2/models/([^/]+)(?:/versions/([^/]+))?(/config|/ready|/infer)?")
PATHS: Final = (*_BY_PATH, "/v2/models/NAME")
"""The addresses, for messages."""


def find_route(path: str) -> Route | None:
    """Find what is at an address.

    Args:
        path: Without the stage's name and the base path.

    Returns:
        The route; None if there is nothing.
    """
    route = _BY_PATH.get(path)
    match = None if route else _MODEL.fullmatch(path)
    if match is None:
        return route
    name, version, action = match.groups()
    route = _OF_MODEL[action]
    template = "/v2/models/{name}" + ("/versions/{version}" if version else "") + route.path
    return route._replace(path=template, model=f"{name}@{version}" if version else name)
