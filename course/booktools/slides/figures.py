"""Figures by name: what a lesson's run has shown, fit for a slide."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from nbformat import NotebookNode

from booktools.layout import COURSE
from booktools.slides.source import DeckError

_FIGURE: Final = re.compile(r'<figure class="kit-figure[^"]*">(.*?)<figcaption([^>]*)>(.*?)</figcaption>', re.DOTALL)
_SOUNDS: Final = re.compile(r'<figure class="kit-sounds">(.*?)<figcaption[^>]*>(.*?)</figcaption>', re.DOTALL)
_NARROW: Final = re.compile(r'<svg class="(?:plan-narrow|plot only-narrow)".*?</svg>', re.DOTALL)
_BOX: Final = re.compile(r'viewBox="[-\d.]+[ ,]+[-\d.]+[ ,]+([\d.]+)[ ,]+([\d.]+)"')
_ID: Final = re.compile(r'(\bid="|url\(#|href="#|aria-labelledby=")')
_WIDTH_OF_PLAYERS: Final = 8.0
"""Over the height of one player."""
_PNG_SIZE: Final = slice(16, 24)
"""Where a PNG file has width and height, four bytes each."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One picture.

    Args:
        content: SVG or ``<img>``.
        caption: What to see in it, as HTML.
        key: Starts the ids of the content, so that a page can hold figures of several lessons.
        is_small_run: It comes from a run of the smoke profile.
        kind: Class of the element: "kit-figure", or "kit-sounds" for players.
    """

    content: str
    caption: str
    key: str
    is_small_run: bool = False
    kind: str = "kit-figure"

    @property
    def aspect(self) -> float:
        """Width over height; 1.6 where the content does not say, and that of a row of players for sounds."""
        if self.kind == "kit-sounds":
            return _WIDTH_OF_PLAYERS / self.content.count("<audio")
        box = _BOX.search(self.content)
        if box:
            return float(box[1]) / float(box[2])
        png = re.search(r"data:image/png;base64,([\w+/]{40})", self.content)
        if png is None:
            return 1.6
        size = base64.b64decode(png[1])[_PNG_SIZE]
        return int.from_bytes(size[:4], "big") / int.from_bytes(size[4:], "big")

    @property
    def markup(self) -> str:
        """HTML whose caption is for screen readers: a slide has few words."""
        caption = f'<figcaption id="{self.key}-caption">{self.caption}</figcaption>'
        return f'<figure class="{self.kind} light">{self.content}{caption}</figure>'


def figures_of(number: str, run: NotebookNode) -> dict[str, Figure]:
    """List what a run of a lesson has shown.

    Returns:
        Name -> figure. Images, which have no name, are image-1 and so on, players of sounds sounds-1 and so on.
    """
    is_small = run.metadata["course"]["profile"] == "smoke"
    figures: dict[str, Figure] = {}
    num_images = 0
    shown = "\n".join(_markup(run))
    for place, (content, caption) in enumerate(_SOUNDS.findall(shown), start=1):
        figures[f"sounds-{place}"] = Figure(content, caption, f"f{number}-sounds-{place}", is_small, "kit-sounds")
    for content, attributes, caption in _FIGURE.findall(shown):
        if not content.lstrip().startswith(("<svg", "<img")):
            continue  # a page within the page: nobody can use it from a chair
        name = re.search(r'id="caption-([^"]+)"', attributes)
        num_images += name is None
        key = f"f{number}-{name[1] if name else f'image-{num_images}'}"
        figures[key.partition("-")[2]] = Figure(_own_ids(content, key), caption, key, is_small)
    return figures


def _markup(run: NotebookNode) -> list[str]:
    outputs = [output for cell in run.cells for output in cell.get("outputs", [])]
    return ["".join(output.get("data", {}).get("text/html", "")) for output in outputs]


def _own_ids(content: str, key: str) -> str:
    """Keep the drawing for a wide screen, and give its ids a beginning that no other figure has."""
    drawing = _NARROW.sub("", content).strip()
    drawing = _ID.sub(rf"\g<1>{key}-", drawing)
    return re.sub(rf'aria-labelledby="{key}-[^"]*"', f'aria-labelledby="{key}-caption"', drawing)


def named_figure(number: str, name: str, figures: Mapping[str, Figure]) -> Figure:
    """Return a figure of a lesson.

    Raises:
        DeckError: If the lesson shows none of that name; says which there are.
    """
    if name not in figures:
        there = ", ".join(figures) or "none"
        raise DeckError(f"lesson {number} shows no figure {name!r}; its figures: {there}")
    return figures[name]


def recorded_picture(name: str) -> Figure:
    """Return a PNG file of ``course/recorded``.

    Raises:
        DeckError: If there is none of that name.
    """
    path = COURSE / "recorded" / name
    if path.suffix != ".png" or not path.is_file():
        there = ", ".join(sorted(one.name for one in path.parent.glob("*.png")))
        raise DeckError(f"course/recorded has no picture {name!r}; its pictures: {there}")
    source = f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"
    caption = html.escape(f"Recorded: {name}", quote=True)
    return Figure(f'<img src="{source}" alt="{caption}">', caption, f"recorded-{path.stem}")
