"""What Prometheus sees at ``/metrics``: counts, durations and the queue; no label that a client can choose."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from textwright.server.logs import RequestRecord
from textwright.server.service import Service

PATH: Final = "/metrics"

_SECONDS: Final = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
_UNKNOWN_ROUTE: Final = "unknown"
_STAGES: Final = {
    "tokenize_ms": "from texts to ids",
    "queue_ms": "of ids waiting for the model",
    "infer_ms": "from the start of a request's first batch to its last prediction",
    "total_ms": "from the first byte of a request to the last of its response",
}


class Metrics:
    """The metrics of one application, in a registry of their own.

    Args:
        service: The model and its queue.
    """

    def __init__(self, service: Service) -> None:
        self._registry = CollectorRegistry()
        self._requests = self._counter("requests", "Requests answered, or abandoned (499).", ("route", "status"))
        self._rejections = self._counter("rejections", "Requests answered with a problem, by its code.", ("code",))
        self._counts = {
            "num_texts": self._counter("texts", "Texts in requests, refused ones included."),
            "num_tokens": self._counter("tokens", "Tokens of texts that were encoded."),
            "truncated": self._counter("truncated_texts", "Texts that were longer than the model reads."),
        }
        self._durations = {name: self._seconds(name, text) for name, text in _STAGES.items()}
        self._batches = Histogram(
            "textwright_batch_texts",
            "Texts that went through the model together.",
            buckets=_SIZES,
            registry=self._registry,
        )
        self._describe(service)
        service.engine.on_batch = self._batches.observe

    def observe(self, record: RequestRecord) -> None:
        """Count one request.

        Args:
            record: What its line in the log says.
        """
        self._requests.labels(record.path or _UNKNOWN_ROUTE, record.status).inc()
        if record.code is not None:
            self._rejections.labels(record.code).inc()
        fields = vars(record)
        for name, counter in self._counts.items():
            if fields[name]:
                counter.inc(fields[name])
        for name, histogram in self._durations.items():
            if fields[name] is not None:
                histogram.observe(fields[name] / 1e3)

    def route(self) -> Route:
        """Make the route that Prometheus asks."""

        async def metrics(_: Request) -> Response:
            return Response(generate_latest(self._registry), headers={"content-type": CONTENT_TYPE_PLAIN_0_0_4})

        return Route(PATH, metrics)

    def _describe(self, service: Service) -> None:
        identity = service.identity.model_dump()
        model = Gauge("textwright_model_info", "The loaded model.", tuple(identity), registry=self._registry)
        model.labels(**identity).set(1)
        waiting = self._gauge("queue_texts", "Texts that are admitted and not yet answered.")
        waiting.set_function(lambda: service.batcher.num_texts)
        tokens = self._gauge("queue_tokens", "Tokens that are queued or computed and not yet answered.")
        tokens.set_function(lambda: service.batcher.num_tokens)

    def _counter(self, name: str, text: str, labels: tuple[str, ...] = ()) -> Counter:
        return Counter(f"textwright_{name}", text, labels, registry=self._registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"textwright_{name}", text, registry=self._registry)

    def _seconds(self, name: str, text: str) -> Histogram:
        stage = name.removesuffix("_ms").replace("total", "request")
        return Histogram(f"textwright_{stage}_seconds", f"Seconds {text}.", buckets=_SECONDS, registry=self._registry)
