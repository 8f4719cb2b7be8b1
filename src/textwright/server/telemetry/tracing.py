"""Traces for OpenTelemetry: a span for each request, and in it one for tokenizing, queueing and inferring.

Nothing is traced, and nothing of OpenTelemetry imported, unless the server is told where to send spans. A trace that
the client began goes on (W3C ``traceparent``). Attributes say how much was asked, never what: no text, no unknown
address. Sampling and resource are those of the standard environment variables (``OTEL_TRACES_SAMPLER``,
``OTEL_SERVICE_NAME``, ``OTEL_RESOURCE_ATTRIBUTES``, ``OTEL_EXPORTER_OTLP_HEADERS``).

Source:
    OpenTelemetry, "Semantic conventions for HTTP spans"; W3C, "Trace Context".
"""

from __future__ import annotations

import os
from http import HTTPStatus
from time import time_ns
from typing import Final

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from textwright import __version__
from textwright.api.headers import HEALTH_PATHS
from textwright.api.record import RequestRecord
from textwright.server.telemetry import metrics
from textwright.server.telemetry.logs import record_of

UNTRACED: Final = HEALTH_PATHS | {metrics.PATH}
"""Asked every few seconds by machines; a trace of each would hide the others."""
_SPANS: Final = ("tokenize", "queue", "infer")
_NS_PER_MS: Final = 1_000_000
_ATTRIBUTES: Final = {
    "model": "textwright.model",
    "num_texts": "textwright.num_texts",
    "num_tokens": "textwright.num_tokens",
    "truncated": "textwright.truncated_texts",
    "batch_size": "textwright.batch_texts",
    "path": "http.route",
    "status": "http.response.status_code",
    "code": "error.type",
}
"""Field of a record -> attribute of a span."""


class Tracer:
    """Sends spans to one place, from a thread of its own.

    Args:
        endpoint: Where, OTLP over HTTP: ``http://127.0.0.1:4318/v1/traces``.
    """

    def __init__(self, endpoint: str) -> None:
        name = os.environ.get("OTEL_SERVICE_NAME", "textwright")
        resource = Resource.create({"service.name": name, "service.version": __version__})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint, timeout=5)))
        self._tracer = self._provider.get_tracer("textwright", __version__)
        self._propagator = TraceContextTextMapPropagator()

    def record(self, scope: Scope, record: RequestRecord, start_ns: int, end_ns: int) -> None:
        """Write the spans of one request that is over.

        Args:
            scope: Its ASGI scope; of its headers, those of the trace context are read.
            record: What is known of it.
            start_ns: When it began, in nanoseconds since 1970.
            end_ns: When it ended.
        """
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        fields, method = vars(record), str(scope["method"])
        attributes = {to: fields[name] for name, to in _ATTRIBUTES.items() if fields[name] is not None}
        span = self._tracer.start_span(
            f"{method} {record.path}" if record.path else method,
            context=self._propagator.extract(headers),
            kind=SpanKind.SERVER,
            start_time=start_ns,
            attributes={"http.request.method": method, "textwright.request_id": record.id, **attributes},
        )
        if (record.status or 0) >= HTTPStatus.INTERNAL_SERVER_ERROR:
            span.set_status(StatusCode.ERROR)
        self._record_stages(span, record, end_ns)
        span.end(end_ns)

    def close(self) -> None:
        """Send what is not yet sent; takes as long as the other side takes, at most some seconds."""
        self._provider.force_flush(3000)
        self._provider.shutdown()

    def _record_stages(self, span: Span, record: RequestRecord, end_ns: int) -> None:
        """Lay the stages end to end before the end of the request: what follows them is only writing the answer."""
        if record.infer_ms is None:
            return
        inside: Context = set_span_in_context(span)
        spent = {stage: int((vars(record)[f"{stage}_ms"] or 0.0) * _NS_PER_MS) for stage in _SPANS}
        begin_ns = end_ns - sum(spent.values())
        for stage, duration_ns in spent.items():
            child = self._tracer.start_span(stage, context=inside, start_time=begin_ns)
            begin_ns += duration_ns
            child.end(begin_ns)


class Tracing:
    """ASGI middleware around the log: traces each request when it is over.

    Args:
        app: The application within; it leaves a record of each request.
        tracer: Where spans go.
    """

    def __init__(self, app: ASGIApp, tracer: Tracer) -> None:
        self._app = app
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http" or scope["path"] in UNTRACED:
            await self._app(scope, receive, send)
            return
        start_ns = time_ns()
        try:
            await self._app(scope, receive, send)
        finally:
            self._tracer.record(scope, record_of(Request(scope)), start_ns, time_ns())
