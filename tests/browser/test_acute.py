"""The page that lets a reader judge two bots: decided by clicks and keys, undone, and its interval."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "course"))

from nano import acute

pytestmark = pytest.mark.browser
NUMBER = 12


@pytest.fixture
def judge(tmp_path, open_page):
    """Open a page on which one bot says "better" and the other one "worse"."""

    def open_it(**settings):
        prompts = [f"prompt {number} <b>&amp;" for number in range(NUMBER)]
        drawn = acute.trials(prompts, ["better </script> one"] * NUMBER, ["worse one"] * NUMBER)
        file = tmp_path / "judge.html"
        file.write_text(acute.page(drawn, ("Ann", "Bob")), encoding="utf-8")
        return open_page(file.as_uri(), allowed="file:", **settings)

    return open_it


def _decide(page, word, times):
    for _ in range(times):
        page.get_by_role("button", name=re.compile(word)).click()


def test_a_reader_who_always_prefers_one_bot_learns_which(judge):
    watched = judge()
    page = watched.page
    assert "Ann" not in page.inner_text("body")
    assert "<b>&amp;" in page.inner_text("#prompt")
    assert acute.QUESTIONS["engagingness"] in page.inner_text("body")
    _decide(page, "better", NUMBER)
    low, high = acute.interval(NUMBER, NUMBER)
    assert page.inner_text("#verdict") == "You prefer “Ann”."
    assert f"12 of 12 decisions: 100 %, 95 % interval {low * 100:.0f} % to {high * 100:.0f} %" in page.inner_text(
        "#numbers"
    )
    assert not watched.faults


def test_few_decisions_show_no_preference_and_can_be_undone(judge):
    watched = judge()
    page = watched.page
    assert page.get_by_role("button", name="Show the result").is_disabled()
    _decide(page, "worse", 1)
    _decide(page, "better", 2)
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Show the result").click()
    assert page.inner_text("#verdict").startswith("No preference shown")
    assert "chosen in 1 of 2 decisions: 50 %" in page.inner_text("#numbers")
    page.get_by_role("button", name="Undo").click()
    assert page.is_visible("#left")
    assert "1 of 12 decided" in page.inner_text("#count")
    assert not watched.faults


def test_keys_decide_too(judge):
    watched = judge()
    page = watched.page
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert "1 of 12 decided" in page.inner_text("#count")
    assert not watched.faults


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_it_whole(judge, scheme):
    page = judge(width=360, height=700, scheme=scheme).page
    _decide(page, "better", NUMBER // 2)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_role("button", name="Show the result").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
