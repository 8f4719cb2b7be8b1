"""Find the columns of a table that has one column of 0 and 1 for each label; called by the search for columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Final

from textwright.core.labels import Labels
from textwright.data.did_you_mean import did_you_mean
from textwright.data.tables import Table
from textwright.errors import DataError

_BINARY: Final = frozenset(("", "0", "1", "0.0", "1.0", "true", "false", "-1"))
"""Cells of a column for one label; -1 says that nobody has looked at the text."""
_MAX_NAMED: Final = 12
"""Columns of labels that a message lists; more are written as a pattern."""


def matching_columns(table: Table, patterns: str, labels: Labels | None, excluded: Sequence[str]) -> tuple[str, ...]:
    """Find the columns that ``--label-columns`` means.

    Args:
        table: The table.
        patterns: Names and patterns, separated by commas; "-" before one leaves out what it matches.
        labels: Labels that are known already; a pattern then matches columns of their names alone.
        excluded: Columns that hold something else.

    Returns:
        At least one column, in the order of the table; a pattern takes columns of 0 and 1 alone.

    Raises:
        DataError: If a name or a pattern stands for no column.
    """
    binary = [name for name in table.columns if name in labels.names] if labels else binary_columns(table)
    chosen: set[str] = set()
    for pattern in filter(None, map(str.strip, patterns.split(","))):
        if pattern in table.columns:
            chosen.add(pattern)
            continue
        if pattern.startswith("-"):
            chosen = {name for name in chosen if not fnmatchcase(name, pattern[1:])}
            continue
        matches = [name for name in binary if name not in excluded and fnmatchcase(name, pattern)]
        if not matches:
            what = "column of 0 and 1 matches" if any(mark in pattern for mark in "*?[") else "column is named"
            raise DataError(
                f"{table.name}: no {what} {pattern!r} (--label-columns){did_you_mean(pattern, table.columns)}"
            )
        chosen.update(matches)
    if not chosen:
        raise DataError(f"{table.name}: --label-columns names no column; name one for each label, or leave it out")
    return tuple(name for name in table.columns if name in chosen)


def binary_columns(table: Table) -> list[str]:
    """List the columns whose sample holds 0 and 1, true and false, or 1 and nothing.

    Where nothing stands for 0, a column that is empty in the whole sample may be a rare label, and counts as one.
    """
    values = {name: _values(row.values.get(name) for row in table.sample) for name in table.columns}
    binary = {name for name, seen in values.items() if seen - {""} and seen <= _BINARY}
    if any("" in values[name] for name in binary):
        binary.update(name for name, seen in values.items() if seen == {""})
    return [name for name in table.columns if name in binary]


def _values(cells: Iterable[object]) -> set[str]:
    return {"" if cell is None else str(cell).strip().lower() for cell in cells}


def refuse_unnamed_label_columns(table: Table, text: str | None, split: str | None) -> None:
    """Refuse a table with one column for each label until the user says which ones are labels.

    Args:
        table: A table without a column that is named like a label.
        text: Its column of texts, if it is known.
        split: Its column of splits, if it has one.

    Raises:
        DataError: If two or more other columns hold 0 and 1; prints the flag to type.
    """
    binary = [name for name in binary_columns(table) if name not in (text, split)]
    if len(binary) < 2:  # one column of 0 and 1 is a label of two values
        return
    flag = ",".join(binary) if len(binary) <= _MAX_NAMED else "*"
    shown = ", ".join(map(repr, binary[:_MAX_NAMED])) + (", ..." if len(binary) > _MAX_NAMED else "")
    raise DataError(
        f"{table.name}: no column is named like a label, and {len(binary)} columns hold 0 and 1 ({shown}); if they are "
        f'labels, one in each column, say --label-columns "{flag}" ("*,-NAME" leaves one out); if another column holds '
        "the label, say --label-column NAME"
    )
