"""The two clients of a served model. What they share is in ``requests`` and ``answers``; here they send and wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Self

import httpx
from pydantic import TypeAdapter

from textwright.api.record import REQUEST_ID, is_request_id
from textwright.api.schemas import FeedbackReceipt, ModelInfo, ModelList, Prediction, PredictResponse
from textwright.client.answers import Patience, parse, unreachable
from textwright.client.requests import bodies, check_texts, feedback_body
from textwright.errors import SettingsError

_PREDICT: Final = "/v1/predict"
_FEEDBACK: Final = "/v1/feedback"
_MODELS: Final = "/v1/models"
_READY: Final = "/readyz"
_PREDICTIONS: Final = TypeAdapter(PredictResponse)
_RECEIPT: Final = TypeAdapter(FeedbackReceipt)
_MODEL_LIST: Final = TypeAdapter(ModelList)


class _Settings:
    """What both clients take, checked."""

    def __init__(self, url: str, api_key: str | None, batch_size: int, timeout_s: float, max_wait_s: float) -> None:
        if batch_size < 1:
            raise SettingsError(f"batch_size of a client is {batch_size}; give 1 or more")
        if timeout_s <= 0:
            raise SettingsError(f"timeout_s of a client is {timeout_s}; give more than 0")
        if max_wait_s < 0:
            raise SettingsError(f"max_wait_s of a client is {max_wait_s}; give 0 or more")
        try:
            address = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise SettingsError(f"{url!r} is no address of a server ({error}); give http://HOST:PORT") from error
        if address.scheme not in ("http", "https") or not address.host:
            raise SettingsError(f"{url!r} is no address of a server; give http://HOST:PORT")
        self.batch_size, self.max_wait_s = batch_size, max_wait_s
        self.for_httpx: dict[str, Any] = {
            "base_url": address,
            "headers": {"authorization": f"Bearer {api_key}"} if api_key else {},
            "timeout": timeout_s,
        }


class Client:
    """A served model: ``Client("http://127.0.0.1:8000").predict(["a text"])[0].label``.

    Safe to share between threads. Close it, or use it in a ``with`` block; its connections stay open until then.

    Args:
        url: Address of the server, such as http://127.0.0.1:8000.
        api_key: Sent with each request; None sends none.
        batch_size: Maximum number of texts of a request, >= 1; more texts take several requests.
        timeout_s: Seconds that one request may take, > 0.
        max_wait_s: Seconds from the start of a call in which requests that are refused for want of room (429) are sent
            again, after the wait that the server names; 0 sends each once.

    Raises:
        SettingsError: If a number is out of bounds.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        batch_size: int = 64,
        timeout_s: float = 30.0,
        max_wait_s: float = 60.0,
    ) -> None:
        self._settings = _Settings(url, api_key, batch_size, timeout_s, max_wait_s)
        self._http = httpx.Client(**self._settings.for_httpx)

    def predict(
        self,
        texts: Iterable[str],
        *,
        model: str | None = None,
        top_k: int | None = None,
        explain: bool = False,
        request_id: str | None = None,
    ) -> list[Prediction]:
        """Predict the labels of texts.

        Args:
            texts: N texts, from any iterable that has an order.
            model: Which model of the server answers: its name, or name@version; None takes its first.
            top_k: Probabilities of each text, those of the most probable labels; None gives all.
            explain: Say also which words speak for the label and which against it.
            request_id: Sent as x-request-id, so that :meth:`send_feedback` can name the request; 1 to 128 letters,
                digits and ``._:-``. The texts must fit into one request.

        Returns:
            N predictions, in the order of the texts.

        Raises:
            TextError: If an item is not a string; names its position. Nothing is sent then.
            SettingsError: If texts with a request id take several requests. Nothing is sent then.
            RateLimitError: If the key's share is still used up when ``max_wait_s`` is over.
            QueueFullError: If the server is still full then.
            RequestError: If the server refuses the request, as without a known key; its words say why.
            NotFoundError: If the server has no such model.
            ServingError: If the server cannot be reached, or cannot answer.
        """
        patience = Patience(self._settings.max_wait_s)
        fields = {"model": model, "top_k": top_k, "explain": explain or None}
        predictions = list[Prediction]()
        for body in _bodies(texts, self._settings.batch_size, fields, request_id):
            response = self._send(patience, "POST", _PREDICT, body, request_id)
            predictions += parse(response, _PREDICTIONS).predictions
        return predictions

    def send_feedback(
        self, request_id: str, labels: str | Sequence[str], *, position: int = 0, model: str | None = None
    ) -> FeedbackReceipt:
        """Say what the right labels of a text were that the server has answered.

        Args:
            request_id: The ``request_id`` of its prediction, or the header x-request-id of the answer.
            labels: The right label; of a multi-label model those that hold, also none.
            position: Of the text in its request, from 0.
            model: Whose labels they are, as for :meth:`predict`.

        Returns:
            What the server has stored.

        Raises:
            RequestError: If a label is none of the model's, or the id or the position cannot be one.
            NotFoundError: If the server has no such model, or was started without ``--feedback``.
            ServingError: If the server cannot be reached, or cannot store it.
        """
        patience, body = Patience(self._settings.max_wait_s), feedback_body(request_id, labels, position, model)
        return parse(self._send(patience, "POST", _FEEDBACK, body), _RECEIPT)

    def models(self) -> list[ModelInfo]:
        """List the models of the server, with what was measured of them; the first is the default."""
        response = self._send(Patience(self._settings.max_wait_s), "GET", _MODELS)
        return parse(response, _MODEL_LIST).models

    def is_ready(self) -> bool:
        """Say whether the server may be sent requests; False also if it cannot be reached."""
        try:
            return self._http.get(_READY).is_success
        except httpx.HTTPError:
            return False

    def _send(
        self, patience: Patience, method: str, path: str, body: bytes | None = None, request_id: str | None = None
    ) -> httpx.Response:
        request = self._http.build_request(method, path, content=body, headers=_headers(body, request_id))
        while True:
            try:
                response = self._http.send(request)
            except httpx.HTTPError as error:
                raise unreachable(request.url, error) from error
            wait_s = patience.seconds_to_wait(response)
            if wait_s is None:
                return response
            time.sleep(wait_s)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


