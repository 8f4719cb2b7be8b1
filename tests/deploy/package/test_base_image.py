"""Digests of base images, from a registry that speaks the protocol; .ci/containers asks a real one."""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from textwright.core import artifact as artifacts
from textwright.deploy.package.base_image import ImageName, by_digest
from textwright.deploy.package.context import write_context
from textwright.deploy.package.packaging import package
from textwright.deploy.package.settings import PackageSettings
from textwright.deploy.targets import find_format
from textwright.errors import BaseImageError

INDEX = json.dumps({"schemaVersion": 2, "manifests": []}).encode()
DIGEST = f"sha256:{hashlib.sha256(INDEX).hexdigest()}"
OFFICIAL = "python:3.11-slim-bookworm"


class Registry(BaseHTTPRequestHandler):
    """Gives an index to those who hold the token that it gives to anybody."""

    realm = "http://{host}/token"

    def do_GET(self):
        host = self.headers["host"]
        if self.path.startswith("/token?"):
            assert "scope=repository%3Ateam%2Fbase%3Apull" in self.path
            self._answer(200, json.dumps({"token": "abc"}).encode())
        elif self.headers.get("authorization") != "Bearer abc":
            challenge = f'Bearer realm="{self.realm.format(host=host)}",service="s",scope="repository:team/base:pull"'
            self._answer(401, b"{}", {"www-authenticate": challenge})
        elif self.path == "/v2/team/base/manifests/1" and "image.index" in self.headers["accept"]:
            self._answer(200, INDEX)
        else:
            self._answer(404, b"{}")

    def _answer(self, status, body, headers=()):
        self.send_response(status)
        for name, value in {"content-length": str(len(body)), **dict(headers)}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextmanager
def serving(handler):
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("python:3.12-slim", ("registry-1.docker.io", "library/python", "3.12-slim")),
        ("team/base", ("registry-1.docker.io", "team/base", "latest")),
        ("localhost/base:1", ("localhost", "base", "1")),
        ("example.org:5000/team/base:1", ("example.org:5000", "team/base", "1")),
    ],
)
def test_names_are_read_as_docker_reads_them(image, expected):
    name = ImageName.parse(image)
    assert (name.registry, name.repository, name.tag) == expected


def test_a_tag_becomes_a_digest_with_the_token_that_anybody_gets():
    with serving(Registry) as host:
        assert by_digest(f"{host}/team/base:1") == f"{host}/team/base:1@{DIGEST}"


def test_a_name_with_a_digest_stays_and_nobody_is_asked():
    assert by_digest(f"127.0.0.1:1/base@{DIGEST}") == f"127.0.0.1:1/base@{DIGEST}"


def test_an_image_that_is_not_there_is_refused_with_the_cure():
    with serving(Registry) as host, pytest.raises(BaseImageError, match=r"team/base:2: it answered 404 .*@sha256"):
        by_digest(f"{host}/team/base:2")


def test_a_registry_that_cannot_be_reached_is_refused_with_the_cure():
    with pytest.raises(BaseImageError, match=r"127\.0\.0\.1:1 did not give the digest"):
        by_digest("127.0.0.1:1/base:1")


def test_no_token_is_fetched_without_encryption():
    class Other(Registry):
        realm = "http://example.org/token"

    with serving(Other) as host, pytest.raises(BaseImageError, match=re.escape("'http://example.org/token'")):
        by_digest(f"{host}/team/base:1")


@pytest.mark.usefixtures("offline")
def test_a_package_names_its_own_base_by_digest_when_told_to(tiny_artifact, tmp_path):
    with serving(Registry) as host:
        settings = PackageSettings(base_image=f"{host}/team/base:1", pin_base_image=True)
        made = package(
            artifacts.read(tiny_artifact), find_format("docker"), tmp_path / "out", settings, report=lambda _: None
        )
    assert made.base_image == f"{host}/team/base:1@{DIGEST}"
    assert f"\nARG BASE_IMAGE={made.base_image}\n" in (made.path / "Dockerfile").read_text()


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("is_pinned", [None, False])
def test_an_own_base_stays_as_it_is_named(tiny_artifact, tmp_path, is_pinned):
    settings = PackageSettings(base_image="mine:1", pin_base_image=is_pinned)
    assert (
        package(
            artifacts.read(tiny_artifact), find_format("docker"), tmp_path / "out", settings, report=lambda _: None
        ).base_image
        == "mine:1"
    )


@pytest.mark.usefixtures("offline")
def test_without_a_registry_the_official_image_is_named_by_its_tag_unless_told_otherwise(tiny_artifact, tmp_path):
    made = package(
        artifacts.read(tiny_artifact),
        find_format("docker"),
        tmp_path / "out",
        PackageSettings(python="3.11"),
        report=lambda _: None,
    )
    assert made.base_image == OFFICIAL
    assert f"{OFFICIAL}@sha256:..." in (made.path / "Dockerfile").read_text()
    strict = PackageSettings(python="3.11", pin_base_image=True)
    with pytest.raises(BaseImageError):
        package(artifacts.read(tiny_artifact), find_format("docker"), tmp_path / "other", strict, report=lambda _: None)
    assert not (tmp_path / "other").exists()


@pytest.mark.usefixtures("offline")
def test_the_dockerfile_says_how_a_pinned_base_is_renewed(tiny_artifact, tmp_path):
    image = f"{OFFICIAL}@{DIGEST}"
    written = write_context(artifacts.read(tiny_artifact), None, tmp_path / "out", python="3.11", base_image=image)
    text = (written.folder / "Dockerfile").read_text()
    assert f"--build-arg BASE_IMAGE={OFFICIAL}\n" in text
    assert "A tag of a base image moves" not in text
