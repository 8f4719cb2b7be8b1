"""Each deck has the form, types no number, and names what is there; the errors name deck, slide and what is missing."""

from __future__ import annotations

import json
import re

import nbformat
import pytest

from booktools import __main__ as cli
from booktools.forms import named_claims
from booktools.lessons import Lesson, LessonError, find_lessons
from booktools.results import printed_claims
from booktools.slides.build import build_slides, decks_within
from booktools.slides.figures import figures_of, recorded_picture
from booktools.slides.listing import slides_page
from booktools.slides.page import Book, deck_page, lessons_of
from booktools.slides.source import DECKS, Deck, DeckError, find_decks
from booktools.slides.spoken import passage, quiz_question

ALL = find_decks([])
LESSONS = {lesson.number: lesson for lesson in find_lessons([])}
MAX_WORDS = 40
"""On a slide, beside its heading and its picture."""
MEASURED = re.compile(r"\d+\.\d+|\d+ ?%|\d+ (?:points?|times) ")
SIGNS = re.compile(r"\{\w+\}`[^`]*`|`[^`]*`|\$\$.*?\$\$|```.*?```", re.DOTALL)
SVG = '<svg viewBox="0 0 64 36"><defs><path id="a"/></defs><use href="#a" clip-path="url(#b)"/></svg>'
QUIZ = """
```{quiz}
- question: Which?
  options:
    "this": true
    "that": "It is *not*."
    "none": "One is."
  why: Because.
- {question: b, options: {c: true, d: one, e: two}, why: f}
- {question: b, options: {c: true, d: one, e: two}, why: f}
```
"""
LESSON = f"""---
lesson: {{title: T, part: P, question: "Why?", assets: []}}
---
# T

It is so, **a [bold](https://example.org) truth** of {{n}}`07.share`. More.

- **Another one.** With reasons.
- **Another** thing.

{QUIZ}
"""
DECK = """---
deck: {title: T, question: "Why?", minutes: 5, part: P}
---

## What is *it*?

{figure}`07.curve`

:::{numbers}
{n}`07.share` of all | what is measured
:::

Some words.

:::{notes}
{say}`07: a [bold]`
:::

{poll}`07.1`
"""
PRINTED = {"07.share": "77.4%"}


@pytest.fixture
def lesson(tmp_path):
    path = tmp_path / "07-a-test.md"
    path.write_text(LESSON, encoding="utf-8")
    return Lesson(path)


@pytest.fixture
def write_deck(tmp_path):
    def write(old="", new="", source=DECK):
        assert old in source
        path = tmp_path / "3-deck.md"
        path.write_text(source.replace(old, new, 1), encoding="utf-8")
        return Deck(path)

    return write


@pytest.fixture
def book(lesson):
    return Book({"07": lesson}, PRINTED, frozenset(["07-a-test"]), _figures={"07": figures_of("07", a_run())})


def a_run(profile="full"):
    plan = '<svg class="plan-wide" viewBox="0 0 2 1"></svg><svg class="plan-narrow"></svg>'
    shown = [
        f'{SVG}<svg class="plot only-narrow"></svg><figcaption id="caption-curve">A &lt; b.</figcaption>',
        f'{plan}<figcaption id="caption-plan">Plan.</figcaption>',
        '<iframe srcdoc="..."></iframe><figcaption>A page.</figcaption>',
        '<img src="data:image/gif;base64,AA" alt="x"><figcaption>Moves.</figcaption>',
    ]
    sounds = '<figure class="kit-sounds"><div><audio src="data:,"></audio></div><figcaption>Hear.</figcaption></figure>'
    markup = [sounds, *(f'<style></style><figure class="kit-figure">{each}</figure>' for each in shown)]
    outputs = [nbformat.v4.new_output("display_data", {"text/html": each}) for each in markup]
    cell = nbformat.v4.new_code_cell("", outputs=outputs)
    return nbformat.v4.new_notebook(cells=[cell], metadata={"course": {"profile": profile}})


