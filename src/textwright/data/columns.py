"""Find the columns of text, label and split: by flag, or by themselves when only one can be meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from textwright.data.settings import DataSettings
from textwright.data.suggest import did_you_mean
from textwright.data.tables import Row, Table
from textwright.errors import DataError

# fmt: off
_TEXT: Final = (
    "text", "sentence", "review", "content", "comment", "tweet", "message", "body", "utterance", "document",
    "headline", "description", "query", "question", "post", "article",
)
_LABEL: Final = (
    "label", "labels", "sentiment", "category", "categories", "class", "target", "topic", "topics", "intent",
    "emotion", "rating", "stars", "polarity", "tag", "tags", "genre", "genres",
)
# fmt: on
_SPLIT: Final = ("split", "partition", "subset")

_SURE: Final = {"text": ("text",), "label": ("label", "labels"), "split": ("split",)}
"""Names that win over other common ones."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of the columns that are read; ``label`` and ``split`` may be absent."""

    text: str
    label: str | None
    split: str | None

    @property
    def names(self) -> tuple[str, ...]:
        """The columns there are, in the order text, label, split."""
        return tuple(name for name in (self.text, self.label, self.split) if name is not None)


def find_columns(table: Table, settings: DataSettings, *, split_names: Sequence[str]) -> Columns:
    """Find the columns of a labelled table.

    Args:
        table: The table; its sample is looked at where names do not tell.
        settings: Names given by the user win.
        split_names: Values by which a split column is recognised.

    Returns:
        The columns; ``split`` is None if the table has none.

    Raises:
        DataError: If a named column is absent, or a column cannot be told from the others; lists the columns
            and names the flag.
    """
    text = _given(table, settings.text_column, "text") or _by_name(table, "text", _TEXT)
    label = _given(table, settings.label_column, "label") or _by_name(table, "label", _LABEL)
    split = _given(table, settings.split_column, "split") or _split_by_name(table, split_names)
    others = [name for name in table.columns if name not in (text, label, split)]
    if text is None and label is None and len(others) == 2:
        text, label = _by_content(table.sample, others)
    elif len(others) == 1:
        text, label = text or others[0], label or others[0]
    if text is None:
        raise _unclear(table, "text")
    if label is None or label == text:
        raise _unclear(table, "label")
    return Columns(text, label, split)


def find_text_column(table: Table, settings: DataSettings) -> str:
    """Find the text of a table that need not have labels.

    Args:
        table: The table.
        settings: A name given by the user wins.

    Returns:
        The column.

    Raises:
        DataError: If it is absent, or cannot be told from the others.
    """
    found = _given(table, settings.text_column, "text") or _by_name(table, "text", _TEXT)
    if found is None and len(table.columns) == 1:
        found = table.columns[0]
    if found is None and len(table.columns) == 2:
        found, _ = _by_content(table.sample, table.columns)
    if found is None:
        raise _unclear(table, "text")
    return found


def _given(table: Table, name: str | None, role: str) -> str | None:
    if name is not None and name not in table.columns:
        raise DataError(
            f"{table.name}: there is no column {name!r} (--{role}-column){did_you_mean(name, table.columns)}"
        )
    return name


def _by_name(table: Table, role: str, common: Sequence[str]) -> str | None:
    """Find the one column with a sure name, else the one with a common name; None if there is none, or several."""
    for names in (_SURE[role], common):
        found = [column for column in table.columns if column.lower() in names]
        if len(found) == 1:
            return found[0]
    return None


def _split_by_name(table: Table, split_names: Sequence[str]) -> str | None:
    found = _by_name(table, "split", _SPLIT)
    is_split = found is not None and all(str(row.values.get(found)).lower() in split_names for row in table.sample)
    return found if is_split else None


def _by_content(sample: Sequence[Row], names: Sequence[str]) -> tuple[str | None, str | None]:
    """Tell text from label in two columns: texts are longer, and do not repeat more."""
    first, second = ([str(row.values.get(name)) for row in sample] for name in names)
    longer = sum(map(len, first)) - sum(map(len, second))
    rarer = len(set(first)) - len(set(second))
    if longer > 0 and rarer >= 0:
        return names[0], names[1]
    if longer < 0 and rarer <= 0:
        return names[1], names[0]
    return None, None


def _unclear(table: Table, role: str) -> DataError:
    if len(table.columns) == 1:
        return DataError(f"{table.name}: the one column {table.columns[0]!r} leaves none for the {role}; add a column")
    return DataError(
        f"{table.name}: which column holds the {role} is not clear; say --{role}-column NAME, "
        f"one of {', '.join(map(repr, table.columns))}"
    )
