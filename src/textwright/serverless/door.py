"""Answer one event: the routes of the server's native contract, its statuses and its problems.

Lambda gives each instance one request at a time, so there is neither a queue nor a batcher: the texts of one request
are its batch.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from time import perf_counter
from typing import Any, Final, Protocol

import numpy as np

from textwright.api.auth import Key, find_key, read_keys, shown_secret
from textwright.api.problems import MEDIA_TYPE, Problem, headers_of, problem_of, problem_of_status
from textwright.api.rate_limit import TokenBucket
from textwright.api.validation import JSON, SAFETY_HEADERS, check_media_type, check_texts
from textwright.core.stages import StagedEncodings
from textwright.errors import NotFoundError, RequestError, RequestLimitError, TextwrightError
from textwright.runtime.predictor import Prediction, Predictor
from textwright.serverless.event import HttpRequest, HttpResponse, is_request, read_event
from textwright.serverless.logs import InvocationRecord, Log, request_id_of
from textwright.serverless.messages import answer_messages, messages_of, refusal_of
from textwright.serverless.paced import Pace
from textwright.serverless.settings import LambdaSettings, variable
from textwright.serverless.wire import (
    EXAMPLE_TEXT,
    Asked,
    encode,
    encode_response,
    identity_of,
    info_of,
    parse_request,
    row_of,
)

MAX_RESPONSE_BYTES: Final = 5_500_000
"""Lambda carries 6 MB back, in which each quote of the body stands escaped."""
_ROUTES: Final[Mapping[str, str]] = {
    "/v1/predict": "POST",
    "/v1/model": "GET",
    "/healthz": "GET",
    "/readyz": "GET",
}
_OPEN: Final = frozenset({"/healthz", "/readyz"})
_UNLIMITED_S: Final = 1e6


class LambdaContext(Protocol):
    """What Lambda says about an invocation."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is cut off."""


