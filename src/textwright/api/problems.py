"""HTTP statuses, decided here and nowhere else, and errors as problems (RFC 9457)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from textwright import errors
from textwright.api.document import Document
from textwright.api.record import RequestRecord

MEDIA_TYPE: Final = "application/problem+json"

STATUS: Final[Mapping[type[errors.TextwrightError], HTTPStatus]] = {
    errors.TextwrightError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.InputError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.DataError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.SettingsError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.TextError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.NotFoundError: HTTPStatus.NOT_FOUND,
    errors.HubFileError: HTTPStatus.NOT_FOUND,
    errors.RequestError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.RequestLimitError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.RequestSyntaxError: HTTPStatus.BAD_REQUEST,
    errors.RequestTooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.HeadersTooLargeError: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.RequestTimeoutError: HTTPStatus.REQUEST_TIMEOUT,
    errors.MediaTypeError: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.UnauthorizedError: HTTPStatus.UNAUTHORIZED,
    errors.RateLimitError: HTTPStatus.TOO_MANY_REQUESTS,
    # Full (429: come back here) and broken (503: another replica may answer) are different answers.
    errors.ServingError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.QueueFullError: HTTPStatus.TOO_MANY_REQUESTS,
    errors.DeadlineError: HTTPStatus.GATEWAY_TIMEOUT,
    errors.NotReadyError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ReloadError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ArtifactError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ArtifactFormatError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ArtifactCorruptError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.GoldenMismatchError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ParityError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.BackendError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.AssetError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.AssetNetworkError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.AssetHashError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.AssetSpaceError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.HubError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.HubAccessError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.HubNetworkError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.TrackingError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.TrainingError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.MissingExtraError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.DeployError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.PackageTooLargeError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.PackageSpaceError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.BaseImageError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.ContainerEngineError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.CloudError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.CloudAccessError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.CloudQuotaError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.CloudNotFoundError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.StackError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.PortInUseError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.NoGainError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.DriftError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.NotPromotedError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.GateError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.ConstraintError: HTTPStatus.INTERNAL_SERVER_ERROR,
}

CLIENT_GONE: Final = 499
"""Logged, never sent: the client hung up before its request was complete. The number is nginx's."""

_CODES: Final[Mapping[int, str]] = {
    HTTPStatus.NOT_FOUND: errors.NotFoundError.code,
    HTTPStatus.METHOD_NOT_ALLOWED: "method-not-allowed",
}
_INTERNAL: Final = "internal"
_OUR_FAULT: Final = "the server failed on this request, which may be right; its log names the reason by the request id"


@dataclass(kw_only=True)
class Problem(Document):
    """Why a request was not answered, after RFC 9457 (application/problem+json)."""

    type: str = "about:blank"
    """Always about:blank: the title is the meaning of the status; tell problems apart by their code."""
    title: str
    """The meaning of the status."""
    status: int
    """The HTTP status."""
    detail: str
    """What is wrong with this request, and its cure, in a sentence."""
    error: str
    """The detail again, where clients of other protocols look for it."""
    code: str
    """Stable across releases; programs decide by it."""
    request_id: str
    """The x-request-id of the request, as it stands in the server's log."""


def encode_problem(problem: Problem) -> bytes:
    """Write the document of type application/problem+json."""
    return json.dumps(vars(problem), ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def refuse(error: Exception, record: RequestRecord) -> Problem:
    """Turn an exception into a problem, and note it in the record of the request.

    Args:
        error: Any exception; see :func:`problem_of`.
        record: What the log will say.

    Returns:
        A problem with status 4xx or 5xx.
    """
    problem = problem_of(error, record.id)
    record.code = problem.code
    if isinstance(error, errors.RequestLimitError) and error.num_texts is not None:
        record.num_texts = error.num_texts
    return problem


def problem_of(error: Exception, request_id: str) -> Problem:
    """Turn an exception into what the client may know of it.

    Args:
        error: Any exception. Of an error with status 5xx the message is told only if it is a ServingError: the
            others speak of the server's inside.
        request_id: The x-request-id of the request.

    Returns:
        A problem with status 4xx or 5xx.
    """
    if not isinstance(error, errors.TextwrightError):
        return problem(HTTPStatus.INTERNAL_SERVER_ERROR, _INTERNAL, _OUR_FAULT, request_id)
    status = STATUS[type(error)]
    is_for_the_client = status < HTTPStatus.INTERNAL_SERVER_ERROR or isinstance(error, errors.ServingError)
    return problem(status, error.code, str(error) if is_for_the_client else _OUR_FAULT, request_id)


def headers_of(error: Exception) -> dict[str, str]:
    """Say in headers what standard clients act upon.

    Args:
        error: Any exception.

    Returns:
        When to come back, or how to show a key; usually nothing.

    Source:
        RFC 9110, sections 10.2.3 (retry-after) and 11.6.1 (www-authenticate).
    """
    match error:
        case errors.QueueFullError() | errors.RateLimitError():
            return {"retry-after": str(error.retry_after_s)}
        case errors.UnauthorizedError():
            return {"www-authenticate": "Bearer"}
    return {}


def problem_of_status(status: int, detail: str, request_id: str) -> Problem:
    """Describe an HTTP error that is no error of ours, such as an unknown address.

    Args:
        status: 4xx or 5xx.
        detail: What is wrong, in a sentence.
        request_id: The x-request-id of the request.

    Returns:
        A problem whose code follows from the status.
    """
    return problem(status, _CODES.get(status, f"http-{status}"), detail, request_id)


def problem(status: int, code: str, detail: str, request_id: str) -> Problem:
    """Fill in a problem; its title is the standard meaning of the status.

    Args:
        status: 4xx or 5xx.
        code: Stable across releases.
        detail: What is wrong and its cure, in a sentence.
        request_id: The x-request-id of the request.

    Returns:
        The problem.
    """
    return Problem(
        title=HTTPStatus(status).phrase,
        status=int(status),
        detail=detail,
        error=detail,
        code=code,
        request_id=request_id,
    )
