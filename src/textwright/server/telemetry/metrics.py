"""What Prometheus sees at ``/metrics``: counts, durations and queues; no label that a client can choose.

Several workers count into files of one folder, which the supervisor names in the environment before they start
(prometheus_client's multiprocess mode): whichever worker is asked tells the sum, and what a killed worker has counted
stays.
"""

from __future__ import annotations

import os
from collections import Counter as Counts
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from textwright.api.record import RequestRecord
from textwright.core.prediction_record import PredictionRecord
from textwright.server.inference.served_model import ServedModel

PATH: Final = "/metrics"
FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Environment variable that names the folder in which workers count together."""

_SECONDS: Final = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
_CONFIDENCES: Final = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
_RATES: Final = (0.0, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_UNKNOWN_ROUTE: Final = "unknown"
_NO_MODEL: Final = ""
_DURATIONS: Final = {
    "tokenize_ms": "from texts to ids",
    "queue_ms": "of ids waiting for the model",
    "infer_ms": "from the start of a request's first batch to its last prediction",
    "total_ms": "from the first byte of a request to the last of its response",
}
_IDENTITY: Final = ("name", "version", "family", "variant", "task")


class Metrics:
    """The metrics of one application, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = self._counter("requests", "Requests answered, or abandoned (499).", ("route", "status"))
        self._rejections = self._counter("rejections", "Requests answered with a problem, by its code.", ("code",))
        self._counters = {
            "num_texts": self._counter("texts", "Texts in requests, refused ones included."),
            "num_tokens": self._counter("tokens", "Tokens of texts that were encoded."),
            "truncated": self._counter("truncated_texts", "Texts that were longer than the model reads."),
        }
        self._stage_texts = self._counter("stage_texts", "Texts answered by each stage of a model.", ("model", "stage"))
        self._feedback = self._counter("feedback", "Texts whose right labels were sent as feedback.")
        self._durations = {name: self._seconds(name, text) for name, text in _DURATIONS.items()}
        self._batches = self._histogram("batch_texts", "Texts that went through the model together.", _SIZES)
        self._queue_texts = self._gauge("queue_texts", "Texts that are admitted and not yet answered.")
        self._queue_tokens = self._gauge("queue_tokens", "Tokens that are queued or computed and not yet answered.")
        self._models = Gauge(
            "textwright_model_info",
            "1 for the models that answer, 0 for those replaced.",
            _IDENTITY,
            registry=self._registry,
            multiprocess_mode="livemax",
        )
        self._recorded = self._counter(
            "recorded_texts", "Texts that were recorded, by each label predicted.", ("model", "label")
        )
        self._dropped = self._counter("record_dropped_texts", "Texts whose records are lost: queue or disk were full.")
        self._confidence = self._histogram("recorded_confidence", "Confidence of recorded predictions.", _CONFIDENCES)
        self._unknown = self._histogram("recorded_unknown_rate", "Unknown tokens of recorded texts.", _RATES)
        self._decisions = self._counter(
            "split_requests", "Requests that named no model, by the one they were given to."
        )
        self._shadow_texts = self._counter(
            "shadow_texts", "Texts that a second model was asked too, by what came of it.", ("model", "outcome")
        )
        self._errors = self._counter(
            "model_errors", "Requests that came to a model and failed there (5xx, queue full)."
        )
        self._returned = Gauge(
            "textwright_split_returned",
            "1 where the requests of a candidate have returned to the first model.",
            ("model",),
            registry=self._registry,
            multiprocess_mode="livemax",
        )
        self._answering: list[ServedModel] = []
        self._without_model = self._durations["total_ms"].labels(_NO_MODEL)
        self._meters: dict[str, _Meters] = {}

    def watch(self, served: ServedModel, replaced: ServedModel | None = None) -> None:
        """Count for a model from now on.

        Args:
            served: A model that is about to answer.
            replaced: The one whose place it takes, which finishes what it has.
        """
        meters = self._meters[served.title] = self._meters_of(served.identity.name, served.model.predictor.stage_names)
        for stage in served.stages:
            stage.engine.on_batch = meters.batches.observe
        if replaced is not None:
            self._answering.remove(replaced)
            self._models.labels(**vars(replaced.identity)).set(0)
        self._dropped.labels(served.identity.name)
        self._answering.append(served)
        self._models.labels(**vars(served.identity)).set(1)
        self.refresh()

    def observe(self, records: Sequence[RequestRecord]) -> None:
        """Count requests.

        Args:
            records: What their lines in the log say.
        """
        answers = Counts((record.path, record.status) for record in records)
        for (path, status), number in answers.items():
            self._requests.labels(path or _UNKNOWN_ROUTE, status).inc(number)
        by_model: defaultdict[str | None, list[RequestRecord]] = defaultdict(list)
        for record in records:
            by_model[record.model].append(record)
            if record.code is not None:
                self._rejections.labels(record.code).inc()
        for model, theirs in by_model.items():
            if model is not None:
                self._meters[model].observe(theirs)
            else:
                for record in theirs:
                    self._without_model.observe(record.total_ms / 1e3)

    def note_recorded(self, model: str, records: Sequence[PredictionRecord]) -> None:
        """Count texts that were recorded; called from the thread that records.

        Args:
            model: Name of the model.
            records: Of its texts.
        """
        for label, number in Counts(label for record in records for label in record.labels).items():
            self._recorded.labels(model, label).inc(number)
        confidence, unknown = self._confidence.labels(model), self._unknown.labels(model)
        for record in records:
            confidence.observe(record.confidence)
            unknown.observe(record.unknown_rate)

    def note_dropped(self, model: str, number: int) -> None:
        """Count texts whose records are lost; called from any thread."""
        self._dropped.labels(model).inc(number)

    def count_feedback(self, served: ServedModel) -> None:
        """Count feedback on a text of a model."""
        self._feedback.labels(served.identity.name).inc()

    def count_decision(self, model: str) -> None:
        """Count a request that was given to a model by the split."""
        self._decisions.labels(model).inc()

    def count_shadow(self, model: str, outcome: str, num_texts: int) -> None:
        """Count texts that a second model was asked.

        Args:
            model: Name of the candidate.
            outcome: "agreed", "disagreed", "dropped" or "failed".
            num_texts: Texts.
        """
        self._shadow_texts.labels(model, outcome).inc(num_texts)

    def show_returned(self, model: str, *, is_returned: bool) -> None:
        """Show whether the requests of a candidate have returned to the first model."""
        self._returned.labels(model).set(int(is_returned))

    def refresh(self) -> None:
        """Read how much waits now."""
        waiting = dict.fromkeys((served.identity.name for served in self._answering), (0, 0))
        for served in self._answering:
            texts, tokens = waiting[served.identity.name]
            waiting[served.identity.name] = (texts + served.num_texts, tokens + served.num_tokens)
        for name, (texts, tokens) in waiting.items():
            self._queue_texts.labels(name).set(texts)
            self._queue_tokens.labels(name).set(tokens)

    def route(self) -> Route:
        """Make the route that Prometheus asks."""

        async def metrics(_: Request) -> Response:
            self.refresh()
            return Response(generate_latest(self._readable()), headers={"content-type": CONTENT_TYPE_PLAIN_0_0_4})

        return Route(PATH, metrics)

    def _meters_of(self, model: str, stages: Sequence[str]) -> _Meters:
        counters = {field: counter.labels(model) for field, counter in self._counters.items()}
        durations = {field: histogram.labels(model) for field, histogram in self._durations.items()}
        by_stage = {stage: self._stage_texts.labels(model, stage) for stage in stages}
        return _Meters(counters, durations, self._batches.labels(model), by_stage, self._errors.labels(model))

    def _readable(self) -> CollectorRegistry:
        if FOLDER not in os.environ:
            return self._registry
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return registry

    def _counter(self, name: str, text: str, labels: tuple[str, ...] = ("model",)) -> Counter:
        return Counter(f"textwright_{name}", text, labels, registry=self._registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"textwright_{name}", text, ("model",), registry=self._registry, multiprocess_mode="livesum")

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(f"textwright_{name}", text, ("model",), buckets=buckets, registry=self._registry)

    def _seconds(self, name: str, text: str) -> Histogram:
        stage = name.removesuffix("_ms").replace("total", "request")
        return self._histogram(f"{stage}_seconds", f"Seconds {text}.", _SECONDS)


class _Meters:
    """What is counted for one model; looking its label up at each request would cost more than counting.

    Args:
        counters: Field of a record -> what is counted up by it.
        durations: Field of a record -> histogram of it.
        batches: Sizes of the model's batches.
        stages: Stage -> texts that it answered; empty for a model of one stage.
        errors: Requests that failed in the model.
    """

    def __init__(
        self,
        counters: Mapping[str, Counter],
        durations: Mapping[str, Histogram],
        batches: Histogram,
        stages: Mapping[str, Counter],
        errors: Counter,
    ) -> None:
        self._errors = errors
        self.batches = batches
        self._stages = stages
        self._counters = counters
        self._durations = durations

    def observe(self, records: Sequence[RequestRecord]) -> None:
        """Count requests that came to the model."""
        for name, counter in self._counters.items():
            if number := sum(getattr(record, name) or 0 for record in records):
                counter.inc(number)
        for name, histogram in self._durations.items():
            for record in records:
                duration_ms = getattr(record, name)
                if duration_ms is not None:
                    histogram.observe(duration_ms / 1e3)
        if failed := sum(record.is_failure for record in records):
            self._errors.inc(failed)
        for record in records:
            for stage, number in (record.stage_texts or {}).items():
                self._stages[stage].inc(number)
