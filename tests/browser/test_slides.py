"""Every slide of every deck, on a wide screen and on a small one: offline, whole, readable. Needs ``make course``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

SITE = Path(__file__).parents[2] / "course" / "_build" / "html"
SOURCES = Path(__file__).parents[2] / "course" / "slides"
DECKS = sorted((SITE / "slides").glob("*.html"))
SCREENS = {"wide": (1920, 1080), "small": (1024, 576)}
MIN_TEXT_PX = 13
"""Of what a slide says, on the small screen."""
MIN_FIGURE_PX = 8.5
"""Of the letters in a figure, there."""
MIN_SOURCE_PX = 12

INSPECT = Path(__file__).with_name("inspect_slides.js").read_text(encoding="utf-8")
LEAST = {"text": MIN_TEXT_PX, "figure": MIN_FIGURE_PX, "source": MIN_SOURCE_PX}

pytestmark = pytest.mark.browser


def opened(open_page, deck, screen="wide", query=""):
    width, height = SCREENS[screen]
    watched = open_page(
        f"{deck.as_uri()}{query}", allowed=((SITE / "slides").as_uri(), "data:", "blob:"), width=width, height=height
    )
    watched.page.wait_for_function("Reveal.isReady() && document.fonts.status === 'loaded'")
    return watched


def test_the_decks_are_built():
    assert [deck.stem for deck in DECKS] == sorted(path.stem for path in SOURCES.glob("*.md"))
    assert DECKS


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("deck", DECKS, ids=lambda deck: deck.stem)
def test_every_slide_is_whole_and_can_be_read(open_page, deck, screen):
    watched = opened(open_page, deck, screen)
    faults = watched.page.evaluate(INSPECT, LEAST)
    assert not faults, json.dumps(faults, indent=1, ensure_ascii=False)
    assert watched.faults == []


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        ("words.innerHTML = '<p>word</p>'.repeat(40)", "leaves the slide"),
        ("words.style.width = '3000px'; words.style.flex = 'none'", "leaves the slide"),
        ("words.style.marginTop = '-300px'", "lies on"),
        ("words.innerHTML = '<p style=\"font-size: 11px\">word</p>'", "px: P word"),
        ("drawing.innerHTML = ''", "a figure is empty"),
        ("drawing.querySelector('text').style.fontSize = '1px'", "px in a figure"),
        ("drawing.querySelector('text').setAttribute('transform', 'translate(-900 0)')", "leaves its figure"),
    ],
)
def test_a_spoiled_slide_is_found(open_page, spoil, fault):
    page = opened(open_page, DECKS[0], "small").page
    slide = "document.querySelector('section:is(.beside, .above):has(svg)')"
    page.evaluate(
        f"slide => {{ const words = slide.querySelector('.words'), drawing = slide.querySelector('svg'); {spoil} }}",
        page.evaluate_handle(slide),
    )
    assert fault in json.dumps(page.evaluate(INSPECT, LEAST))


@pytest.mark.parametrize("deck", DECKS, ids=lambda deck: deck.stem)
def test_a_poll_shows_its_answer_on_the_next_key(open_page, deck):
    page = opened(open_page, deck).page
    place = page.evaluate("Reveal.getSlides().findIndex(one => one.classList.contains('poll'))")
    page.evaluate("place => Reveal.slide(place)", place)
    why = page.locator("section.present .why")
    assert why.evaluate("one => getComputedStyle(one).opacity") == "0"
    page.keyboard.press("ArrowRight")
    page.wait_for_function("getComputedStyle(document.querySelector('section.present .why')).opacity === '1'")
    assert page.evaluate("Reveal.getIndices().h") == place
    page.keyboard.press("ArrowRight")
    page.wait_for_function("place => Reveal.getIndices().h === place + 1", arg=place)


def test_the_speakers_view_has_the_notes(open_page):
    watched = opened(open_page, DECKS[0])
    watched.page.keyboard.press("ArrowRight")
    with watched.page.context.expect_page() as window:
        watched.page.keyboard.press("s")
    notes = window.value.locator(".speaker-controls-notes .value")
    notes.filter(has_text=" ").wait_for()
    assert len(notes.inner_text()) > 40
    assert watched.faults == []


@pytest.mark.parametrize("deck", DECKS, ids=lambda deck: deck.stem)
def test_a_deck_is_printed_a_slide_a_page(open_page, deck):
    watched = opened(open_page, deck, query="?view=print")
    num_slides = watched.page.locator("section").count()
    watched.page.wait_for_function("num => document.querySelectorAll('.pdf-page').length >= num", arg=num_slides)
    pdf = watched.page.pdf(prefer_css_page_size=True, print_background=True)
    assert pdf.count(b"/Type /Page\n") == num_slides
    assert watched.faults == []