class Door:
    """One loaded model as a Lambda function: an instance is the handler.

    Args:
        predictor: A loaded model.
        settings: The limits.
        log: Where lines go.
    """

    def __init__(self, predictor: Predictor, settings: LambdaSettings, log: Log) -> None:
        self.predictor = predictor
        self._settings = settings
        self._log = log
        self._keys = _keys_of(settings)
        self._identity = identity_of(predictor)
        self._pace = Pace()
        self._is_cold = True
        self._process = os.urandom(8).hex()

    def warm_up(self) -> None:
        """Run each stage of the model once, so that the first request finds it warm and its pace known."""
        self._infer([EXAMPLE_TEXT], lambda: _UNLIMITED_S)
        if self.predictor.stages:
            self._pace.infer(self.predictor, self.predictor.encode_to_infer([EXAMPLE_TEXT]), lambda: _UNLIMITED_S)

    def begin_again(self) -> None:
        """Forget what must not be shared by instances that one snapshot was restored to: ids and shares of keys."""
        self._process = os.urandom(8).hex()
        self._keys = _keys_of(self._settings)
        self._is_cold = True

    def __call__(self, event: object, context: LambdaContext | None = None) -> dict[str, Any]:
        """Answer an event.

        Args:
            event: Of a Function URL, an HTTP API or a load balancer; of SQS, if the settings say so.
            context: What Lambda says about the invocation; None, as in a test by hand, gives it unlimited time.

        Returns:
            The answer in the form that the source of the event reads; every error of a request is an answer too.

        Raises:
            RequestError: If the event holds no request, so that nobody would read an answer. Lambda then keeps the
                event, tries again and hands it to the dead-letter queue or destination, if there is one.
        """
        start = perf_counter()
        time_left_s = _clock(context, self._settings.time_margin_s)
        if self._settings.queue_answers == "log" and (messages := messages_of(event)):
            return answer_messages(messages, lambda message: self._answer_message(message, context, time_left_s))
        record = self._new_record(context)
        if not is_request(event):
            raise self._refuse_event(event, record)
        try:
            response = self._respond(event, record, time_left_s)
        except Exception as error:  # noqa: BLE001  whatever happens is answered and logged
            response = self._refuse(error, record)
        record.status, record.total_ms = response.status, 1e3 * (perf_counter() - start)
        self._log.request(record)
        response.headers |= {"x-request-id": record.id, **dict(SAFETY_HEADERS)}
        return response.to_event(event)

    def _answer_message(
        self, message: Mapping[str, Any], context: LambdaContext | None, time_left_s: Callable[[], float]
    ) -> bool:
        """Predict one message of a queue into the log; whoever may send to the queue needs no API key."""
        start = perf_counter()
        record = self._new_record(context)
        record.id = str(message["messageId"])
        try:
            _, predictions = self._predict_body(str(message["body"]).encode(), record, None, time_left_s)
            for index, item in enumerate(predictions):
                self._log.event("prediction", id=record.id, index=index, model=record.model, **row_of(item))
            record.status = HTTPStatus.OK
        except Exception as error:  # noqa: BLE001  whatever happens to one message, the others are answered
            record.status = self._refuse(error, record).status
        record.total_ms = 1e3 * (perf_counter() - start)
        self._log.request(record)
        return record.status == HTTPStatus.OK

    def _refuse_event(self, event: object, record: InvocationRecord) -> RequestError:
        error = refusal_of(event)
        record.code, record.status = error.code, HTTPStatus.UNPROCESSABLE_ENTITY
        self._log.request(record)
        return error

    def _new_record(self, context: LambdaContext | None) -> InvocationRecord:
        name, version = self._identity["name"], self._identity["version"]
        invocation = context.aws_request_id if context else f"{self._process}-{os.urandom(4).hex()}"
        # CloudWatch drops metrics whose dimension is not ASCII.
        dimension = name.encode("ascii", "backslashreplace").decode()
        record = InvocationRecord(invocation, f"{name} {version}", dimension, cold_start=int(self._is_cold))
        self._is_cold = False
        return record

    def _respond(
        self, event: Mapping[str, Any], record: InvocationRecord, time_left_s: Callable[[], float]
    ) -> HttpResponse:
        request = read_event(event, self._settings.base_path)
        record.id, record.method = request_id_of(request.headers, record.id), request.method[:20]
        method = _ROUTES.get(request.path)
        if method is None:
            return _problem(problem_of_status(HTTPStatus.NOT_FOUND, _nothing_here(), record.id), record)
        record.path = request.path
        if request.method not in {method, "HEAD" if method == "GET" else method}:
            detail = f"this address does not answer {request.method[:20]}; it answers {method}"
            problem = problem_of_status(HTTPStatus.METHOD_NOT_ALLOWED, detail, record.id)
            return _problem(problem, record, {"allow": method})
        return self._route(request, record, time_left_s)

    def _route(self, request: HttpRequest, record: InvocationRecord, time_left_s: Callable[[], float]) -> HttpResponse:
        key = None if request.path in _OPEN else self._admit(request, record)
        match request.path:
            case "/v1/predict":
                return self._predict(request, record, key, time_left_s)
            case "/v1/model":
                return _json(encode(info_of(self.predictor, self._settings)))
            case "/readyz":
                return _json(b'{"status":"ready"}')
        return _json(b'{"status":"alive"}')

    def _admit(self, request: HttpRequest, record: InvocationRecord) -> Key | None:
        if not self._keys:
            return None
        key = find_key(self._keys, shown_secret(request.headers))
        record.key = key.name
        return key

    def _predict(
        self, request: HttpRequest, record: InvocationRecord, key: Key | None, time_left_s: Callable[[], float]
    ) -> HttpResponse:
        check_media_type(request.headers, (JSON,))
        content = request.read_body(self._settings.max_body_bytes, _larger("max_body_bytes"))
        asked, predictions = self._predict_body(content, record, key, time_left_s)
        body = encode_response(self._identity, predictions, top_k=asked.top_k)
        if len(body) + body.count(b'"') > MAX_RESPONSE_BYTES:
            raise RequestLimitError(
                f"the answer for {len(asked.texts)} texts has {len(body)} bytes, more than a Lambda function can send; "
                "send the texts in several requests, or ask for fewer labels with top_k"
            )
        return _json(body, {"server-timing": _timing(record)})

    def _predict_body(
        self, body: bytes, record: InvocationRecord, key: Key | None, time_left_s: Callable[[], float]
    ) -> tuple[Asked, list[Prediction]]:
        asked = parse_request(body)
        self._require_offer(asked)
        record.num_texts = len(asked.texts)
        check_texts(asked.texts, self._settings, _larger)
        if key is not None and key.bucket is not None:
            key.bucket.take(len(asked.texts))
        return asked, self._infer(asked.texts, time_left_s, record)

    def _infer(
        self, texts: Sequence[str], time_left_s: Callable[[], float], record: InvocationRecord | None = None
    ) -> list[Prediction]:
        start = perf_counter()
        encodings = self.predictor.encode(texts)
        encoded = perf_counter()
        logits = self._pace.infer(self.predictor, encodings, time_left_s)
        predictions = self.predictor.decode(logits, encodings)
        if record is not None:
            record.num_tokens = int(encodings.text_lengths.sum())
            record.truncated = int(np.count_nonzero(encodings.truncated))
            if isinstance(encodings, StagedEncodings):
                record.num_sent_on = int(np.count_nonzero(~encodings.settled))
            record.tokenize_ms, record.infer_ms = 1e3 * (encoded - start), 1e3 * (perf_counter() - encoded)
        return predictions

    def _require_offer(self, asked: Asked) -> None:
        if asked.explain:
            raise RequestError("this function predicts and does not explain; ask a server (textwright serve)")
        name, version = self._identity["name"], self._identity["version"]
        if asked.model not in {None, name, f"{name}@{version}"}:
            raise NotFoundError(f"there is no such model or version; this function has {name}@{version}")

    def _refuse(self, error: Exception, record: InvocationRecord) -> HttpResponse:
        problem = problem_of(error, record.id)
        if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            is_ours = isinstance(error, TextwrightError)
            self._log.error("request failed" if is_ours else "unforeseen error", error, record.id)
        return _problem(problem, record, headers_of(error))


def _keys_of(settings: LambdaSettings) -> list[Key]:
    if settings.api_keys is None:
        return []
    buckets: dict[str, TokenBucket] = {}
    return read_keys(settings.api_keys.replace(",", "\n").splitlines(), variable("api_keys"), buckets)


def _clock(context: LambdaContext | None, margin_s: float) -> Callable[[], float]:
    if context is None:
        return lambda: _UNLIMITED_S
    return lambda: context.get_remaining_time_in_millis() / 1e3 - margin_s


def _larger(setting: str) -> str:
    return f"give the function a larger {variable(setting)}"


def _nothing_here() -> str:
    return f"there is nothing at this address; there are {', '.join(_ROUTES)}"


def _json(body: bytes, headers: Mapping[str, str] | None = None) -> HttpResponse:
    return HttpResponse(HTTPStatus.OK, body, {"content-type": JSON, **(headers or {})})


def _problem(problem: Problem, record: InvocationRecord, headers: Mapping[str, str] | None = None) -> HttpResponse:
    record.code = problem.code
    return HttpResponse(problem.status, problem.encode(), {"content-type": MEDIA_TYPE, **(headers or {})})


def _timing(record: InvocationRecord) -> str:
    return f"tokenize;dur={record.tokenize_ms:.3f}, queue;dur=0.000, infer;dur={record.infer_ms:.3f}"
