"""Where a deployment answers: its public address, or one version of a function by its number."""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from time import monotonic, sleep
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from textwright.deploy.smoke_test import Answer
from textwright.errors import CloudError, GoldenMismatchError

if TYPE_CHECKING:
    from textwright.deploy.cloud.session import Cloud

AWS_ENDPOINT: Final = "AWS_ENDPOINT_URL"
API_KEY: Final = "TEXTWRIGHT_API_KEY"
"""The variable that holds an API key for the smoke test: a flag would stand in the list of processes."""
_PREDICT: Final = "/v1/predict"
_WAIT_S: Final = 300.0
_TIMEOUT_S: Final = 60.0
_NOT_YET: Final = frozenset({502, 503, 504})


class Endpoint:
    """A public address.

    Args:
        url: Its root.
        connect_to: Host to connect to instead of the one in ``url``: the load balancer, while the domain may not point
            to it yet. The certificate must still be the domain's.
        signed_by: The account whose credentials sign the requests; None for an address that IAM does not guard.
    """

    def __init__(self, url: str, *, connect_to: str | None = None, signed_by: Cloud | None = None) -> None:
        self.url = url.rstrip("/")
        self._connect_to, self._cloud = connect_to, signed_by

    def send(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """Make one request.

        Returns:
            Status and body.

        Raises:
            CloudError: If the address does not answer.
        """
        require_allowed(self.url)
        target = urlsplit(self.url + path)
        connection = _connect(target.scheme, target.hostname or "", target.port, self._connect_to)
        headers = {"host": target.netloc, **self._headers(method, self.url + path, body)}
        try:
            connection.request(method, path, body or None, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, HTTPException) as error:
            raise CloudError(f"{self.url} does not answer: {error}") from error
        finally:
            connection.close()

    def predict(self, body: str) -> Answer:
        """Request a prediction, waiting while the address is not there yet."""
        deadline = monotonic() + _WAIT_S
        while True:
            try:
                status, content = self.send("POST", _PREDICT, body.encode())
                if status not in _NOT_YET or monotonic() > deadline:
                    return {"statusCode": status, "body": content.decode(errors="replace")}
            except CloudError:
                if monotonic() > deadline:
                    raise
            sleep(1)

    def _headers(self, method: str, url: str, body: bytes) -> dict[str, str]:
        headers = {"content-type": "application/json"} if body else {}
        headers |= _api_key()
        return self._cloud.sign(method, url, headers, body) if self._cloud is not None else headers


def function_version(cloud: Cloud, function: str, version: str) -> Callable[[str], Answer]:
    """Return a function that sends a request's body to one version of a Lambda function, wherever the address leads."""

    def predict(body: str) -> Answer:
        event = {
            "version": "2.0",
            "rawPath": _PREDICT,
            "requestContext": {"http": {"method": "POST", "path": _PREDICT}},
            "headers": {"content-type": "application/json", **_api_key()},
            "body": body,
        }
        payload = json.dumps(event).encode()
        answer = cloud.call("lambda", "invoke", FunctionName=function, Qualifier=version, Payload=payload)
        content = answer["Payload"].read().decode(errors="replace")
        if "FunctionError" in answer:
            raise GoldenMismatchError(f"version {version} of {function} cannot answer: {content[:500]}")
        parsed: Answer = json.loads(content)
        return parsed

    return predict


def require_allowed(url: str) -> None:
    """Refuse a request that would leave a rehearsal.

    Args:
        url: Where it would go.

    Raises:
        CloudError: If ``AWS_ENDPOINT_URL`` is set and names another host; a rehearsal on this machine may ask any port
            of this machine.
    """
    allowed = os.environ.get(AWS_ENDPOINT)
    if not allowed:
        return
    host = urlsplit(url).hostname
    if host != urlsplit(allowed).hostname:
        raise CloudError(
            f"{AWS_ENDPOINT} is {allowed}, so no request is made to {host}; unset it to speak to the real AWS"
        )


def _api_key() -> dict[str, str]:
    key = os.environ.get(API_KEY)
    return {"x-api-key": key} if key else {}


def _connect(scheme: str, host: str, port: int | None, connect_to: str | None) -> HTTPConnection:
    if scheme == "http":
        return HTTPConnection(connect_to or host, port, timeout=_TIMEOUT_S)
    if connect_to is None:
        return HTTPSConnection(host, port, timeout=_TIMEOUT_S)
    return _NamedConnection(connect_to, host, port)


class _NamedConnection(HTTPSConnection):
    """Connects to one host and expects the certificate of another."""

    def __init__(self, host: str, certificate_name: str, port: int | None) -> None:
        super().__init__(host, port, timeout=_TIMEOUT_S)
        self._certificate_name = certificate_name

    def connect(self) -> None:
        """Connect, then check the certificate."""
        HTTPConnection.connect(self)
        self.sock = ssl.create_default_context().wrap_socket(self.sock, server_hostname=self._certificate_name)
