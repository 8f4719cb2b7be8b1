"""A real browser and a real server. Run by ``.ci/browser``, which installs Chromium; never skipped there."""

from __future__ import annotations

import hashlib
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager

import pytest
from playwright.sync_api import sync_playwright

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        executable = shutil.which("chromium")
        assert executable, "chromium is not installed; .ci/browser installs it"
        chromium = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_FLAGS)
        yield chromium
        chromium.close()


class Watched:
    """A page that remembers what a user should never meet: outside requests, console errors, broken scripts."""

    def __init__(self, page, allowed):
        self.page = page
        self.faults = []
        page.on("console", lambda message: message.type == "error" and self.faults.append(message.text))
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", lambda request: request.url.startswith(allowed) or self.faults.append(request.url))


@contextmanager
def opening(browser):
    """Give a function that opens a page of a given size and color scheme, and watches it."""
    contexts = []

    def open_it(url, *, allowed, width=1200, height=900, scheme="light"):
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        contexts.append(context)
        watched = Watched(context.new_page(), allowed)
        watched.page.goto(url)
        return watched

    yield open_it
    for context in contexts:
        context.close()


@pytest.fixture
def open_page(browser):
    """Return a function that opens a page of a given size and color scheme, and watches it."""
    with opening(browser) as open_it:
        yield open_it


@pytest.fixture(scope="module")
def open_shared(browser):
    """Return a context manager of such functions, for pages that several tests look at."""
    return lambda: opening(browser)


@contextmanager
def serving(*arguments):
    """Serve as a user would; give the address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "textwright", "serve", *map(str, arguments), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                urllib.request.urlopen(f"{address}/readyz", timeout=1).close()  # noqa: S310
                break
            except OSError:
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        assert process.wait(15) == 0


@pytest.fixture
def served(tiny_artifact):
    """Serve the tiny artifact; give its address."""
    with serving(tiny_artifact) as address:
        yield address


@pytest.fixture
def served_with_keys(tiny_artifact, tmp_path):
    """Serve the tiny artifact to those who know the key "secret"; give its address."""
    keys = tmp_path / "keys"
    keys.write_text(f"me {hashlib.sha256(b'secret').hexdigest()}\n")
    with serving(tiny_artifact, "--api-keys", keys) as address:
        yield address


@pytest.fixture
def served_cascade(tiny_cascade):
    """Serve a cascade; give its address."""
    with serving(tiny_cascade) as address:
        yield address


@pytest.fixture
def served_twice(tiny_artifact, tiny_multilabel_artifact):
    """Serve two models; give their address."""
    with serving(tiny_artifact, tiny_multilabel_artifact) as address:
        yield address
