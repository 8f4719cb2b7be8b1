"""The golden examples through the public address, or through one version of a function by its number."""

from __future__ import annotations

import json
import os
import ssl
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from time import monotonic, perf_counter, sleep
from typing import Any, Final
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from textwright.core.artifact import Artifact
from textwright.deploy.cloud.session import Cloud, require_allowed
from textwright.deploy.package.replay import compare_answers, questions
from textwright.errors import CloudAccessError, CloudError, GoldenMismatchError

API_KEY: Final = "TEXTWRIGHT_API_KEY"
"""The variable that holds an API key for the replay: a flag would stand in the list of processes."""
_PREDICT: Final = "/v1/predict"
_WAIT_S: Final = 300.0
_TIMEOUT_S: Final = 60.0
_NOT_YET: Final = frozenset({502, 503, 504})

Answer = Mapping[str, Any]
Ask = Callable[[str], Answer]
"""Asks one body of a request."""


@dataclass(frozen=True, slots=True)
class Replay:
    """How a door has answered.

    Args:
        num_golden: Golden examples that it reproduced.
        first_ms: Time of the first answer, round trip: on a new instance of a function that is the cold start.
        warm_ms: Median of the others.
    """

    num_golden: int
    first_ms: float
    warm_ms: float


class Address:
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

    def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
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
        """Ask for a prediction, waiting while the address is not there yet."""
        deadline = monotonic() + _WAIT_S
        while True:
            try:
                status, content = self.ask("POST", _PREDICT, body.encode())
                if status not in _NOT_YET or monotonic() > deadline:
                    return {"statusCode": status, "body": content.decode(errors="replace")}
            except CloudError:
                if monotonic() > deadline:
                    raise
            sleep(1)

    def _headers(self, method: str, url: str, body: bytes) -> dict[str, str]:
        headers = {"content-type": "application/json"} if body else {}
        if key := os.environ.get(API_KEY):
            headers["x-api-key"] = key
        if self._cloud is not None:
            request = AWSRequest(method, url, headers=headers, data=body)
            credentials = self._cloud.session.get_credentials()
            if credentials is None:
                raise CloudAccessError("there are no AWS credentials to sign requests with")
            SigV4Auth(credentials, "lambda", self._cloud.region).add_auth(request)
            headers = dict(request.headers.items())
        return headers


def version_of_function(cloud: Cloud, function: str, version: str) -> Ask:
    """Ask one version of a function by its number, whatever the address leads to.

    Args:
        cloud: The account.
        function: The function's name.
        version: Its version.
    """

    def ask(body: str) -> Answer:
        headers = {"content-type": "application/json"}
        if key := os.environ.get(API_KEY):
            headers["x-api-key"] = key
        event = {
            "version": "2.0",
            "rawPath": _PREDICT,
            "requestContext": {"http": {"method": "POST", "path": _PREDICT}},
            "headers": headers,
            "body": body,
        }
        payload = json.dumps(event).encode()
        answer = cloud.call("lambda", "invoke", FunctionName=function, Qualifier=version, Payload=payload)
        content = answer["Payload"].read().decode(errors="replace")
        if "FunctionError" in answer:
            raise GoldenMismatchError(f"version {version} of {function} cannot answer: {content[:500]}")
        parsed: Answer = json.loads(content)
        return parsed

    return ask


def replay(artifact: Artifact, ask: Ask, what: str) -> Replay:
    """Ask each golden example and compare the answers with those of the artifact here.

    Args:
        artifact: The artifact that was packaged.
        ask: The door.
        what: Its name, for messages.

    Raises:
        GoldenMismatchError: If another model answers, or one answer differs.
    """
    answers, times = [], []
    for body in questions(artifact):
        start = perf_counter()
        answers.append(ask(body))
        times.append(1e3 * (perf_counter() - start))
    num_golden = compare_answers(artifact, [_readable(answer, what) for answer in answers], what)
    _require_version(artifact, answers, what)
    return Replay(num_golden, times[0], statistics.median(times[1:] or times))


def _readable(answer: Answer, what: str) -> Answer:
    try:
        json.loads(answer["body"])
    except (KeyError, ValueError) as error:
        raise GoldenMismatchError(f"{what} gave no answer to a golden example: {str(answer)[:300]}") from error
    return answer


def _require_version(artifact: Artifact, answers: Sequence[Answer], what: str) -> None:
    versions = {json.loads(answer["body"])["model"]["version"] for answer in answers}
    if versions != {artifact.version}:
        raise GoldenMismatchError(
            f"{what} answers with version {', '.join(sorted(versions))} of the model, not {artifact.version}"
        )


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
