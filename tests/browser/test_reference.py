"""The reference, as a reader meets it: every page, every link, and every example against a real server.

Needs ``make course`` or ``make docs``.
"""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from server_process import serving

SITE = Path(__file__).parents[2] / "course" / "_build" / "html"
sys.path.insert(0, str(SITE.parents[1]))
PAGES = sorted(path for folder in ("reference", "docs") for path in (SITE / folder).rglob("*.html"))
SIZES = ((1280, 900), (390, 844))

pytestmark = pytest.mark.browser


class Page(HTMLParser):
    """What a page links to, loads, and can be linked at."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links, self.loaded, self.anchors = [], [], set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.anchors.add(values.get("id"))
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        elif tag == "link" and values.get("rel") != "canonical" and "href" in values:
            self.loaded.append(values["href"])
        elif "src" in values:
            self.loaded.append(values["src"])


@cache
def parsed(path):
    return Page(path)


def test_every_part_is_there():
    parts = {str(page.relative_to(SITE).parent) for page in PAGES}
    assert {f"reference/{part}" for part in ("python", "commands", "http", "settings")} | {"docs/decisions"} <= parts
    for name in ("python/load", "commands/train", "http/textwright", "settings/lambda", "errors", "artifact"):
        assert SITE / "reference" / f"{name}.html" in PAGES
    docs = SITE.parents[2] / "docs"
    for source in docs.rglob("*.md"):
        assert (SITE / "docs" / source.relative_to(docs)).with_suffix(".html") in PAGES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(SITE)))
def test_a_page_fits_every_screen_and_needs_no_network(open_page, page):
    watched = open_page(page.as_uri(), allowed=(SITE.as_uri(), "data:"))
    watched.page.wait_for_load_state("load")
    backgrounds = set()
    for scheme in ("light", "dark"):
        watched.page.emulate_media(color_scheme=scheme)
        backgrounds.add(watched.page.evaluate("getComputedStyle(document.body).backgroundColor"))
        for width, height in SIZES:
            watched.page.set_viewport_size({"width": width, "height": height})
            assert watched.page.evaluate("document.documentElement.scrollWidth") <= width, "the page scrolls sideways"
    assert len(backgrounds) == 2, "the page looks alike in both schemes"
    assert watched.page.locator("h1").count() == 1
    assert watched.faults == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(SITE)))
def test_every_link_leads_somewhere_and_nothing_is_loaded_from_elsewhere(page):
    for link in parsed(page).links + parsed(page).loaded:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            assert link in parsed(page).links, f"{link} is loaded from elsewhere"
            continue
        target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
        assert target.is_file(), f"{page.name} links to {link}"
        if parts.fragment and target.suffix == ".html":
            assert unquote(parts.fragment) in parsed(target).anchors, f"{page.name} links to {link}"


@pytest.mark.parametrize(
    ("words", "page"),
    [
        ("max-drop", "reference/commands/optimize.html"),
        ("request-limit", "reference/errors.html"),
        ("thresholds", "reference/artifact.html"),
        ("diagnose", "reference/python/diagnose.html"),
    ],
)
def test_the_search_finds_a_page_of_the_reference(open_page, words, page):
    watched = open_page(f"{(SITE / 'search.html').as_uri()}?q={words}", allowed=(SITE.as_uri(), "data:"))
    watched.page.locator(f'#search-results a[href^="{page}"]').first.wait_for()
    assert watched.faults == []


def test_every_example_is_answered_by_a_real_server(tiny_artifact, tmp_path, monkeypatch, capsys):
    from reference.openapi import ADDRESS, KEY, curl, examples_of, key_line, operations, python

    monkeypatch.setenv("KEY", KEY)
    keys = tmp_path / "keys"
    keys.write_text(key_line())
    num_examples = 0
    with serving(tiny_artifact, "--admin-keys", keys, log=tmp_path / "log") as server:
        address = f"http://127.0.0.1:{server.port}"
        _, document = server.ask("GET", "/openapi.json")
        _, model = server.ask("GET", "/v1/model")
        for operation in operations(document):
            for example in examples_of(operation, model):
                command = curl(example, address)
                assert command.replace(address, ADDRESS) == curl(example)
                by_shell = run_in_shell(f"{command} --silent --show-error --fail-with-body")
                exec(compile(python(example, address), example.path, "exec"), {})  # noqa: S102  our own lines
                assert capsys.readouterr().out.split() == by_shell.split()
                num_examples += 1
    assert num_examples >= 20


def run_in_shell(command):
    done = subprocess.run(["bash", "-c", command], check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
