"""Find the columns of text, label and split: by flag, or by themselves when only one can be meant."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from textwright.core.labels import Labels, Task
from textwright.data.did_you_mean import did_you_mean
from textwright.data.label_columns import binary_columns, matching_columns, refuse_unnamed_label_columns
from textwright.data.settings import DataSettings, FileSettings
from textwright.data.tables import Row, Table
from textwright.errors import DataError

# fmt: off
_TEXT: Final = (
    "text", "sentence", "review", "content", "comment", "tweet", "message", "body", "utterance", "document",
    "headline", "description", "query", "question", "post", "article",
    "texte", "commentaire", "texto", "comentario", "testo", "commento", "kommentar", "nachricht",
    "文本", "テキスト", "текст",
)
_LABEL: Final = (
    "label", "labels", "sentiment", "category", "categories", "class", "target", "topic", "topics", "intent",
    "emotion", "rating", "stars", "polarity", "tag", "tags", "genre", "genres",
    "catégorie", "étiquette", "categoría", "etiqueta", "categoria", "etichetta", "kategorie",
    "stimmung", "sentimiento", "sentimento",
    "标签", "ラベル", "метка",
)
# fmt: on
_PART: Final = re.compile(r"[\W_]+")
_SPLIT: Final = ("split", "partition", "subset")

_SURE: Final = {"text": ("text",), "label": ("label", "labels"), "split": ("split",)}
"""Names that win over other common ones."""


_MIN_WORDS: Final = 2
"""Mean words of a cell from which on a column may hold texts."""
_MIN_DISTINCT: Final = 0.5
"""Share of distinct cells from which on a column may hold texts."""
_MAX_LABEL_SHARE: Final = 0.25
"""Share of distinct cells up to which a column may hold labels."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of the columns that are read.

    Args:
        text: Of the text.
        label: Of the label or labels; None if there is one column for each label.
        split: Of the split; None if the source has none.
        label_columns: One for each label; empty if ``label`` is given.
    """

    text: str
    label: str | None
    split: str | None
    label_columns: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The columns there are, in the order text, label, split, label columns."""
        return tuple(name for name in (self.text, self.label, self.split, *self.label_columns) if name is not None)


def find_columns(
    table: Table, settings: DataSettings, *, split_names: Sequence[str], labels: Labels | None = None
) -> Columns:
    """Find the columns of a labeled table.

    Args:
        table: The table; its sample is looked at where names do not tell.
        settings: Names given by the user win.
        split_names: Values by which a split column is recognized.
        labels: Labels that are known already; columns of their names are then columns of labels.

    Returns:
        The columns; ``split`` is None if the table has none.

    Raises:
        DataError: If a named column is absent, or a column cannot be told from the others; lists the columns
            and names the flag.
    """
    text = _given(table, settings.text_column, "text") or _by_name(table, "text", _TEXT)
    split = _given(table, settings.split_column, "split") or _split_by_name(table, split_names)
    label = _given(table, settings.label_column, "label")
    if label is None:
        label_columns = _label_columns(table, settings, labels, [name for name in (text, split) if name is not None])
        if label_columns:
            return Columns(text or _only_other(table, (split, *label_columns)), None, split, label_columns)
        label = _by_name(table, "label", _LABEL)
    others = [name for name in table.columns if name not in (text, label, split)]
    if label is None:
        refuse_unnamed_label_columns(table, text, split)
    if text is None and label is None and len(others) == 2:
        text, label = _by_content(table.sample, others)
    elif len(others) == 1:
        text, label = text or others[0], label or others[0]
    if text is None:
        text = _only_text(table, others)
    if text is None:
        raise _unclear(table, "text")
    if label is None or label == text:
        raise _unclear(table, "label")
    return Columns(text, label, split)


def _label_columns(
    table: Table, settings: DataSettings, labels: Labels | None, excluded: Sequence[str]
) -> tuple[str, ...]:
    """Find the columns of labels that the user or a model names; none if neither does."""
    if settings.label_columns is not None:
        return matching_columns(table, settings.label_columns, labels, excluded)
    is_named = labels is not None and labels.task is Task.MULTI_LABEL and set(labels.names) <= set(table.columns)
    return labels.names if is_named and labels is not None else ()