class AsyncClient:
    """The asynchronous twin of :class:`Client`: the same methods, to be awaited, with several requests at once.

    Args:
        url: As for :class:`Client`.
        api_key: As for :class:`Client`.
        batch_size: As for :class:`Client`.
        timeout_s: As for :class:`Client`.
        max_wait_s: As for :class:`Client`.
        max_requests: Maximum number of requests of one call that are under way at once, >= 1.

    Raises:
        SettingsError: If a number is out of bounds.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        batch_size: int = 64,
        timeout_s: float = 30.0,
        max_wait_s: float = 60.0,
        max_requests: int = 4,
    ) -> None:
        self._settings = _Settings(url, api_key, batch_size, timeout_s, max_wait_s)
        if max_requests < 1:
            raise SettingsError(f"max_requests of a client is {max_requests}; give 1 or more")
        self._max_requests = max_requests
        self._http = httpx.AsyncClient(**self._settings.for_httpx)

    async def predict(
        self,
        texts: Iterable[str],
        *,
        model: str | None = None,
        top_k: int | None = None,
        explain: bool = False,
        request_id: str | None = None,
    ) -> list[Prediction]:
        """Predict the labels of texts; see :meth:`Client.predict`."""
        patience, limit = Patience(self._settings.max_wait_s), asyncio.Semaphore(self._max_requests)
        fields = {"model": model, "top_k": top_k, "explain": explain or None}

        async def answer(body: bytes) -> list[Prediction]:
            async with limit:
                response = await self._send(patience, "POST", _PREDICT, body, request_id)
                return parse(response, _PREDICTIONS).predictions

        requests = list(_bodies(texts, self._settings.batch_size, fields, request_id))
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(answer(body)) for body in requests]
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None  # the first; the others were cancelled
        return [prediction for task in tasks for prediction in task.result()]

    async def send_feedback(
        self, request_id: str, labels: str | Sequence[str], *, position: int = 0, model: str | None = None
    ) -> FeedbackReceipt:
        """Say what the right labels of a text were; see :meth:`Client.send_feedback`."""
        patience, body = Patience(self._settings.max_wait_s), feedback_body(request_id, labels, position, model)
        return parse(await self._send(patience, "POST", _FEEDBACK, body), _RECEIPT)

    async def models(self) -> list[ModelInfo]:
        """List the models of the server; see :meth:`Client.models`."""
        response = await self._send(Patience(self._settings.max_wait_s), "GET", _MODELS)
        return parse(response, _MODEL_LIST).models

    async def is_ready(self) -> bool:
        """Say whether the server may be sent requests; see :meth:`Client.is_ready`."""
        try:
            return (await self._http.get(_READY)).is_success
        except httpx.HTTPError:
            return False

    async def _send(
        self, patience: Patience, method: str, path: str, body: bytes | None = None, request_id: str | None = None
    ) -> httpx.Response:
        request = self._http.build_request(method, path, content=body, headers=_headers(body, request_id))
        while True:
            try:
                response = await self._http.send(request)
            except httpx.HTTPError as error:
                raise unreachable(request.url, error) from error
            wait_s = patience.seconds_to_wait(response)
            if wait_s is None:
                return response
            await asyncio.sleep(wait_s)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.close()


def _headers(body: bytes | None, request_id: str | None = None) -> dict[str, str]:
    content = {} if body is None else {"content-type": "application/json"}
    return content if request_id is None else {**content, REQUEST_ID: request_id}


def _bodies(
    texts: Iterable[str], batch_size: int, fields: Mapping[str, Any], request_id: str | None
) -> Iterable[bytes]:
    """Write the bodies of a call; one that names its request must be one request."""
    checked = check_texts(texts)
    if request_id is None:
        return bodies(checked, batch_size, fields)
    if not is_request_id(request_id):
        raise SettingsError(f"request_id is {request_id[:40]!r}; give 1 to 128 letters, digits and ._:-")
    requests = list(bodies(checked, batch_size, fields))
    if len(requests) > 1:
        raise SettingsError(
            f"{len(checked)} texts take {len(requests)} requests, which cannot share a request_id; raise batch_size, "
            "or call predict once for each part"
        )
    return requests
