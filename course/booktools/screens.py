"""``python -m booktools.screens``: take the pictures of TensorBoard that lesson 04 shows, from the run it made.

Chromium draws the projector with WebGL in software, so that it works on a machine without a screen or a GPU. Needs
Playwright (group ``browser``) and Chromium; ``tests/browser`` opens the same tabs by the same functions.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import sync_playwright

from booktools.layout import BUILD, COURSE, PROFILES

RECORDED: Final = COURSE / "recorded"
SOFTWARE_GL: Final = (
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
TABS: Final = {
    "scalars": "line-chart, tb-line-chart, vz-line-chart2, .series-view-container",
    "text": "tf-text-loader .step-value, tf-text-loader",
    "pr_curves": "vz-line-chart2, tf-pr-curve-card",
    "graphs": "tf-graph-scene svg, #scene svg",
    "projector": "canvas",
}
"""Tab -> what must be visible in it before it has drawn."""
_CHOSEN: Final = "&tagFilter=train%2Floss%7Cvalidation"
"""The curves to show: a regular expression in the address."""
_FRAMED: Final = ("projector",)
"""Tabs that TensorBoard shows in a frame within a frame."""
_SIZE: Final = {"width": 1280, "height": 800}
_SETTLES_MS: Final = 4000
"""From the first element to the last line: TensorBoard says nothing when it has drawn."""


@contextmanager
def tensorboard(folder: Path, log: Path) -> Iterator[str]:
    """Serve TensorBoard on a folder of runs while a block runs.

    Args:
        folder: The runs.
        log: File for what the server says; its port is read from there.

    Yields:
        The address.

    Raises:
        TimeoutError: If it does not answer within a minute; with what it said.
    """
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", folder.name, "--host", "127.0.0.1", "--port", "0"]
    with log.open("w", encoding="utf-8") as stream:  # the page shows the folder: its name, not where it lies
        process = subprocess.Popen(command, stdout=stream, stderr=stream, cwd=folder.parent)
    try:
        yield _address(log)
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def chromium() -> Iterator[Any]:
    """Start a Chromium that draws WebGL in software.

    Yields:
        Playwright's browser.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(SOFTWARE_GL))
        yield browser
        browser.close()


def open_tab(page: Any, address: str, tab: str) -> None:  # noqa: ANN401  Playwright's page, imported by none at run time
    """Open a tab and wait until it has drawn.

    Args:
        page: Of the browser.
        address: Of the server.
        tab: A key of :data:`TABS`.
    """
    page.goto("about:blank")  # a change behind "#" alone would not load the page anew
    page.goto(f"{address}/#{tab}{_CHOSEN if tab == 'scalars' else ''}")
    place_of(page, tab).locator(TABS[tab]).first.wait_for(state="visible", timeout=60_000)
    page.wait_for_timeout(_SETTLES_MS)


def place_of(page: Any, tab: str) -> Any:  # noqa: ANN401
    """Return what holds a tab's elements: the page, or a frame in it."""
    return page.frame_locator("iframe").frame_locator("iframe") if tab in _FRAMED else page


def main() -> int:
    """Take a picture of each tab; return the exit code."""
    found = [BUILD / "work" / profile / "04-tensorboard" / "runs" for profile in reversed(PROFILES)]
    runs = next((folder for folder in found if (folder / "first").is_dir()), None)
    if runs is None:
        print("error: lesson 04 was not executed here; run: make course-full LESSONS=4", file=sys.stderr)
        return 1
    RECORDED.mkdir(exist_ok=True)
    with tensorboard(runs / "first", runs.parent / "tensorboard.log") as address, chromium() as browser:
        page = browser.new_page(viewport=_SIZE)
        for tab in TABS:
            open_tab(page, address, tab)
            if tab == "graphs":
                page.locator("svg text").filter(has_text="BagOfWords").first.dblclick(force=True)
                page.wait_for_timeout(_SETTLES_MS)
            path = RECORDED / f"04-{tab}.png"
            page.screenshot(path=path)
            print(f"wrote {path} ({path.stat().st_size / 1000:.0f} kB)")
    return 0


def _address(log: Path) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        words = [word for word in log.read_text(encoding="utf-8").split() if word.startswith("http://127.0.0.1:")]
        if words and urllib.request.urlopen(words[0], timeout=10).status == 200:  # noqa: S310  own server
            return words[0].rstrip("/")
        time.sleep(0.2)
    raise TimeoutError(f"TensorBoard did not answer:\n{log.read_text(encoding='utf-8')}")


if __name__ == "__main__":
    sys.exit(main())