def words_of(slide):
    shown = re.sub(r"^\{\w+\}`[^`]*` *$", "", slide.body, flags=re.MULTILINE)
    return len(re.findall(r"\w[\w'-]*", SIGNS.sub("x", shown)))


@pytest.mark.parametrize("deck", ALL, ids=lambda deck: deck.stem)
class TestDecks:
    def test_a_deck_names_what_is_there(self, deck):
        named = [claim for slide in deck.slides for claim in named_claims(f"{slide.question}{slide.body}{slide.notes}")]
        assert set(named) <= set(printed_claims())
        assert named, "a deck has numbers"
        for number in lessons_of(deck):
            assert number in LESSONS

    def test_no_measured_number_is_typed(self, deck):
        for slide in deck.slides:
            typed = MEASURED.findall(SIGNS.sub("", f"{slide.question}\n{slide.body}\n{slide.notes} "))
            assert not typed, f"{slide.question}: {typed}"

    def test_a_slide_has_few_words(self, deck):
        assert {slide.question: words_of(slide) for slide in deck.slides if words_of(slide) > MAX_WORDS} == {}

    def test_a_slide_says_something(self, deck):
        assert [slide.question for slide in deck.slides if not (slide.notes or slide.poll)] == []

    def test_a_question_is_asked_once(self, deck):
        asked = [slide.question or slide.poll for slide in deck.slides]
        assert len(set(asked)) == len(asked)

    def test_a_deck_of_a_part_shows_all_its_lessons(self, deck):
        of_part = [number for number, lesson in LESSONS.items() if lesson.header["part"] == deck.header["part"]]
        assert of_part or not deck.header["part"], "no lesson is of this part"
        assert set(of_part) <= set(lessons_of(deck))

    def test_there_are_polls(self, deck):
        assert any(slide.poll for slide in deck.slides)

    def test_what_it_says_is_in_the_lessons(self, deck):
        for slide in deck.slides:
            for number, words in re.findall(r"\{say\}`(\w+): *([^`]+)`", slide.notes):
                assert passage(LESSONS[number], words)
            if slide.poll:
                assert quiz_question(LESSONS[slide.poll[0]], slide.poll[1])


def test_a_slide_has_the_figure_the_number_and_what_to_say(write_deck, book):
    page = deck_page(write_deck(), book)
    assert "<h2>What is <em>it</em>?</h2>" in page
    assert 'id="f07-curve-a"' in page
    assert 'href="#f07-curve-a"' in page
    assert "url(#f07-curve-b)" in page
    assert "<b>77.4% of all</b><span>what is measured</span>" in page
    notes = page.partition('<aside class="notes">')[2].partition("</aside>")[0]
    assert "It is so, a bold truth of 77.4%. More." in notes
    assert "In the picture: A &lt; b." in notes
    assert 'href="../07-a-test.html"' in page
    assert "small run" not in page


def test_a_poll_keeps_its_answer_for_later(write_deck, book):
    poll = deck_page(write_deck(), book).partition('<section class="poll">')[2].partition("</section>")[0]
    assert poll.count("<li") == 3
    assert re.findall(r'<li class="[^"]*right"[^>]*>(\w+)<', poll) == ["this"]
    assert re.search(r'<p class="why fragment"[^>]*>Because.</p>', poll)
    assert "Not “that”: It is <em>not</em>." in poll


def test_a_figure_of_a_small_run_says_so(write_deck, lesson):
    small = Book({"07": lesson}, PRINTED, _figures={"07": figures_of("07", a_run("smoke"))})
    assert "small run" in deck_page(write_deck(), small)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("07.curve", "07.curse", r"3-deck.md, slide 1 \(What is \*it\*\?\): lesson 07 shows no figure 'curse'.*plan"),
        ("{figure}`07.curve`", "{figure}`08.curve`", "there is no lesson 08; there are 07"),
        ("{figure}`07.curve`", "{picture}`no.png`", "slide 1 .*no picture 'no.png'.*24-front.png"),
        ("07.share", "07.shore", r"slide 1 .*\{n\}`07.shore` has no result"),
        ("a [bold]", "A bald", "slide 1 .*lesson 07 has nothing bold that begins with 'A bald'"),
        ("a [bold]", "Another", "2 paragraphs"),
        ("{poll}`07.1`", "{poll}`07.4`", r"slide 2 \(poll 07.4\).*the questions 1 to 3, not 4"),
        ("is *it*?", "is it.", "slide 1 .*ends with a question mark"),
        (" of all | what", " of all, what", "slide 1 .*what it is"),
        ("## What", "Before.\n\n## What", "text stands before the first slide: 'Before.'"),
        ("minutes: 5", "hours: 5", "the keys minutes, part"),
        ("deck:", "dock:", "needs a YAML table deck"),
    ],
)  # fmt: skip
def test_what_is_missing_is_named(write_deck, book, old, new, message):
    with pytest.raises(LessonError, match=message):
        deck_page(write_deck(old, new), book)


