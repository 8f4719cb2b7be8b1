"""Every page of the course, as a reader meets it: offline, wide, on a phone, light and dark. Needs ``make course``."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

SITE = Path(__file__).parents[2] / "course" / "_build" / "html"
LESSONS = sorted(SITE.glob("[0-9][0-9]*.html"))
PAGES = [*LESSONS, *sorted({*SITE.glob("*.html")} - {*LESSONS})]
"""Lessons first: tests of a page run together where its place in both lists is the same."""

pytestmark = pytest.mark.browser


def opened(open_page, page, **form):
    watched = open_page(page.as_uri(), allowed=(SITE.as_uri(), "data:"), **form)
    watched.page.wait_for_load_state("load")
    return watched


@pytest.fixture(scope="module")
def wide(request, open_shared):
    """A page on a screen, opened once for all tests of it; which page, the test says."""
    with open_shared() as open_page:
        yield opened(open_page, request.param, width=1280)


@pytest.fixture(scope="module")
def narrow(request, open_shared):
    """A page on a phone."""
    with open_shared() as open_page:
        yield opened(open_page, request.param, width=390, height=844)


def of_each(fixture, pages):
    """Run a test for each page, opened by a fixture."""
    return pytest.mark.parametrize(fixture, pages, indirect=True, ids=lambda page: page.name)


def check_colors(watched, width):
    for scheme in ("light", "dark"):
        watched.page.emulate_media(color_scheme=scheme)
        assert watched.page.evaluate("document.documentElement.scrollWidth") <= width, "the page scrolls sideways"
    assert watched.faults == []


def check_figures(watched):
    figures = watched.page.locator(".kit-figure")
    assert figures.count() >= 2
    for number in range(figures.count()):
        figure = figures.nth(number)
        pictures = figure.locator("svg:visible, img:visible, iframe:visible")
        assert pictures.count() == 1
        assert pictures.bounding_box()["width"] > 150
        assert pictures.bounding_box()["height"] > 60
        drawn = (
            "one => one.tagName === 'IMG' ? one.naturalWidth : one.tagName === 'IFRAME' ? one.srcdoc.length"
            " : one.querySelectorAll('path, rect, text').length"
        )
        assert pictures.evaluate(drawn) > 2
        assert figure.locator("figcaption").inner_text()


def test_the_site_is_built():
    sources = sorted(path.stem for path in (SITE.parents[1] / "lessons").glob("*.md"))
    assert sources
    assert [page.stem for page in LESSONS] == sources


@of_each("wide", PAGES)
def test_a_page_opens_on_a_screen_without_the_network(wide):
    check_colors(wide, 1280)


@of_each("narrow", PAGES)
def test_a_page_opens_on_a_phone_without_the_network(narrow):
    check_colors(narrow, 390)


@of_each("wide", PAGES)
def test_every_link_inside_the_site_leads_somewhere(wide):
    links = wide.page.locator("a[href]").evaluate_all("all => all.map(one => one.href)")
    assert links
    for link in links:
        parts = urlsplit(link)
        if parts.scheme == "file":
            target = Path(unquote(parts.path))
            assert target.is_file(), link
            if parts.fragment:
                assert f'id="{unquote(parts.fragment)}"' in target.read_text(encoding="utf-8"), link


@of_each("wide", LESSONS)
def test_no_figure_is_empty_on_a_screen(wide):
    check_figures(wide)


@of_each("narrow", LESSONS)
def test_no_figure_is_empty_on_a_phone(narrow):
    check_figures(narrow)


@pytest.mark.parametrize("width", [1280, 390])
def test_sounds_can_be_played(open_page, width):
    players = opened(open_page, SITE / "32-tacotron.html", width=width).page.locator(".kit-sounds audio")
    assert players.count() >= 4
    for number in range(players.count()):
        player = players.nth(number)
        loaded = "one => new Promise(done => one.readyState ? done() : one.addEventListener('loadedmetadata', done))"
        player.evaluate(loaded)
        assert 0 < player.evaluate("one => one.duration") < 10
        assert 200 < player.bounding_box()["width"] <= width


@of_each("narrow", LESSONS)
def test_a_phone_shows_plots_and_animations_whole(narrow):
    pictures = narrow.page.locator("svg.plot:visible, img[src^='data:image/gif']")
    for left, right in pictures.evaluate_all(
        "all => all.map(one => one.getBoundingClientRect()).map(r => [r.left, r.right])"
    ):
        assert 0 <= left < right <= 390


@of_each("narrow", LESSONS)
def test_a_phone_shows_the_text_of_plots_large_enough(narrow):
    plots = narrow.page.locator("svg.plot:visible")
    scales = plots.evaluate_all("all => all.map(one => one.getScreenCTM().a)")
    assert min(scales, default=1) >= 1, "a plot's text has 10 px, its smallest 8"


@of_each("wide", LESSONS)
def test_the_checks_of_the_build_are_folded(wide):
    shown = wide.page.locator("article").inner_text()
    assert re.search(r"✓ \w+ = ", shown) is None  # as kit.claim prints them; a table may have check marks
    assert "smoke_at" not in shown


def test_code_is_copied(open_page):
    watched = opened(open_page, LESSONS[0])
    block = watched.page.locator(".cell_input .highlight:visible").first
    block.hover()
    block.locator("button.copy").click()
    block.locator("button.copy", has_text="Copied").wait_for()
    watched.page.evaluate("document.body.append(Object.assign(document.createElement('textarea'), {id: 'pasted'}))")
    watched.page.locator("#pasted").focus()
    watched.page.keyboard.press("Control+v")
    assert watched.page.locator("#pasted").input_value() == block.locator("pre").text_content().rstrip()


def test_formulas_are_set_in_the_math_font(open_page):
    page = opened(open_page, SITE / "13-transformer.html").page
    assert page.evaluate("document.fonts.load('16px \"Noto Sans Math\"', '∑').then(all => all.length)") == 1
    heights = page.locator("math mo", has_text="(").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect().height)"
    )
    assert max(heights) > 1.8 * min(heights), "brackets do not grow with what stands in them"


@of_each("wide", LESSONS)
def test_a_quiz_answers_from_the_keyboard(wide):
    for number in range(3):
        field = wide.page.locator("form.quiz fieldset").nth(number)
        right = field.locator("input").evaluate_all("all => all.findIndex(one => 'right' in one.dataset)")
        for choice in (right + 1) % field.locator("input").count(), right:
            field.locator("input").nth(choice).focus()
            wide.page.keyboard.press("Space")
            verdict = "Right." if choice == right else "Not this one."
            assert verdict in field.locator(".verdict").inner_text()
    assert wide.faults == []


@pytest.mark.parametrize("word", ["temperature", "overfitting", "attention", "FastAPI"])
def test_the_search_finds_a_lesson(open_page, word):
    watched = opened(open_page, SITE / "search.html")
    watched.page.locator("input[name=q]").first.fill(word)
    watched.page.keyboard.press("Enter")
    # Results come one by one, those of the reference among them: a lesson must be there in the end.
    is_there = (
        "names => [...document.querySelectorAll('#search-results a')]"
        ".some(one => names.includes(new URL(one.href).pathname.split('/').pop()))"
    )
    watched.page.wait_for_function(is_there, arg=[page.name for page in LESSONS])
    assert watched.faults == []
