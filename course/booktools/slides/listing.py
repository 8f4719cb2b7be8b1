"""The page *Slides* of the site, and the front page's link to it."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Final

from booktools.slides.source import Deck

NAME: Final = "slides"
_HEAD: Final = """# Slides

{.question}
How do I teach this to a room?

A deck for each part, and one for those who have twenty minutes. Each slide asks one question. Its picture is the output
of a lesson, its numbers are those of the lesson's page, and what to say is in the speaker's notes, in the words of the
lesson. Polls are the questions of the quizzes.
"""
_TAIL: Final = """
Arrow keys move, <kbd>S</kbd> opens the speaker's view with the notes and a clock, <kbd>Esc</kbd> shows all slides,
<kbd>F</kbd> fills the screen. A deck needs no connection: copy the folder `slides` of this site to a stick.

`make course-slides` builds the decks from the lessons that were executed, and
`PYTHONPATH=course .venv/bin/python -m booktools slides --pdf` prints them as PDF too, with the notes.
"""
_FRONT: Final = """## To teach it

[Slides](slides.md): {num} decks made of the lessons' own pictures and numbers, with what to say and polls.

```{{toctree}}
:hidden:

Slides <slides>
```
"""


def slides_page(decks: Sequence[Deck]) -> str:
    """Write the page that lists decks."""
    rows = ["| deck | asks | minutes | slides |", "|---|---|---:|---:|", *map(_row, decks)]
    return "\n".join([_HEAD, *rows, _TAIL])


def front_page_part(decks: Sequence[Deck]) -> str:
    """Write the front page's section about the decks."""
    return _FRONT.format(num=len(decks))


def _row(deck: Deck) -> str:
    header = deck.header
    title = html.escape(str(header["title"]))
    link = f'<a class="reference external" href="{NAME}/{deck.stem}.html">{title}</a>'
    return f"| {link} | {header['question']} | {header['minutes']} | {len(deck.slides) + 2} |"