def test_a_tiny_number_is_written_as_people_do(write_deck, lesson):
    book = Book({"07": lesson}, {"07.share": "7e-06"}, _figures={"07": figures_of("07", a_run())})
    assert "<b>7 \u00d7 10<sup>\u22126</sup> of all</b>" in deck_page(write_deck(), book)


def test_a_draft_shows_an_ellipsis_for_a_number_without_result(write_deck, lesson):
    draft = Book({"07": lesson}, {}, draft=True, _figures={"07": figures_of("07", a_run())})
    assert "<b>… of all</b>" in deck_page(write_deck(), draft)


def test_a_lesson_that_was_not_executed_is_named(write_deck, lesson):
    with pytest.raises(DeckError, match=r"slide 1 .*lesson 07 was not executed since it changed"):
        deck_page(write_deck(), Book({"07": lesson}, PRINTED))


def test_figures_know_their_shape_and_lose_what_is_for_a_phone():
    figures = figures_of("07", a_run())
    assert list(figures) == ["sounds-1", "curve", "plan", "image-1"]
    assert figures["sounds-1"].markup.startswith('<figure class="kit-sounds light"><div><audio')
    assert figures["curve"].aspect == pytest.approx(64 / 36)
    assert "plan-narrow" not in figures["plan"].content
    assert recorded_picture("24-front.png").aspect == pytest.approx(900 / 400)


def test_decks_are_chosen_and_refused_by_number(tmp_path):
    assert [deck.stem for deck in find_decks(["1"])] == ["1-review"]
    with pytest.raises(DeckError, match=r"no deck 9; there are 0, 1, 2"):
        find_decks(["9"])
    (tmp_path / "One.md").write_text("", encoding="utf-8")
    with pytest.raises(DeckError, match="N-name"):
        find_decks([], tmp_path)


def test_the_command_says_what_is_missing(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["booktools", "slides", "9"])
    assert cli.main() == 1
    assert capsys.readouterr().err.startswith("error: there is no deck 9")


def test_a_site_of_some_lessons_has_the_decks_of_those(write_deck, lesson):
    assert decks_within(ALL, []) == []
    assert decks_within([write_deck()], [lesson]) == [write_deck()]


def test_nothing_is_written_when_a_deck_is_wrong(write_deck, lesson, tmp_path, monkeypatch):
    monkeypatch.setattr("booktools.slides.build.SLIDES", tmp_path / "slides")
    with pytest.raises(DeckError):
        build_slides([write_deck("07.share", "07.shore")], [lesson], PRINTED)
    assert not (tmp_path / "slides").exists()


def test_the_list_of_decks_links_each():
    page = slides_page(ALL)
    for deck in ALL:
        assert f'href="slides/{deck.stem}.html"' in page


def test_reveal_is_the_version_that_is_pinned():
    pinned = json.loads((DECKS / "package.json").read_text(encoding="utf-8"))["dependencies"]["reveal.js"]
    lock = json.loads((DECKS / "package-lock.json").read_text(encoding="utf-8"))["packages"]["node_modules/reveal.js"]
    assert lock["version"] == pinned
    assert lock["integrity"].startswith("sha512-")
    assert f"`{pinned}`" in (DECKS / "reveal" / "reveal.js").read_text(encoding="utf-8")
