"""A deck as one page of HTML for reveal.js."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from latex2mathml.converter import convert
from markdown_it import MarkdownIt

from bookkit.figures import STYLE
from booktools.forms import with_numbers
from booktools.lessons import Lesson
from booktools.results import newest_run
from booktools.slides.figures import Figure, figures_of, named_figure, recorded_picture
from booktools.slides.source import Deck, DeckError, Slide, located
from booktools.slides.spoken import passage, quiz_question

WIDTH: Final = 1280
HEIGHT: Final = 720
_WIDE: Final = 2.1
"""Width over height from which a picture stands above its words, not beside them."""
_ITEM: Final = re.compile(r"^\{(figure|picture)\}`([^`]+)` *$", re.MULTILINE)
_TILES: Final = re.compile(r"^:::\{numbers\} *\n(.*?)^:::$", re.DOTALL | re.MULTILINE)
_FORMULA: Final = re.compile(r"\$\$(.+?)\$\$", re.DOTALL)
_SAY: Final = re.compile(r"\{say\}`(\d\d[a-z]?): *([^`]+(?:`[^`]+`[^`]*)*?)`(?=\s|$)")
_LESSON: Final = re.compile(r"\{(?:figure|picture|n|see)\}`(\d\d[a-z]?)[^`\d]?[^`]*`")
_POWER: Final = re.compile(r"(\d)e([+-])0?(\d+)\b")
_SEE: Final = re.compile(r"^\{see\}`[^`]+` *$\n?", re.MULTILINE)
_SMALL_RUN: Final = "picture of a small run"
_markdown: Final = MarkdownIt("commonmark", {"html": True, "typographer": True}).enable("table")


@dataclass(frozen=True)
class Book:
    """What decks are made of.

    Args:
        lessons: Number -> lesson.
        printed: Committed numbers, "NN.name" -> text.
        pages: Stems of lessons that have a page beside the decks, which a slide may link.
        draft: Allow numbers that have no result yet.
    """

    lessons: Mapping[str, Lesson]
    printed: Mapping[str, str]
    pages: frozenset[str] = frozenset()
    draft: bool = False
    _figures: dict[str, dict[str, Figure]] = field(default_factory=dict)

    def lesson(self, number: str) -> Lesson:
        """Return a lesson.

        Raises:
            DeckError: If there is none of that number.
        """
        if number not in self.lessons:
            raise DeckError(f"there is no lesson {number}; there are {', '.join(self.lessons)}")
        return self.lessons[number]

    def figure(self, address: str) -> Figure:
        """Return what "13.length" names: a figure of the lesson's newest run.

        Raises:
            LessonError: If there is no such lesson or figure, or the lesson was not executed.
        """
        number, _, name = address.partition(".")
        if number not in self._figures:
            self._figures[number] = figures_of(number, newest_run(self.lesson(number)))
        return named_figure(number, name, self._figures[number])

    def html(self, markdown: str) -> str:
        """Render Markdown with its numbers and formulas."""
        with_formulas = _FORMULA.sub(lambda found: convert(found[1].strip(), display="block"), markdown)
        return str(_markdown.render(with_numbers(with_formulas, self.printed, draft=self.draft)))

    def inline(self, markdown: str) -> str:
        """Render Markdown of one line with its numbers."""
        return str(_markdown.renderInline(with_numbers(markdown, self.printed, draft=self.draft)))


def lessons_of(deck: Deck) -> list[str]:
    """List the numbers of the lessons that a deck shows something of, in the order of its slides."""
    return list(dict.fromkeys(number for slide in deck.slides for number in _lessons_of(slide)))


def _lessons_of(slide: Slide) -> list[str]:
    shown = [slide.poll[0]] if slide.poll else []
    return list(dict.fromkeys([*shown, *_LESSON.findall(f"{slide.question}\n{slide.body}")]))


def deck_page(deck: Deck, book: Book) -> str:
    """Write a deck.

    Raises:
        DeckError: If a slide names a figure, number, paragraph or quiz question that is not there; says which slide.
    """
    sections = [_title(deck)]
    for slide in deck.slides:
        with located(deck, slide):
            sections.append(_poll(slide, book) if slide.poll else _section(slide, book))
    sections.append(_lessons(deck, book))
    title = html.escape(str(deck.header["title"]))
    return _PAGE.format(title=title, style=STYLE, sections="\n".join(sections), width=WIDTH, height=HEIGHT)


def _title(deck: Deck) -> str:
    header = {key: html.escape(str(value)) for key, value in deck.header.items()}
    return (
        f'<section class="title"><div class="slide"><h1>{header["title"]}</h1><p class="lead">{header["question"]}</p>'
        f'<p class="keys">{header["minutes"]} minutes. Arrows move, <kbd>S</kbd> opens what to say, '
        "<kbd>Esc</kbd> shows all slides.</p></div></section>"
    )


def _section(slide: Slide, book: Book) -> str:
    pictures = [_picture(kind, name, book) for kind, name in _ITEM.findall(slide.body)]
    words = book.html(_TILES.sub(lambda found: _tiles(found[1], book), _SEE.sub("", _ITEM.sub("", slide.body))))
    layout = _layout([picture.aspect for picture in pictures], words)
    shown = "".join(picture.markup for picture in pictures)
    parts = f'<div class="pictures">{shown}</div>' * bool(pictures) + f'<div class="words">{words}</div>' * bool(words)
    captions = [f"In the picture: {picture.caption}" for picture in pictures]
    small = any(picture.is_small_run for picture in pictures)
    return _framed(slide, book, layout, f'<div class="body">{parts}</div>', captions, small=small)


def _picture(kind: str, name: str, book: Book) -> Figure:
    return book.figure(name) if kind == "figure" else recorded_picture(name)


def _layout(aspects: list[float], words: str) -> str:
    if not aspects:
        return "only-words"
    if not words.strip():
        return "only-pictures"
    return "above" if sum(aspects) >= _WIDE else "beside"


def _tiles(lines: str, book: Book) -> str:
    tiles = []
    for line in lines.strip().splitlines():
        number, bar, label = line.partition(" | ")
        if not bar or "{n}`" not in number:
            raise DeckError(f"a line of :::{{numbers}} is {{n}}`NN.name` | what it is, not {line!r}")
        tiles.append(f"<div><b>{book.inline(number)}</b><span>{book.inline(label)}</span></div>")
    return f'<div class="numbers">{"".join(tiles)}</div>\n'


def _poll(slide: Slide, book: Book) -> str:
    number, place = slide.poll or ("", 0)
    one = quiz_question(book.lesson(number), place)
    inline = book.inline
    options = "".join(
        f'<li class="fragment custom right" data-fragment-index="0">{inline(str(option))}</li>'
        if reason is True
        else f'<li class="fragment custom other" data-fragment-index="0">{inline(str(option))}</li>'
        for option, reason in one["options"].items()
    )
    body = (
        f'<div class="body"><div class="words"><ol class="options">{options}</ol>'
        f'<p class="why fragment" data-fragment-index="0">{inline(one["why"])}</p></div></div>'
    )
    reasons = [f"Not “{option}”: {reason}" for option, reason in one["options"].items() if reason is not True]
    asked = Slide(slide.place, str(one["question"]), slide.body, slide.notes, slide.poll)
    return _framed(asked, book, "poll", body, ["Hands up for each, then go on: the answer shows.", *reasons])


def _framed(slide: Slide, book: Book, layout: str, body: str, remarks: list[str], *, small: bool = False) -> str:
    numbers = _lessons_of(slide)
    links = ", ".join(_link(book.lesson(number), book) for number in numbers)
    source = " · ".join([f"lesson {links}"] * bool(numbers) + [_SMALL_RUN] * small)
    said = _SAY.sub(lambda found: passage(book.lesson(found[1]), found[2]), slide.notes)
    notes = book.html("\n\n".join([said, *remarks]))
    kicker = '<p class="kicker">Poll</p>' if slide.poll else ""
    heading = book.inline(slide.question)
    return (
        f'<section class="{layout}"><div class="slide">{kicker}<h2>{heading}</h2>{body}'
        f'<p class="source">{source}</p></div><aside class="notes">{notes}</aside></section>'
    )


def _link(lesson: Lesson, book: Book) -> str:
    name = f"{lesson.number.lstrip('0') or '0'} {html.escape(str(lesson.header['title']))}"
    return f'<a href="../{lesson.stem}.html">{name}</a>' if lesson.stem in book.pages else name


def _lessons(deck: Deck, book: Book) -> str:
    rows = "".join(f"<li>{_link(book.lesson(number), book)}</li>" for number in sorted(lessons_of(deck), key=_place))
    return (
        '<section class="lessons"><div class="slide"><h2>Where do I read it, and run it?</h2><div class="body"><div '
        f'class="words"><ul>{rows}</ul></div></div><p class="source"></p></div></section>'
    )


def _place(number: str) -> tuple[str, str]:
    """Order by number; a letter comes before none, as in the book."""
    return number[:2], number[2:] or "~"


_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="reveal/reveal.css">
{style}
<link rel="stylesheet" href="slides.css">
</head>
<body data-theme="light" data-width="{width}" data-height="{height}">
<div class="reveal"><div class="slides">
{sections}
</div></div>
<script src="reveal/reveal.js"></script>
<script src="reveal/notes.js"></script>
<script src="slides.js"></script>
</body>
</html>
"""
