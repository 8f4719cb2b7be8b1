"""Labeled rows that are in memory already: tables of pandas, polars and Arrow, ``datasets``, lists, texts and labels.

They become the tables that a file becomes, so every check of :mod:`textwright.data.reader` holds for them; messages
name a row by its position, from 0. Nothing is imported for that: a library is recognized by what its tables can do.
Called by :mod:`textwright.data.sources` and ``python_api``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeAlias

from textwright.core.text_input import column_names, describe_bad_item, is_missing, list_of_texts
from textwright.data.dataset import refuse_unpaired
from textwright.data.hub import dataset_tables
from textwright.data.tables import SAMPLE_ROWS, Row, Table
from textwright.errors import DataError, MissingExtraError, TextError

_UNIT: Final = "position"
_PLAIN: Final = (str, int, bool)
_FORMS: Final = (
    "give a path, a built-in name, a DataFrame (pandas, polars), a table of Arrow, a dataset of Hugging Face, a list "
    "of dictionaries, a dictionary of columns, or a pair (texts, labels)"
)


@dataclass(frozen=True, slots=True, eq=False)
class InMemory:
    """Labeled rows in memory.

    Args:
        name: What messages and the manifest call them.
        open_tables: Makes its tables anew, each to be read once.
    """

    name: str
    open_tables: Callable[[], list[Table]]

    def __str__(self) -> str:
        return self.name


DataSource: TypeAlias = str | InMemory
"""A built-in name, a file, a folder or a hub id; or rows in memory."""


def as_source(data: Any) -> DataSource:  # noqa: ANN401  whatever a caller gives
    """Recognize what a Python caller gives as labeled data.

    Args:
        data: A path or name; a DataFrame (pandas, polars), a table of Arrow or what exports one; a ``datasets.Dataset``
            or ``DatasetDict``; a list of dictionaries; a dictionary of columns; or a pair (texts, labels).

    Returns:
        A source that is read like a file. Rows are looked at when it is read, not here.

    Raises:
        DataError: If it is none of these, or a pair of different lengths; lists what there is.
        TextError: If the texts of a pair are none; names the first that is not.
        MissingExtraError: If it can only be read by pyarrow, which is not installed.
    """
    if isinstance(data, InMemory | str):
        return data
    if isinstance(data, Path):
        return str(data)
    if isinstance(data, tuple):
        return _from_pair(data)
    name = type(data).__name__
    if _is_dataset(data) or (isinstance(data, Mapping) and data and all(map(_is_dataset, data.values()))):
        return InMemory(name, partial(dataset_tables, data, name))
    if isinstance(data, Mapping):
        return _from_columns("columns", data)
    if isinstance(data, list) and data and all(isinstance(row, Mapping) for row in data):
        return _from_records(data)
    return _from_table(name, data)


def _from_pair(pair: tuple[Any, ...]) -> InMemory:
    if len(pair) != 2:
        raise DataError(f"a tuple of {len(pair)} items is no labeled data; give a pair (texts, labels)")
    texts, labels = list_of_texts(pair[0]), _items(pair[1])
    refuse_unpaired(texts, labels)
    for position, text in enumerate(texts):
        if not isinstance(text, str):
            raise TextError(describe_bad_item(position, text))
    return _from_columns("texts", {"text": texts, "label": labels})


def _from_table(name: str, table: Any) -> InMemory:  # noqa: ANN401
    names = column_names(table)
    if names is None or not hasattr(table, "__getitem__"):
        if not hasattr(table, "__arrow_c_stream__"):
            raise DataError(f"{name} is no labeled data that can be read; {_FORMS}")
        table = _arrow_table(table)
        names = list(table.column_names)
    elif not hasattr(table, "__len__"):
        raise DataError(f"the rows of this {name} are not in memory; give what its method collect() returns")
    return _from_columns(name, {column: table[column] for column in names})


def _from_columns(name: str, table: Mapping[Any, Any]) -> InMemory:
    columns = {str(column): _items(values) for column, values in table.items()}
    lengths = {column: len(values) for column, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(f"{name}: the columns are of different lengths: {lengths}; give every row all cells")
    if not any(lengths.values()):
        raise DataError(f"{name}: there are no rows; {_FORMS}")
    return InMemory(name, lambda: [_table(name, tuple(columns), partial(_rows_of_columns, columns))])


def _from_records(records: Sequence[Mapping[Any, Any]]) -> InMemory:
    columns = tuple(dict.fromkeys(str(column) for record in records[:SAMPLE_ROWS] for column in record))
    return InMemory("records", lambda: [_table("records", columns, partial(_rows_of_records, records))])


def _table(name: str, columns: tuple[str, ...], rows: Callable[[], Iterator[Row]]) -> Table:
    return Table(name, columns, list(islice(rows(), SAMPLE_ROWS)), lambda _columns: rows(), unit=_UNIT)


def _rows_of_columns(columns: Mapping[str, Sequence[object]]) -> Iterator[Row]:
    for position, cells in enumerate(zip(*columns.values(), strict=True)):
        yield Row(position, dict(zip(columns, map(_plain, cells), strict=True)))


def _rows_of_records(records: Sequence[Mapping[Any, Any]]) -> Iterator[Row]:
    for position, record in enumerate(records):
        yield Row(position, {str(column): _plain(cell) for column, cell in record.items()})


def _items(values: Any) -> Sequence[Any]:  # noqa: ANN401
    """List the cells of a column, as Python's own values where its library turns them into these."""
    for method in ("to_pylist", "to_list", "tolist"):
        convert = getattr(values, method, None)
        if convert is not None:
            items: list[Any] = convert()
            return items
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise DataError(f"a column of type {type(values).__name__} is no list of cells; {_FORMS}")
    return list(values)


def _plain(cell: Any) -> Any:  # noqa: ANN401
    """Turn a cell into Python's own value; what a library calls missing is None, as an empty cell of a file."""
    if type(cell) not in _PLAIN and is_missing(cell):
        return None
    convert = getattr(cell, "tolist", None)  # of NumPy's scalars and arrays
    return cell if convert is None else convert()


def _is_dataset(data: object) -> bool:
    """Recognize a split of the library ``datasets``."""
    return hasattr(data, "features") and hasattr(data, "select_columns")


def _arrow_table(data: Any) -> Any:  # noqa: ANN401  pyarrow has no types
    try:
        import pyarrow as pa
    except ImportError as error:
        raise MissingExtraError(f"reading rows from {type(data).__name__}", "data") from error
    return pa.table(data)
