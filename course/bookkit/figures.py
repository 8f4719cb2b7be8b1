"""Figures that follow the page: its light or dark colors, its width; text stays text.

A plot is drawn in the placeholders of :data:`colors`, which the page replaces by its own colors. The style that comes
with each figure makes it right in Colab and Jupyter too.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

from IPython.display import HTML, display

from textwright.report import svg as canvas

colors: Final = SimpleNamespace(
    ink=canvas.INK, muted=canvas.MUTED, grid=canvas.GRID, right=canvas.RIGHT, wrong=canvas.WRONG, series=canvas.SERIES
)
RECORDED: Final = Path(__file__).parents[1] / "recorded"
MAX_BYTES: Final = 2_000_000
"""Of an image or a page within a page."""
STYLE: Final = f"<style>{(Path(__file__).parent / 'figures.css').read_text(encoding='utf-8')}</style>"


def draw(name: str, plot: Callable[[Any], object], caption: str, *, size: tuple[float, float] = (6.4, 3.6)) -> None:
    """Draw a plot and show it; one that is wide is also laid out for a narrow page, as high and less wide.

    Args:
        name: Of the figure in this lesson; lower case with dashes.
        plot: Draws into the empty matplotlib axes, in ``kit.colors``.
        caption: What to see in it, in a sentence; also what a screen reader says.
        size: Width and height in inches.
    """
    show(drawings(name, plot, size), caption, name=name)


def drawings(name: str, plot: Callable[[Any], object], size: tuple[float, float]) -> str:
    """Draw a plot for the page: once if it is narrow, else for a wide and for a narrow page.

    Args:
        name: Of the figure on its page.
        plot: Draws into the empty matplotlib axes.
        size: Width and height in inches.
    """
    return canvas.page_svg(f"caption-{name}", size, plot)


def show(svg: str, caption: str, *, name: str) -> None:
    """Show an SVG drawn in ``currentColor`` or in the variables of ``figures.css``.

    Args:
        svg: From ``<svg`` to ``</svg>``, with a viewBox and without a fixed size.
        caption: What to see in it; also what a screen reader says.
        name: Of the figure in this lesson.
    """
    words = html.escape(caption)
    display(
        HTML(f'{STYLE}<figure class="kit-figure">{svg}<figcaption id="caption-{name}">{words}</figcaption></figure>')
    )


def show_image(content: bytes, caption: str, *, mime: str) -> None:
    """Show a bitmap or an animation that the lesson made.

    Args:
        content: The file's bytes, under 2 MB.
        caption: What to see in it; also what a screen reader says.
        mime: "image/png" or "image/gif".

    Raises:
        ValueError: If it is 2 MB or more: pages must open quickly on a phone.
    """
    if len(content) >= MAX_BYTES:
        raise ValueError(f"the image has {len(content):,} bytes; a page takes fewer than {MAX_BYTES:,}")
    words = html.escape(caption, quote=True)
    source = f"data:{mime};base64,{base64.b64encode(content).decode()}"
    image = f'<img src="{source}" alt="{words}"><figcaption>{words}</figcaption>'
    display(HTML(f'{STYLE}<figure class="kit-figure">{image}</figure>'))


def show_page(page: str, caption: str, *, height: int = 420) -> None:
    """Show a page that the lesson made, in a frame of its own: its scripts see nothing of the lesson's page.

    Args:
        page: The HTML of the whole page, which asks no server; under 2 MB.
        caption: What to see or do in it; also what a screen reader says.
        height: Of the frame, in pixels.

    Raises:
        ValueError: If it is 2 MB or more: pages must open quickly on a phone.
    """
    if len(page.encode()) >= MAX_BYTES:
        raise ValueError(
            f"the page has {len(page.encode()):,} bytes; a frame takes fewer than {MAX_BYTES:,}: show less"
        )
    words = html.escape(caption, quote=True)
    frame = (
        f'<iframe srcdoc="{html.escape(page, quote=True)}" sandbox="allow-scripts" title="{words}" loading="lazy"'
        f' style="border: 1px solid var(--grid); border-radius: 0.5rem; box-sizing: border-box; display: block;'
        f' height: {height}px; width: 100%"></iframe>'
    )
    display(HTML(f'{STYLE}<figure class="kit-figure">{frame}<figcaption>{words}</figcaption></figure>'))


def play(sounds: Mapping[str, bytes], caption: str, *, mime: str = "audio/flac") -> None:
    """Show a player for each sound that the lesson made; the page holds the sounds and plays them offline.

    Args:
        sounds: Words beside a player -> the file's bytes; under 2 MB together.
        caption: What to listen for.
        mime: Of all of them; every browser plays "audio/flac" and "audio/wav".

    Raises:
        ValueError: If there is no sound, or if they are 2 MB or more: pages must open quickly on a phone.
    """
    size = sum(map(len, sounds.values()))
    if not 0 < size < 2_000_000:
        raise ValueError(f"{len(sounds)} sounds have {size:,} bytes; a page takes from 1 to 1,999,999")
    rows = "".join(_player(words, content, mime) for words, content in sounds.items())
    display(HTML(f'{STYLE}<figure class="kit-sounds">{rows}<figcaption>{html.escape(caption)}</figcaption></figure>'))


def _player(words: str, content: bytes, mime: str) -> str:
    """Write a player and the words beside it."""
    words = html.escape(words, quote=True)
    source = f"data:{mime};base64,{base64.b64encode(content).decode()}"
    player = f'<audio controls preload="metadata" aria-label="{words}" src="{source}"></audio>'
    return f"<div><span>{words}</span>{player}</div>"


def recorded(name: str) -> bytes:
    """Read what one of the project's scripts recorded of what a lesson cannot show by itself.

    Args:
        name: File in ``course/recorded``, for example "04-scalars.png" or "25-container.json".

    Raises:
        FileNotFoundError: If there is none; names those that are there.
    """
    path = RECORDED / name
    if not path.is_file():
        there = ", ".join(sorted(one.name for one in RECORDED.glob("*"))) or "none"
        raise FileNotFoundError(f"there is no {path}; there are: {there}")
    return path.read_bytes()
