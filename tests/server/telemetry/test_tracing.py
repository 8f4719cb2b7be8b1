"""Traces arrive at a real collector's address, go on from the client's, and hold no text."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from server_process import serving

SECRET = "xyzzy-my-private-words"
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def collector():
    """Listen as an OTLP collector; yield its address and the spans that came."""
    spans, bodies = [], []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            told = ExportTraceServiceRequest.FromString(body)
            bodies.append(body)
            for resource in told.resource_spans:
                names = {item.key: item.value.string_value for item in resource.resource.attributes}
                spans.extend((names["service.name"], span) for scope in resource.scope_spans for span in scope.spans)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1/traces", spans, bodies
        server.shutdown()
        thread.join()


def attributes_of(span):
    return {item.key: getattr(item.value, item.value.WhichOneof("value")) for item in span.attributes}


@pytest.mark.parametrize("workers", [1, 2])
def test_a_request_is_a_span_with_its_stages(tiny_artifact, tmp_path, collector, workers):
    endpoint, spans, bodies = collector
    flags = ("--otlp-endpoint", endpoint, "--workers", workers)
    with serving(tiny_artifact, *flags, log=tmp_path / "log") as server:
        headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "x-request-id": "abc"}
        assert server.ask("POST", "/v1/predict", {"texts": ["good", SECRET]}, headers)[0] == 200
        server.ask("POST", f"/v1/predict?key={SECRET}", {SECRET: 1})
        server.ask("GET", f"/{SECRET}")
        for path in ("/healthz", "/readyz", "/metrics"):
            server.ask("GET", path)
        assert server.stop() == 0  # what was not yet sent is sent at the end
    assert {name for name, _ in spans} == {"textwright"}
    roots = {span.name: span for _, span in spans if attributes_of(span)}
    whole = next(span for _, span in spans if attributes_of(span).get("textwright.request_id") == "abc")
    assert (whole.trace_id.hex(), whole.parent_span_id.hex()) == (TRACE, PARENT)
    told = attributes_of(whole)
    version = next(line["model"] for line in server.lines() if "model" in line)
    expected = {
        "http.request.method": "POST",
        "http.route": "/v1/predict",
        "http.response.status_code": 200,
        "textwright.num_texts": 2,
        "textwright.model": version,
    }
    assert expected.items() <= told.items()
    assert told["textwright.num_tokens"] > 2
    stages = {span.name: span for _, span in spans if span.parent_span_id == whole.span_id}
    assert set(stages) == {"tokenize", "queue", "infer"}
    assert stages["tokenize"].end_time_unix_nano == stages["queue"].start_time_unix_nano
    assert stages["queue"].end_time_unix_nano == stages["infer"].start_time_unix_nano
    assert whole.start_time_unix_nano <= stages["tokenize"].start_time_unix_nano
    assert stages["infer"].end_time_unix_nano == whole.end_time_unix_nano
    assert set(roots) == {"POST /v1/predict", "GET"}  # an unknown address may hold anything, even a text
    assert not any(SECRET.encode() in body for body in bodies)


@pytest.mark.slow
def test_an_address_where_nobody_listens_harms_nobody(tiny_artifact, tmp_path):
    flags = ("--otlp-endpoint", "http://127.0.0.1:9/v1/traces")
    with serving(tiny_artifact, *flags, log=tmp_path / "log") as server:
        assert server.predict("good")["predictions"]
        assert server.stop() == 0
    assert all(json.dumps(line) for line in server.lines())  # the exporter complains in our form
    assert SECRET not in server.log.read_text()


def test_a_missing_library_is_said_with_its_cure(tiny_artifact):
    program = "import sys; sys.modules['opentelemetry.sdk'] = None; from textwright.cli.main import main; main()"
    words = ["serve", str(tiny_artifact), "--port", "0", "--otlp-endpoint", "http://127.0.0.1:9"]
    done = subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 7
    assert 'pip install "textwright[otel]"' in done.stderr


def test_nothing_of_it_is_imported_unless_asked_for(tiny_artifact):
    code = (
        "import sys, textwright\n"
        "from textwright.server.app import create_app\n"
        f"create_app(textwright.load({str(tiny_artifact)!r}))\n"
        "sys.exit('opentelemetry.sdk' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
