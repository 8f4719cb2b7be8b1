"""Answer every error as application/problem+json: ours, the framework's, and unknown addresses."""

from __future__ import annotations

import logging
from http import HTTPStatus

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from textwright.api.problems import MEDIA_TYPE, encode_problem, problem_of_status
from textwright.errors import RequestError, TextwrightError
from textwright.server.telemetry.logs import problem_response, record_of

logger = logging.getLogger(__name__)


def install(app: FastAPI) -> None:
    """Make an application answer errors as problems.

    Args:
        app: The application; what these handlers do not know reaches ``logs.RequestLog``.
    """
    app.exception_handler(TextwrightError)(_on_our_error)
    app.exception_handler(RequestValidationError)(_on_invalid_parameter)
    app.exception_handler(HTTPException)(_on_http_error)


def our_error(request: Request, error: TextwrightError) -> Response:
    """Answer an error of ours; what is the server's fault goes to the log with its reason.

    Args:
        request: The request that it ended.
        error: The error.

    Returns:
        A response of type application/problem+json.
    """
    record = record_of(request)
    response = problem_response(error, record)
    if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.error("request failed", exc_info=error, extra={"fields": {"id": record.id}})
    return response


async def _on_our_error(request: Request, error: TextwrightError) -> Response:
    return our_error(request, error)


async def _on_invalid_parameter(request: Request, error: RequestValidationError) -> Response:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return problem_response(RequestError(f"{where}: {first['msg']}"), record_of(request))


async def _on_http_error(request: Request, error: HTTPException) -> Response:
    record = record_of(request)
    problem = problem_of_status(error.status_code, _detail(request, error), record.id)
    record.code = problem.code
    return Response(encode_problem(problem), problem.status, dict(error.headers or {}), MEDIA_TYPE)


def _detail(request: Request, error: HTTPException) -> str:
    match error.status_code:
        case HTTPStatus.NOT_FOUND:
            return "there is nothing at this address; /docs lists what there is"
        case HTTPStatus.METHOD_NOT_ALLOWED:
            allowed = Headers(error.headers or {}).get("allow", "another method")
            return f"this address does not answer {request.method[:20]}; it answers {allowed}"
    return str(error.detail)
