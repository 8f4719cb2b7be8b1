"""Answer one event: the routes of every protocol of the server, its statuses and its problems.

Lambda gives each instance one request at a time, so there is neither a queue nor a batcher: the texts of one request
are its batch.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from http import HTTPStatus
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, Protocol

from textwright.api import inference
from textwright.api.body import decompress
from textwright.api.codec import EXAMPLE_TEXT, encode_json
from textwright.api.headers import HEALTH_PATHS, JSON, SAFETY, check_media_type, is_compressed
from textwright.api.model import LoadedModel
from textwright.api.problems import MEDIA_TYPE, Problem, encode_problem, headers_of, problem_of_status, refuse
from textwright.api.protocols import native
from textwright.api.protocols.request import Answer, PredictRequest
from textwright.api.record import RequestRecord, is_request_id, server_timing
from textwright.api.validation import RequestLimits
from textwright.errors import NotFoundError, RequestError, RequestLimitError, TextwrightError
from textwright.runtime.predictor import Predictor
from textwright.serverless.deadline import DeadlineAwareRunner, DeadlineExecutor
from textwright.serverless.event import HttpRequest, HttpResponse, is_request, read_event
from textwright.serverless.logs import Log
from textwright.serverless.messages import answer_messages, messages_of, refusal_of
from textwright.serverless.routes import PATHS, Route, find_route, load_protocol
from textwright.serverless.settings import LambdaSettings, variable

if TYPE_CHECKING:
    from textwright.api.auth import Key
    from textwright.api.rate_limit import TokenBucket

MAX_RESPONSE_BYTES: Final = 5_500_000
"""Lambda carries 6 MB back, in which each quote of the body stands escaped."""
_UNLIMITED_S: Final = 1e6


class LambdaContext(Protocol):
    """What Lambda says about an invocation."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is cut off."""