def _only_other(table: Table, excluded: Sequence[str | None]) -> str:
    """Return the one column that is left for the text."""
    others = [name for name in table.columns if name not in excluded]
    text = others[0] if len(others) == 1 else _only_text(table, others)
    if text is None:
        raise _unclear(table, "text")
    return text


def _only_text(table: Table, names: Sequence[str]) -> str | None:
    """Find the one column of several words in a cell, most of them distinct; None if there is none, or several."""
    text_columns = [name for name in names if _is_text([row.values.get(name) for row in table.sample])]
    return text_columns[0] if len(text_columns) == 1 else None


def _is_text(cells: Sequence[object]) -> bool:
    texts = [cell for cell in cells if isinstance(cell, str) and cell.strip()]
    num_words = sum(len(text.split()) for text in texts)
    return bool(texts) and num_words >= _MIN_WORDS * len(texts) and len(set(texts)) >= _MIN_DISTINCT * len(texts)


def find_text_column(table: Table, settings: FileSettings) -> str:
    """Find the text of a table that need not have labels.

    Args:
        table: The table.
        settings: A name given by the user wins.

    Returns:
        The column.

    Raises:
        DataError: If it is absent, or cannot be told from the others.
    """
    column = _given(table, settings.text_column, "text") or _by_name(table, "text", _TEXT)
    if column is None and len(table.columns) == 1:
        column = table.columns[0]
    if column is None and len(table.columns) == 2:
        column, _ = _by_content(table.sample, table.columns)
    if column is None:
        column = _only_text(table, table.columns)
    if column is None:
        raise _unclear(table, "text")
    return column


def _given(table: Table, name: str | None, role: str) -> str | None:
    if name is not None and name not in table.columns:
        raise DataError(
            f"{table.name}: there is no column {name!r} (--{role}-column){did_you_mean(name, table.columns)}"
        )
    return name


def _by_name(table: Table, role: str, common: Sequence[str]) -> str | None:
    """Find the one column with a sure name, else the one with a common name; None if there is none, or several."""
    for names in (_SURE[role], common):
        matching = [column for column in table.columns if column.lower() in names]
        if len(matching) == 1:
            return matching[0]
    if role == "text":  # comment_text, "Ticket description"
        named = [column for column in table.columns if _PART.split(column.lower())[-1] in common]
        binary = binary_columns(table) if named else []
        matching = [column for column in named if column not in binary]
        if len(matching) == 1:
            return matching[0]
    return None


def _split_by_name(table: Table, split_names: Sequence[str]) -> str | None:
    column = _by_name(table, "split", _SPLIT)
    is_split = column is not None and all(str(row.values.get(column)).lower() in split_names for row in table.sample)
    return column if is_split else None


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
        return DataError(
            f"{table.name}: the one column {table.columns[0]!r} leaves none for the {role}; add a column, "
            "or name the separator of the cells with --delimiter"
        )
    few = _columns_of_few_values(table) if role == "label" else []
    named = shlex.quote(few[0]) if len(few) == 1 else "NAME"
    hint = f"; few distinct values: {', '.join(map(repr, few))}" if few else ""
    return DataError(
        f"{table.name}: which column holds the {role} is not clear; say --{role}-column {named}, "
        f"one of {', '.join(map(repr, table.columns))}{hint}"
    )


def _columns_of_few_values(table: Table) -> list[str]:
    """List the columns that could be labels: more than one value, each of them often."""
    columns = []
    for name in table.columns:
        values = [row.values.get(name) for row in table.sample]
        cells = {str(value).strip() for value in values}
        is_nested = any(isinstance(value, dict) for value in values)
        if not is_nested and 1 < len(cells) <= max(2.0, _MAX_LABEL_SHARE * len(values)):
            columns.append(name)
    return columns
