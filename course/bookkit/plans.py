"""The picture of a lesson's plan: boxes that data walks through, in rows for a screen and in a column for a phone."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from bookkit.figures import show

_WIDTH: Final = 200
_HEIGHT: Final = 86
_GAP: Final = 36
_ACROSS: Final = 3


def plan(steps: Sequence[tuple[str, str]], caption: str, *, highlight: str = "") -> None:
    """Draw the plan.

    Args:
        steps: Title (at most 18 characters) and explanation (at most 50) of each box, in the order of the walk.
        caption: The plan in a sentence; also what a screen reader says.
        highlight: Title of the box that the lesson is about; none if empty.

    Raises:
        ValueError: If a text does not fit its box.
    """
    for title, words in steps:
        if len(title) > 18 or len(words) > 50:
            raise ValueError(f"the box {title!r} holds 18 and 50 characters, not {len(title)} and {len(words)}")
    wide, narrow = (_drawn(steps, highlight, across, kind) for across, kind in ((_ACROSS, "wide"), (1, "narrow")))
    show(wide + narrow, caption, name="plan")


def _drawn(steps: Sequence[tuple[str, str]], highlight: str, across: int, kind: str) -> str:
    rows = -(-len(steps) // across)
    width = min(across, len(steps)) * (_WIDTH + _GAP) - _GAP + 4
    height = rows * (_HEIGHT + _GAP) - _GAP + 4
    corners = [_corner(number, across) for number in range(len(steps))]
    boxes = "".join(_box(*corner, *step, step[0] == highlight) for corner, step in zip(corners, steps, strict=True))
    arrows = "".join(_arrow(*pair, kind) for pair in pairwise(corners))
    head = (
        f'<defs><marker id="plan-{kind}-head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto"><path d="M0 0 8 4 0 8z" fill="var(--muted)"/></marker></defs>'
    )
    frame = f'<svg class="plan-{kind}" viewBox="-2 -2 {width} {height}" role="img" aria-labelledby="caption-plan">'
    return f"{frame}{head}{arrows}{boxes}</svg>"


def _corner(number: int, across: int) -> tuple[int, int]:
    """Walk to the right, then back to the left below, so that no arrow crosses the picture."""
    row, column = divmod(number, across)
    column = across - 1 - column if row % 2 else column
    return column * (_WIDTH + _GAP), row * (_HEIGHT + _GAP)


def _box(x: int, y: int, title: str, words: str, is_highlighted: bool) -> str:
    fill, ink, soft = ("accent", "on-accent", "on-accent") if is_highlighted else ("box", "ink", "muted")
    lines = "".join(
        _text(x + 14, y + 50 + 18 * number, line, f'font-size="13.5" fill="var(--{soft})"')
        for number, line in enumerate(_two_lines(words))
    )
    return (
        f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="10" fill="var(--{fill})" stroke="var(--grid)"/>'
        + _text(x + 14, y + 27, title, f'font-size="16" font-weight="650" fill="var(--{ink})"')
        + lines
    )


def _two_lines(words: str) -> list[str]:
    """Break as far from the edge of the box as two lines allow; 50 characters without luck go up to it."""
    tries = [textwrap.wrap(words, width) for width in range(22, 28)]
    return next((lines for lines in tries if len(lines) <= 2), tries[-1])


def _arrow(start: tuple[int, int], end: tuple[int, int], kind: str) -> str:
    (x, y), (to_x, to_y) = start, end
    if y == to_y:
        right = to_x > x
        first, last, level = (x + _WIDTH, to_x, y + _HEIGHT // 2) if right else (x, to_x + _WIDTH, y + _HEIGHT // 2)
        step = 6 if right else -6
        line = f"M{first + step} {level} H{last - step}"
    else:
        line = f"M{x + _WIDTH // 2} {y + _HEIGHT + 6} V{to_y - 6}"
    style = 'stroke="var(--muted)" stroke-width="1.6" fill="none"'
    return f'<path d="{line}" {style} marker-end="url(#plan-{kind}-head)"/>'


def _text(x: int, y: int, words: str, style: str) -> str:
    return f'<text x="{x}" y="{y}" {style}>{html.escape(words)}</text>'