class LambdaHandler:
    """One loaded model as a Lambda function: an instance is the handler.

    Args:
        predictor: A loaded model.
        settings: The limits.
        log: Where lines go.
    """

    def __init__(self, predictor: Predictor, settings: LambdaSettings, log: Log) -> None:
        self.predictor = predictor
        self._model = LoadedModel(predictor, _limits_of(settings))
        self._settings = settings
        self._log = log
        self._keys = _keys_of(settings)
        # CloudWatch drops metrics whose dimension is not ASCII.
        self._dimension = self._model.identity.name.encode("ascii", "backslashreplace").decode()
        self._runner = DeadlineAwareRunner()
        self._is_cold = True
        self._process = os.urandom(8).hex()

    def warm_up(self) -> None:
        """Run each stage of the model once, so that the first request finds it warm and its speed known."""
        for stage in self.predictor.stages:
            self._runner.infer(stage, stage.encode([EXAMPLE_TEXT]), lambda: _UNLIMITED_S)

    def reset_after_restore(self) -> None:
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
        self._log.request(record, self._dimension)
        response.headers |= {"x-request-id": record.id, **dict(SAFETY)}
        return response.to_event(event)

    def _answer_message(
        self, message: Mapping[str, Any], context: LambdaContext | None, time_left_s: Callable[[], float]
    ) -> bool:
        """Predict one message of a queue into the log; whoever may send to the queue needs no API key."""
        start = perf_counter()
        record = self._new_record(context)
        record.id = str(message["messageId"])
        try:
            parsed = native.parse({}, str(message["body"]).encode(), self._model.limits)
            answer = self._predict(parsed, None, record, time_left_s)
            for index, prediction in enumerate(json.loads(answer.body)["predictions"]):
                self._log.event("prediction", id=record.id, index=index, model=record.model, **prediction)
            record.status = HTTPStatus.OK
        except Exception as error:  # noqa: BLE001  whatever happens to one message, the others are answered
            record.status = self._refuse(error, record).status
        record.total_ms = 1e3 * (perf_counter() - start)
        self._log.request(record, self._dimension)
        return record.status == HTTPStatus.OK

    def _refuse_event(self, event: object, record: RequestRecord) -> RequestError:
        error = refusal_of(event)
        record.code, record.status = error.code, HTTPStatus.UNPROCESSABLE_ENTITY
        self._log.request(record, self._dimension)
        return error

    def _new_record(self, context: LambdaContext | None) -> RequestRecord:
        invocation = context.aws_request_id if context else f"{self._process}-{os.urandom(4).hex()}"
        record = RequestRecord(invocation, model=self._model.title, cold_start=int(self._is_cold))
        self._is_cold = False
        return record

    def _respond(
        self, event: Mapping[str, Any], record: RequestRecord, time_left_s: Callable[[], float]
    ) -> HttpResponse:
        request = read_event(event, self._settings.base_path)
        shown = request.headers.get("x-request-id", "")
        record.id, record.method = shown if is_request_id(shown) else record.id, request.method[:20]
        route = find_route(request.path)
        if route is None:
            return _problem(problem_of_status(HTTPStatus.NOT_FOUND, _nothing_here(), record.id), record)
        record.path = route.path
        if request.method not in {route.method, "HEAD" if route.method == "GET" else route.method}:
            detail = f"this address does not answer {request.method[:20]}; it answers {route.method}"
            problem = problem_of_status(HTTPStatus.METHOD_NOT_ALLOWED, detail, record.id)
            return _problem(problem, record, {"allow": route.method})
        key = None if route.path in HEALTH_PATHS else self._admit(request, record)
        return self._answer(request, route, key, record, time_left_s)

    def _admit(self, request: HttpRequest, record: RequestRecord) -> Key | None:
        if not self._keys:
            return None
        from textwright.api.auth import find_key, shown_secret

        key = find_key(self._keys, shown_secret(request.headers))
        record.key = key.name
        return key

    def _answer(
        self,
        request: HttpRequest,
        route: Route,
        key: Key | None,
        record: RequestRecord,
        time_left_s: Callable[[], float],
    ) -> HttpResponse:
        self._require_model(route.model if route.model is not None else request.model)
        if route.describe is not None:
            return HttpResponse(HTTPStatus.OK, encode_json(route.describe(self._model)), {"content-type": JSON})
        limits = self._model.limits
        protocol = load_protocol(route.protocol)
        check_media_type(request.headers, protocol.MEDIA_TYPES)
        body = request.read_body(limits)
        if is_compressed(request.headers):
            body = decompress(body, limits)
        answer = self._predict(protocol.parse(request.headers, body, limits), key, record, time_left_s)
        _check_size(answer)
        headers = {"content-type": answer.media_type, "server-timing": server_timing(record), **answer.headers}
        return HttpResponse(HTTPStatus.OK, answer.body, headers)

    def _predict(
        self, parsed: PredictRequest, key: Key | None, record: RequestRecord, time_left_s: Callable[[], float]
    ) -> Answer:
        self._require_model(parsed.model)
        executor = DeadlineExecutor(self.predictor, self._runner, time_left_s, record, self._settings.explain_max_cost)
        return inference.run(inference.answer(parsed, self._model, key, record, executor))

    def _require_model(self, name: str | None) -> None:
        if name is not None and not self._model.is_called(name):
            raise NotFoundError(f"there is no such model or version; this function has {self._model.title}")

    def _refuse(self, error: Exception, record: RequestRecord) -> HttpResponse:
        problem = refuse(error, record)
        if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            is_ours = isinstance(error, TextwrightError)
            self._log.error("request failed" if is_ours else "unforeseen error", error, record.id)
        return _problem(problem, record, headers_of(error))


def _limits_of(settings: LambdaSettings) -> RequestLimits:
    return RequestLimits(
        max_texts=settings.max_texts,
        max_text_chars=settings.max_text_chars,
        max_body_bytes=settings.max_body_bytes,
        max_explained_texts=settings.max_explained_texts,
        cure=lambda setting: f"give the function a larger {variable(setting)}",
    )


def _keys_of(settings: LambdaSettings) -> list[Key]:
    if settings.api_keys is None:
        return []
    from textwright.api.auth import read_keys  # a cold start pays for each import

    buckets: dict[str, TokenBucket] = {}
    return read_keys(settings.api_keys.replace(",", "\n").splitlines(), variable("api_keys"), buckets)


def _clock(context: LambdaContext | None, margin_s: float) -> Callable[[], float]:
    if context is None:
        return lambda: _UNLIMITED_S
    return lambda: context.get_remaining_time_in_millis() / 1e3 - margin_s


def _check_size(answer: Answer) -> None:
    if len(answer.body) + answer.body.count(b'"') > MAX_RESPONSE_BYTES:
        raise RequestLimitError(
            f"the answer has {len(answer.body)} bytes, more than a Lambda function can send; send the texts in several "
            "requests, or ask for fewer labels or outputs (top_k, outputs)"
        )


def _nothing_here() -> str:
    return f"there is nothing at this address; there are {', '.join(PATHS)}"


def _problem(problem: Problem, record: RequestRecord, headers: Mapping[str, str] | None = None) -> HttpResponse:
    record.code = problem.code
    return HttpResponse(problem.status, encode_problem(problem), {"content-type": MEDIA_TYPE, **(headers or {})})
