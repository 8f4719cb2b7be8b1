"""A deck's source, ``course/slides/N-name.md``: front matter, then one slide for each question.

| a deck writes | a slide shows |
|---|---|
| ``## A question?`` | begins a slide |
| ``{figure}`13.length``` | the figure of that name in the lesson's output |
| ``{picture}`24-front.png``` | the file of ``course/recorded`` |
| ``{n}`13.right``` | the committed number |
| ``:::{numbers}``, a line each | large numbers, each with what it is |
| ``{poll}`13.2``` | a slide of its own: the second question of the lesson's quiz |
| ``:::{notes}`` | nothing: it is what one says |
| ``{say}`13: Weights show where``` in notes | the paragraph of the lesson with these words in bold |
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from booktools.layout import COURSE
from booktools.lessons import LessonError, front_matter

DECKS: Final = COURSE / "slides"
_NAME: Final = re.compile(r"\d-[a-z0-9-]+")
_START: Final = re.compile(r"^(?=## |\{poll\}`)", re.MULTILINE)
_NOTES: Final = re.compile(r"^:::\{notes\} *\n(.*?)^:::$\n?", re.DOTALL | re.MULTILINE)
_POLL: Final = re.compile(r"\A\{poll\}`(\d\d[a-z]?)\.(\d)`\n?")
_KEYS: Final = {"title", "question", "minutes", "part"}


class DeckError(LessonError):
    """A slide names what is not there, or a deck does not have the form."""


@dataclass(frozen=True, slots=True)
class Slide:
    """One slide.

    Args:
        place: From 1; the title slide, which has no source, is 0.
        question: Its heading; empty for a poll, which takes that of the quiz.
        body: Markdown, without heading and notes.
        notes: Markdown, what one says.
        poll: Lesson and place of a quiz question, from 1; None on other slides.
    """

    place: int
    question: str
    body: str
    notes: str
    poll: tuple[str, int] | None = None


@dataclass(frozen=True)
class Deck:
    """One deck.

    Args:
        path: Of its source.
    """

    path: Path

    @property
    def stem(self) -> str:
        """Its file name without the ending, for example "1-review"."""
        return self.path.stem

    @cached_property
    def header(self) -> dict[str, Any]:
        """What ``deck:`` in the front matter says: title, question, minutes, and part, empty for the overview."""
        header = front_matter(self.path, "deck")
        if set(header) != _KEYS:
            raise DeckError(f"{self.path.name}: deck: has the keys {', '.join(sorted(_KEYS))}, not {', '.join(header)}")
        return header

    @cached_property
    def slides(self) -> list[Slide]:
        """Its slides, without the title.

        Raises:
            DeckError: If there is text before the first slide, or a heading asks nothing.
        """
        text = self.path.read_text(encoding="utf-8").split("\n---\n", 1)[1]
        before, *sources = _START.split(text)
        if before.strip():
            raise DeckError(f"{self.path.name}: text stands before the first slide: {before.strip()[:40]!r}")
        slides = [_read(place, source) for place, source in enumerate(sources, start=1)]
        for slide in slides:
            if slide.poll is None and not slide.question.endswith("?"):
                with located(self, slide):
                    raise DeckError("a slide asks one question: its heading ends with a question mark")
        return slides


def _read(place: int, source: str) -> Slide:
    notes = "\n\n".join(_NOTES.findall(source)).strip()
    shown = _NOTES.sub("", source)
    poll = _POLL.match(shown)
    if poll:
        return Slide(place, "", _POLL.sub("", shown).strip(), notes, (poll[1], int(poll[2])))
    heading, _, body = shown.partition("\n")
    return Slide(place, heading.removeprefix("## ").strip(), body.strip(), notes)


@contextmanager
def located(deck: Deck, slide: Slide) -> Iterator[None]:
    """Name deck and slide in the errors of a block.

    Raises:
        DeckError: With what the block raised.
    """
    try:
        yield
    except LessonError as error:
        name = slide.question or "poll {}.{}".format(*(slide.poll or ("", 0)))
        raise DeckError(f"course/slides/{deck.path.name}, slide {slide.place} ({name}): {error}") from error


def find_decks(numbers: list[str], folder: Path = DECKS) -> list[Deck]:
    """Choose decks by their leading digit; none chooses all.

    Raises:
        DeckError: If there is no deck of a number, or a file is not named N-name.md.
    """
    decks = {path.stem[0]: Deck(path) for path in sorted(folder.glob("*.md"))}
    bad = [deck.path.name for deck in decks.values() if not _NAME.fullmatch(deck.stem)]
    if bad:
        raise DeckError(f"{bad[0]} must be named N-name.md, in lower case")
    missing = [number for number in numbers if number not in decks]
    if missing:
        raise DeckError(f"there is no deck {', '.join(missing)}; there are {', '.join(decks)}")
    return [decks[number] for number in numbers or decks]
