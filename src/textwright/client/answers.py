"""What a server answers: predictions, the error that it names, or the seconds after which to try again."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from time import monotonic
from typing import Final, TypeVar

import httpx
from pydantic import TypeAdapter, ValidationError

from textwright.api.problems import STATUS
from textwright.errors import QueueFullError, RateLimitError, RequestError, ServingError, TextwrightError

_Answer = TypeVar("_Answer")

_DEFAULT_WAIT_S: Final = 1.0
_MAX_SHOWN: Final = 200
_ERRORS: Final = {kind.code: kind for kind in STATUS}


class Patience:
    """How long the requests of one call are tried again.

    Args:
        max_wait_s: Seconds from now on in which a further try may begin, >= 0; 0 tries once.
    """

    def __init__(self, max_wait_s: float) -> None:
        self._ends = monotonic() + max_wait_s

    def seconds_to_wait(self, response: httpx.Response) -> float | None:
        """Say after how many seconds to send a request again; None if its answer is final.

        Args:
            response: The answer.

        Source:
            RFC 6585, section 4 (429), and RFC 9110, section 10.2.3 (retry-after).
        """
        is_named = "retry-after" in response.headers
        is_busy = response.status_code == HTTPStatus.SERVICE_UNAVAILABLE and is_named
        if response.status_code != HTTPStatus.TOO_MANY_REQUESTS and not is_busy:
            return None
        wait_s = retry_after(response)
        return wait_s if monotonic() + wait_s <= self._ends else None


def retry_after(response: httpx.Response) -> float:
    """Read when a server wants to be asked again, in seconds from now; 1 where it does not say."""
    value = response.headers.get("retry-after", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        return max((parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return _DEFAULT_WAIT_S


def parse(response: httpx.Response, reader: TypeAdapter[_Answer]) -> _Answer:
    """Read an answer.

    Args:
        response: Complete.
        reader: Of what a success holds; fields of a later server are left out.

    Raises:
        TextwrightError: What the server says is wrong, as the class of its code.
        ServingError: If this is no answer of Textwright.
    """
    if not response.is_success:
        raise error_of(response)
    try:
        return reader.validate_json(response.content, extra="ignore")
    except ValidationError as error:
        raise _foreign(response) from error


def error_of(response: httpx.Response) -> TextwrightError:
    """Turn a refusal into the error that the server has raised.

    Args:
        response: With status 4xx or 5xx; its body is a problem (RFC 9457), or something between has answered.
    """
    try:
        problem = json.loads(response.content)
        code, detail = str(problem["code"]), str(problem["detail"])
    except (ValueError, KeyError, TypeError):
        return _foreign(response)
    kind = _ERRORS.get(code, RequestError if response.is_client_error else ServingError)
    if issubclass(kind, RateLimitError | QueueFullError):
        return kind(detail, max(round(retry_after(response)), 1))
    return kind(detail)


def unreachable(url: httpx.URL, error: httpx.HTTPError) -> ServingError:
    """Say that no answer came.

    Args:
        url: What was asked.
        error: What happened instead.
    """
    reason = str(error) or type(error).__name__
    if isinstance(error, httpx.TimeoutException):
        return ServingError(f"{url} did not answer in time ({reason}); send fewer texts at once, or raise timeout_s")
    return ServingError(f"{url} cannot be reached: {reason}; is the server running there?")


def _foreign(response: httpx.Response) -> ServingError:
    shown = " ".join(response.text.split())[:_MAX_SHOWN]
    return ServingError(
        f"{response.request.url} answered status {response.status_code}, and not as Textwright does; is it the address "
        f"of a Textwright server? It said: {shown}"
    )
