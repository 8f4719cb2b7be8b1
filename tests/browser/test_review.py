"""The page of ``textwright review`` in a real browser: keyboard and touch, resumed after a kill, errors in words."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from contextlib import contextmanager

import pytest

pytestmark = pytest.mark.browser

TEXTS = ["good bad", "the awful story", 'a <img src=x onerror=alert(1)> "film"', "great great"]
SIZES = [(1200, 900), (360, 740)]


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "texts.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text",), *((text,) for text in TEXTS)])
    return path


@contextmanager
def reviewing(*words):
    """Review as a user would; give the address with its token."""
    command = [sys.executable, "-m", "textwright", "review", *map(str, words), "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        shown = ""
        while "}" not in shown:
            line = process.stdout.readline()
            assert line, "the command ended"
            shown += line
        try:
            yield json.loads(shown)["url"]
        finally:
            process.kill()


def labels_in(path):
    with path.open(newline="", encoding="utf-8") as file:
        return {row["text"]: row["label"] for row in csv.DictReader(file)}


def text_of(watched):
    return watched.page.locator("#text").text_content()


def wait_for_count(watched, decided):
    watched.page.get_by_text(f"{decided} of {len(TEXTS)} decided").wait_for()


def assert_sound(watched, width):
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= width, "the page scrolls sideways"
    assert watched.faults == []


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_keys_decide_skip_and_undo(open_page, tiny_artifact, source, tmp_path, width, height, scheme):
    out = tmp_path / "out.csv"
    with reviewing(source, "--artifact", tiny_artifact, "--out", out) as url:
        watched = open_page(url, allowed=url.split("/#")[0], width=width, height=height, scheme=scheme)
        keyboard = watched.page.keyboard
        wait_for_count(watched, 0)
        first = text_of(watched)
        keyboard.press("1")
        wait_for_count(watched, 1)
        assert labels_in(out) == {first: "negative"}
        keyboard.press("u")
        wait_for_count(watched, 0)
        keyboard.press("2")
        wait_for_count(watched, 1)
        assert labels_in(out) == {first: "positive"}
        skipped = text_of(watched)
        keyboard.press("s")
        watched.page.wait_for_function("text => document.querySelector('#text').textContent !== text", arg=skipped)
        for number in (2, 3, 4):
            keyboard.press("Enter")
            wait_for_count(watched, number)
        watched.page.get_by_text("All decided.").wait_for()
        assert set(labels_in(out)) == set(TEXTS)
        assert_sound(watched, width)


def test_a_phone_decides_by_touch_and_the_review_goes_on_after_a_kill(open_page, tiny_artifact, source, tmp_path):
    out = tmp_path / "out.csv"
    words = (source, "--artifact", tiny_artifact, "--out", out)
    with reviewing(*words) as url:
        watched = open_page(url, allowed=url.split("/#")[0], width=360, height=740)
        button = watched.page.get_by_role("button", name="positive")
        button.wait_for()
        assert button.bounding_box()["height"] >= 44
        button.click()
        wait_for_count(watched, 1)
    with reviewing(*words) as url:
        watched = open_page(url, allowed=url.split("/#")[0])
        wait_for_count(watched, 1)
        assert text_of(watched) not in labels_in(out)


def test_several_labels_are_switched_and_saved(open_page, tiny_multilabel_artifact, source, tmp_path):
    out = tmp_path / "out.csv"
    with reviewing(source, "--artifact", tiny_multilabel_artifact, "--out", out) as url:
        watched = open_page(url, allowed=url.split("/#")[0])
        wait_for_count(watched, 0)
        text = text_of(watched)
        before = watched.page.locator("#labels button").nth(1).get_attribute("aria-pressed")
        watched.page.keyboard.press("2")
        assert watched.page.locator("#labels button").nth(1).get_attribute("aria-pressed") != before
        watched.page.keyboard.press("Enter")
        wait_for_count(watched, 1)
        assert isinstance(json.loads(labels_in(out)[text]), list)
        assert_sound(watched, 1200)


def test_without_the_token_the_page_says_what_to_do(open_page, tiny_artifact, source, tmp_path):
    with reviewing(source, "--artifact", tiny_artifact, "--out", tmp_path / "out.csv") as url:
        watched = open_page(url.split("#")[0], allowed=url.split("/#")[0])
        watched.page.locator("[role=alert]").filter(has_text="token").wait_for()
        assert not watched.page.locator("#card").is_visible()


def test_a_review_that_was_ended_is_said(open_page, tiny_artifact, source, tmp_path):
    with reviewing(source, "--artifact", tiny_artifact, "--out", tmp_path / "out.csv") as url:
        watched = open_page(url, allowed=url.split("/#")[0])
        wait_for_count(watched, 0)
    watched.page.keyboard.press("1")
    watched.page.locator("[role=alert]").filter(has_text="still running").wait_for()
