"""The golden examples through a real socket: what answers, what differs, and who is let in."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from textwright.core import artifact as artifacts
from textwright.deploy.cloud.endpoint import Endpoint
from textwright.deploy.cloud.session import Cloud
from textwright.deploy.smoke_test import SmokeTest
from textwright.errors import CloudError, GoldenMismatchError
from textwright.serverless.start import start


@pytest.fixture
def serve():
    servers = []

    def run(answer):
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                status, content = answer(body, {key.lower(): value for key, value in self.headers.items()})
                self.send_response(status)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return Endpoint(f"http://127.0.0.1:{server.server_address[1]}/")

    yield run
    for server in servers:
        server.shutdown()
        server.server_close()


def smoke_test(path, address):
    artifact = artifacts.read(path)
    return SmokeTest(artifact).run(address.predict, artifact.version, "it")


def function(path):
    """Answer as a function does."""
    handler = start(path.parent, environment={"TEXTWRIGHT_LAMBDA_ARTIFACT": path.name})

    def answer(body, headers):
        event = {
            "version": "2.0",
            "rawPath": "/v1/predict",
            "requestContext": {"http": {"method": "POST", "path": "/v1/predict"}},
            "headers": headers,
            "body": body,
        }
        answered = handler(event)
        return answered["statusCode"], answered["body"].encode()

    return answer


def test_the_same_model_reproduces(serve, tiny_artifact):
    address = serve(function(tiny_artifact))
    artifact = artifacts.read(tiny_artifact)
    found = SmokeTest(artifact).run(address.predict, artifact.version, "it")
    assert found.num_golden == len(artifact.golden())
    assert found.first_ms > 0
    assert found.warm_ms > 0


def test_another_model_is_refused(serve, tiny_artifact, make_artifact):
    address = serve(function(make_artifact("tiny", temperature=3.0)))
    with pytest.raises(GoldenMismatchError, match="does not reproduce golden example"):
        smoke_test(tiny_artifact, address)


def test_the_same_answers_of_another_version_are_refused(serve, tiny_artifact, make_artifact):
    address = serve(function(make_artifact("tiny", created="2020-01-01T00:00:00+00:00")))
    with pytest.raises(GoldenMismatchError, match=r"it answers with version \w+ of the model, not"):
        smoke_test(tiny_artifact, address)


def test_an_address_that_is_not_there_yet_is_waited_for(serve, tiny_artifact):
    answer, asked = function(tiny_artifact), []

    def late(body, headers):
        asked.append(body)
        return (503, b"{}") if len(asked) == 1 else answer(body, headers)

    artifact = artifacts.read(tiny_artifact)
    assert SmokeTest(artifact).run(serve(late).predict, artifact.version, "it").num_golden == len(asked) - 1


def test_a_page_instead_of_an_answer_is_told(serve, tiny_artifact):
    address = serve(lambda *_: (200, b"<html>It works!</html>"))
    with pytest.raises(GoldenMismatchError, match="It works"):
        smoke_test(tiny_artifact, address)


@pytest.mark.usefixtures("credentials")
def test_requests_to_an_address_of_iam_are_signed_and_carry_the_key(serve, monkeypatch):
    seen = {}

    def answer(body, headers):
        seen.update(headers)
        return 200, json.dumps({}).encode()

    monkeypatch.setenv("TEXTWRIGHT_API_KEY", "key-of-alice")
    address = Endpoint(serve(answer).url, signed_by=Cloud())
    address.send("POST", "/v1/predict", b"{}")
    assert seen["authorization"].startswith("AWS4-HMAC-SHA256 Credential=rehearsal/")
    assert "/eu-central-1/lambda/aws4_request" in seen["authorization"]
    assert seen["x-api-key"] == "key-of-alice"


def test_a_closed_port_is_told():
    with pytest.raises(CloudError, match="does not answer"):
        Endpoint("http://127.0.0.1:1").send("GET", "/readyz")
