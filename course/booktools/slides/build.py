"""Build the decks into the course's site: pages, what they load, and the list of decks for the front page."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from booktools.layout import COURSE, SITE
from booktools.lessons import Lesson
from booktools.slides.page import Book, deck_page, lessons_of
from booktools.slides.source import DECKS, Deck
from textwright.core.files import write_text

SLIDES: Final = SITE / "slides"
_LOADED: Final = ("slides.css", "slides.js")


def build_slides(
    decks: Sequence[Deck], lessons: Sequence[Lesson], printed: Mapping[str, str], *, draft: bool = False
) -> list[Path]:
    """Build decks.

    Args:
        decks: Which ones.
        lessons: All that there are.
        printed: Committed numbers, "NN.name" -> text.
        draft: Allow numbers that have no result yet.

    Returns:
        The pages, in order.

    Raises:
        DeckError: If a slide names something that is not there; nothing is written then.
    """
    pages = frozenset(path.stem for path in SITE.glob("*.html"))
    book = Book({lesson.number: lesson for lesson in lessons}, printed, pages, draft)
    written = {SLIDES / f"{deck.stem}.html": deck_page(deck, book) for deck in decks}
    copy_loaded(SLIDES)
    for path, page in written.items():
        write_text(path, page)
    return list(written)


def copy_loaded(folder: Path) -> None:
    """Copy reveal.js, style sheet and fonts, so that a deck asks no other host for anything."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in _LOADED:
        shutil.copy(DECKS / name, folder / name)
    shutil.copytree(DECKS / "reveal", folder / "reveal", dirs_exist_ok=True)
    shutil.copytree(COURSE / "_static" / "fonts", folder / "fonts", dirs_exist_ok=True)


def decks_within(decks: Sequence[Deck], lessons: Sequence[Lesson]) -> list[Deck]:
    """Choose the decks all of whose lessons are there."""
    numbers = {lesson.number for lesson in lessons}
    return [deck for deck in decks if numbers.issuperset(lessons_of(deck))]
