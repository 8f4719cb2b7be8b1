"""A table's content, and how a notebook shows it: HTML without a script, with everything from outside escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final, NamedTuple

from textwright.report.page import theme

_CLASS: Final = "textwright"
_STYLE: Final = (
    f".{_CLASS} {{ color: var(--ink); background: var(--paper); padding: 8px 12px; font: 14px/1.5 var(--font); }} "
    f".{_CLASS} table {{ border-collapse: collapse; margin: 4px 0 14px; }} "
    f".{_CLASS} caption {{ text-align: left; font-weight: 600; color: var(--ink); }} "
    f".{_CLASS} td, .{_CLASS} th {{ padding: 2px 14px 2px 0; text-align: left; }} "
    f".{_CLASS} .number {{ text-align: right; font-variant-numeric: tabular-nums; }} "
    f".{_CLASS} svg {{ max-width: 460px; }}"
)


class TableContent(NamedTuple):
    """A table, wherever it is shown.

    Args:
        title: What it shows; empty for none.
        columns: Headings, (C,).
        rows: Rows of C cells.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]

    def to_html(self) -> str:
        """Return ``<table>``; columns of numbers are aligned to the right."""
        are_numbers = [all(isinstance(row[at], int | float) for row in self.rows) for at in range(len(self.columns))]
        caption = f"<caption>{escape(self.title)}</caption>" if self.title else ""
        head = "".join(f'<th scope="col">{escape(name)}</th>' for name in self.columns)
        body = "".join(f"<tr>{_cells(row, are_numbers)}</tr>" for row in self.rows)
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cells(row: Sequence[object], are_numbers: Sequence[bool]) -> str:
    classes = (' class="number"' if is_number else "" for is_number in are_numbers)
    return "".join(f"<td{name}>{escape(str(cell))}</td>" for name, cell in zip(classes, row, strict=True))


def to_html(tables: Iterable[TableContent], *, figure: str = "", remarks: Iterable[str] = ()) -> str:
    """Return what a notebook shows: tables, a figure and remarks in the colors of the reports.

    Args:
        tables: The tables, in order.
        figure: SVG of the reports' figures; empty for none.
        remarks: Sentences beneath.
    """
    parts = [table.to_html() for table in tables]
    parts += [figure, *(f"<p>{escape(remark)}</p>" for remark in remarks)]
    return f'<div class="{_CLASS}"><style>{theme(f".{_CLASS}")} {_STYLE}</style>{"".join(parts)}</div>'
