"""One form for the events of three sources, and the answer in the form that the source reads.

- Function URL and HTTP API send payload format 2.0; HTTP API and REST API can send 1.0.
- A load balancer sends a form of its own, with single or multi-value headers.

Source:
    AWS Lambda Developer Guide, "Function URLs" (request and response payload format) and "Application Load Balancer";
    API Gateway Developer Guide, "HTTP API AWS Lambda proxy integrations" (payload format versions 1.0 and 2.0).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeGuard

from textwright.api.body import too_many_bytes
from textwright.api.headers import BINARY, without_prefix
from textwright.api.validation import RequestLimits
from textwright.errors import RequestSyntaxError


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What an event asks for.

    Args:
        method: The HTTP method in upper case.
        path: The path without the stage's name and the base path.
        headers: Name in lower case -> value; of several values the last.
        event: The event, which still holds the body.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    event: Mapping[str, Any]

    @property
    def model(self) -> str | None:
        """The model that the address chooses by ``?model=``; None if it chooses none."""
        several = (self.event.get("multiValueQueryStringParameters") or {}).get("model")
        value = several[0] if several else (self.event.get("queryStringParameters") or {}).get("model")
        if value is None or "%" not in value:
            return value
        from urllib.parse import unquote  # load balancers alone leave escapes in; a cold start pays for each import

        return unquote(value)

    def read_body(self, limits: RequestLimits) -> bytes:
        """Take the body out of the event.

        Args:
            limits: Of a request.

        Returns:
            At most ``max_body_bytes`` bytes, not yet parsed.

        Raises:
            RequestTooLargeError: If there are more.
            RequestSyntaxError: If the event says base64 and it is not.
        """
        content = self.event.get("body") or ""
        if len(content) <= 2 * limits.max_body_bytes:
            body = _decode(content) if self.event.get("isBase64Encoded") else content.encode(errors="surrogatepass")
            if len(body) <= limits.max_body_bytes:
                return body
        raise too_many_bytes("is larger", limits)


@dataclass(slots=True)
class HttpResponse:
    """What is answered: UTF-8 text, or bytes of another type."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)

    def to_event(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Write the answer in the form that the source of the request reads.

        Args:
            request: The event of the request.

        Returns:
            JSON-ready values.
        """
        is_binary = self.headers.get("content-type") == BINARY
        answer: dict[str, Any] = {
            "statusCode": self.status,
            "headers": self.headers,
            "body": base64.b64encode(self.body).decode() if is_binary else self.body.decode(),
            "isBase64Encoded": is_binary,
        }
        if _is_load_balancer(request):
            answer["statusDescription"] = f"{self.status} {HTTPStatus(self.status).phrase}"
        if "multiValueHeaders" in request and _is_load_balancer(request):
            del answer["headers"]
            answer["multiValueHeaders"] = {name: [value] for name, value in self.headers.items()}
        return answer


def is_request(event: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether an event holds a request, whose sender reads the answer; one of a queue, for example, does not."""
    return isinstance(event, Mapping) and (_is_format_2(event) or ("httpMethod" in event and "path" in event))


def read_event(event: Mapping[str, Any], base_path: str = "") -> HttpRequest:
    """Read an event of any of the sources.

    Args:
        event: What Lambda hands to the function, if :func:`is_request`.
        base_path: What may stand before the path, behind the stage's name.

    Returns:
        The request in it.
    """
    if _is_format_2(event):
        context = event["requestContext"]
        http = context["http"]
        method, path = http["method"], event.get("rawPath") or http["path"]
        path = without_prefix(f"/{context.get('stage', '$default')}", path)
    else:
        method, path = event["httpMethod"], event["path"]
    return HttpRequest(method.upper(), without_prefix(base_path, path), _headers(event), event)


def _is_format_2(event: Mapping[str, Any]) -> bool:
    context = event.get("requestContext")
    return event.get("version") == "2.0" and isinstance(context, Mapping) and "http" in context


def _headers(event: Mapping[str, Any]) -> dict[str, str]:
    single = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    several = (event.get("multiValueHeaders") or {}).items()
    return single | {name.lower(): values[-1] for name, values in several if values}


def _is_load_balancer(event: Mapping[str, Any]) -> bool:
    return "elb" in (event.get("requestContext") or {})


def _decode(content: str) -> bytes:
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError) as error:
        raise RequestSyntaxError(f"the event says that its body is base64, and it is not: {error}") from error
