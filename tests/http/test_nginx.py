"""The documented nginx configuration, as it stands but for ports and certificate, in front of a real server."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from time import monotonic, sleep

import pytest
from server_process import JSON, serving

pytestmark = pytest.mark.api

CONFIG = Path(__file__).parents[2] / "docs" / "operations" / "nginx.conf"
FRAME = """
user root;
pid {folder}/pid;
error_log stderr;
daemon off;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/f;
    uwsgi_temp_path {folder}/u;
    scgi_temp_path {folder}/s;
{site}
}}
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextmanager
def nginx(folder, upstream):
    """Run nginx with the documented site; yield its port for TLS and the one without."""
    key, certificate, ports = folder / "key.pem", folder / "cert.pem", (free_port(), free_port())
    subject = ("-subj", "/CN=api.example.org", "-addext", "subjectAltName=DNS:api.example.org")
    command = (
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-keyout",
        key,
        "-out",
        certificate,
    )
    subprocess.run([*command, *subject], check=True, capture_output=True)
    site = CONFIG.read_text()
    changes = {
        "127.0.0.1:8000": f"127.0.0.1:{upstream}",
        "listen 443": f"listen 127.0.0.1:{ports[0]}",
        "listen 80;": f"listen 127.0.0.1:{ports[1]};",
        "/etc/ssl/api.example.org/fullchain.pem": str(certificate),
        "/etc/ssl/api.example.org/privkey.pem": str(key),
    }
    for old, new in changes.items():
        assert old in site
        site = site.replace(old, new)
    (folder / "nginx.conf").write_text(FRAME.format(folder=folder, site=site))
    with subprocess.Popen(["nginx", "-p", folder, "-c", folder / "nginx.conf", "-e", "stderr"]) as process:
        try:
            wait_for(ports[0])
            yield ports
        finally:
            process.terminate()


def wait_for(port):
    end = monotonic() + 10
    while monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        sleep(0.05)
    pytest.fail("nginx did not start")


@pytest.fixture(scope="module")
def proxied(make_artifact, tmp_path_factory):
    folder = tmp_path_factory.mktemp("nginx")
    with serving(make_artifact("tiny"), log=folder / "log") as server, nginx(folder, server.port) as ports:
        yield server, ports, folder


def ask(proxied, method, path, body=None):
    _, (port, _), folder = proxied
    context = ssl.create_default_context(cafile=str(folder / "cert.pem"))
    plain = socket.create_connection(("127.0.0.1", port), timeout=10)
    with closing(HTTPSConnection("api.example.org", port, timeout=10)) as connection:
        connection.sock = context.wrap_socket(plain, server_hostname="api.example.org")
        connection.request(method, path, body, JSON if body else {})
        answer = connection.getresponse()
        return answer, answer.read()


def test_a_prediction_goes_through_with_one_id_in_both_logs(proxied):
    for _ in range(3):
        answer, body = ask(proxied, "POST", "/v1/predict", json.dumps({"text": "good"}))
        assert (answer.status, json.loads(body)["predictions"][0]["label"]) == (200, "positive")
    sent = answer.headers["x-request-id"]
    assert len(sent) == 32
    end = monotonic() + 5
    while sent not in {line["id"] for line in proxied[0].lines()}:  # the line is written after the answer
        assert monotonic() < end
        sleep(0.05)


def test_the_pages_go_through(proxied):
    for path in ("/", "/docs", "/openapi.json", "/readyz"):
        assert ask(proxied, "GET", path)[0].status == 200


def test_what_is_too_large_is_refused_by_the_server_in_words(proxied):
    answer, body = ask(proxied, "POST", "/v1/predict", json.dumps({"text": "a" * 4_050_000}))
    assert (answer.status, json.loads(body)["code"]) == (413, "request-too-large")
    assert ask(proxied, "POST", "/v1/predict", json.dumps({"text": "a" * 6_000_000}))[0].status == 413


def test_the_inside_stays_inside(proxied):
    assert ask(proxied, "GET", "/metrics")[0].status == 404
    assert ask(proxied, "POST", "/v1/models/tiny/reload", "{}")[0].status == 404
    assert proxied[0].ask("GET", "/metrics")[0] == 200


def test_plain_http_is_sent_to_tls(proxied):
    with closing(HTTPConnection("127.0.0.1", proxied[1][1], timeout=10)) as connection:
        connection.request("GET", "/readyz", headers={"host": "api.example.org"})
        answer = connection.getresponse()
    assert (answer.status, answer.headers["location"]) == (308, "https://api.example.org/readyz")
