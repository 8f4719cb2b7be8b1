"""A table in a page: plain HTML, numbers to the right, no dependency."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from typing import Final

from IPython.display import HTML, display

_LONG_WORD: Final = re.compile(r"\S{40}(?=\S)")
"""The part of a word after which a line may end: what a bad model writes has no spaces."""


def table(rows: Sequence[Mapping[str, object]], caption: str = "") -> None:
    """Show rows as a table.

    Args:
        rows: At least one; the keys of the first are the columns. Floats are shown as they are: format them first.
        caption: What the table shows, in words.
    """
    columns = list(rows[0])
    head = "".join(f"<th>{html.escape(str(column))}</th>" for column in columns)
    body = "".join(f"<tr>{''.join(_cell(row[column]) for column in columns)}</tr>" for row in rows)
    title = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    display(
        HTML(f'<div class="kit-table"><table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>')
    )


def _cell(value: object) -> str:
    text = html.escape(_LONG_WORD.sub("\\g<0>\0", str(value))).replace("\0", "<wbr>")
    is_number = text.replace(",", "").rstrip("% sMBk").replace(".", "", 1).lstrip("+-").isdigit()
    return f'<td class="number">{text}</td>' if is_number else f"<td>{text}</td>"
