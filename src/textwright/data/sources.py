"""From what the user typed to open tables: a built-in name, a file, a folder of splits, or a Hugging Face dataset.

Called by :mod:`textwright.data.load`, :mod:`textwright.data.check` and :mod:`textwright.data.text_reader`. A new file
format is one reader and one row of :data:`_READERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from textwright.core.files import expand_home
from textwright.core.hub import is_hub_address
from textwright.data.builtin import BUILTIN, open_builtin
from textwright.data.delimited import open_delimited
from textwright.data.did_you_mean import did_you_mean, nearest
from textwright.data.download import Progress
from textwright.data.excel import open_excel
from textwright.data.hub import fetch_hub_file, is_hub_id, is_saved_dataset, open_hub, open_saved
from textwright.data.in_memory import DataSource, InMemory
from textwright.data.jsonl import open_json, open_jsonl
from textwright.data.parquet import open_arrow, open_parquet
from textwright.data.row_errors import END_AT_FIRST, RowErrors
from textwright.data.sections import Section
from textwright.data.settings import DataSettings, FileSettings
from textwright.data.tables import SPLIT_NAMES, Table
from textwright.data.text_files import STREAM, start_of_standard_input
from textwright.data.text_lines import open_text_lines
from textwright.errors import DataError, NotFoundError

_READERS: Final[Mapping[str, Callable[[Path | str, FileSettings, RowErrors, Section | None], Table]]] = {
    ".csv": open_delimited,
    ".tsv": open_delimited,
    ".jsonl": open_jsonl,
    ".ndjson": open_jsonl,
    ".json": lambda path, settings, row_errors, _section: open_json(path, settings, row_errors),
    ".txt": lambda path, settings, row_errors, _section: open_text_lines(path, settings, row_errors),
    ".parquet": lambda path, _settings, _row_errors, section: open_parquet(path, section),
    ".arrow": lambda path, _settings, _row_errors, _section: open_arrow(path),
    ".feather": lambda path, _settings, _row_errors, _section: open_arrow(path),
    ".xlsx": lambda path, settings, _row_errors, _section: open_excel(path, settings),
}
_OF_STREAM: Final = {b"{": ".jsonl", b"[": ".json"}
"""First byte of standard input -> its format; anything else is CSV."""
_COMPRESSED: Final = (".gz", ".zst")

TEXT_FORMATS: Final = (".csv", ".tsv", ".jsonl", ".ndjson")
"""Formats of text that are written too, also to standard output."""
WRITABLE: Final = (*TEXT_FORMATS, ".parquet")
"""Formats that are written too."""
_COMPRESSIBLE: Final = (*TEXT_FORMATS, ".json", ".txt")
FORMATS: Final = f"{', '.join(_COMPRESSIBLE)} (each also .gz or .zst), .parquet, .arrow, .feather and .xlsx"
"""What can be read, for messages."""


@contextmanager
def open_source(
    source: DataSource, settings: DataSettings, progress: Progress | None = None, row_errors: RowErrors = END_AT_FIRST
) -> Iterator[list[Table]]:
    """Open a labeled source.

    Args:
        source: A built-in name, a file, a folder with files named train, validation and test, a Hugging Face id or an
            address such as hf://datasets/owner/name@revision/train.csv; or rows in memory.
        settings: How to read it.
        progress: Told (bytes there, bytes in all) while a built-in source is fetched.
        row_errors: What happens to rows that cannot be read.

    Yields:
        Its tables; each knows its split if the source brings splits in files of their own.

    Raises:
        NotFoundError: If there is no such source; names the nearest built-in one.
        DataError: If it cannot be read.
        AssetError: If a built-in source cannot be fetched.
    """
    with ExitStack() as stack:
        tables = _open(source, settings, progress, row_errors)
        for table in tables:
            stack.enter_context(table)
        yield tables


def _open(source: DataSource, settings: DataSettings, progress: Progress | None, row_errors: RowErrors) -> list[Table]:
    if isinstance(source, InMemory):
        return source.open_tables()
    if source in BUILTIN:
        return [open_builtin(source, progress)]
    return _open_path_or_id(source, settings, row_errors)


def data_format(path: Path) -> str:
    """Say which format a file's name stands for.

    Args:
        path: A file, there or not.

    Returns:
        A suffix without compression, a key of ``_READERS``: ".csv", ".parquet", ...

    Raises:
        DataError: If the name stands for none of them; lists those that there are.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    compressed = bool(suffixes) and suffixes[-1] in _COMPRESSED
    suffix = (suffixes[-2:-1] if compressed else suffixes[-1:]) or [""]
    if suffix[0] not in (_COMPRESSIBLE if compressed else _READERS):
        raise DataError(f"{path}: the name does not end like a data file; readable are {FORMATS}")
    return suffix[0]


def source_format(path: Path) -> str:
    """Say which format a file has, or what comes through standard input, which is not read on by that.

    Args:
        path: A file, or ``STREAM``.

    Returns:
        As :func:`data_format`; of standard input ".jsonl" if it begins with an object, ".json" if with an array, else
        ".csv".

    Raises:
        DataError: If the format is not known, or cannot be read from standard input.
    """
    return _OF_STREAM.get(start_of_standard_input()[:1], ".csv") if path == STREAM else data_format(path)


def open_file(path: Path, settings: FileSettings, row_errors: RowErrors = END_AT_FIRST) -> Table:
    """Open one file by the ending of its name.

    Args:
        path: An existing file, or ``STREAM`` for standard input.
        settings: How to read it.
        row_errors: What happens to rows that cannot be read.

    Returns:
        A table.

    Raises:
        NotFoundError: If there is no such file.
        DataError: If it is a folder, or cannot be read.
    """
    if path != STREAM and not path.exists():
        raise NotFoundError(f"there is no file {path}")
    if path != STREAM and path.is_dir():
        raise DataError(f"{path}: a folder where a file was expected; name one of its files")
    return _READERS[source_format(path)](path, settings, row_errors, None)


def open_section(name: str, settings: FileSettings, section: Section, row_errors: RowErrors = END_AT_FIRST) -> Table:
    """Open a part of a file by the ending of its name.

    Args:
        name: What messages call the file: its path or its address.
        settings: How to read it.
        section: The part.
        row_errors: What happens to rows that cannot be read.

    Returns:
        A table; it closes the file of the section.

    Raises:
        DataError: If it cannot be read.
    """
    return _READERS[data_format(Path(name))](name, settings, row_errors, section)


def _open_path_or_id(source: str, settings: DataSettings, row_errors: RowErrors) -> list[Table]:
    if is_hub_address(source):
        file = fetch_hub_file(source)
        return open_hub(source) if file is None else [open_file(file, settings, row_errors)]
    path = expand_home(source)
    if path.is_dir():
        return open_saved(path) if is_saved_dataset(path) else _open_folder(path, settings, row_errors)
    if path.exists():
        return [open_file(path, settings, row_errors)]
    is_path = any(suffix in _READERS for suffix in path.suffixes) or (len(path.parts) > 1 and path.parent.is_dir())
    if is_hub_id(source) and not is_path and nearest(source, BUILTIN) is None:
        return open_hub(source)
    what = f"there is no file {source}" if is_path else f"there is no built-in source, file or folder {source!r}"
    raise NotFoundError(what + did_you_mean(source, BUILTIN).replace("there are", "built in are"))


def _open_folder(folder: Path, settings: DataSettings, row_errors: RowErrors) -> list[Table]:
    """Open the files of a folder that are named after splits; a split may lie in several files."""
    files = {path: split for path in sorted(folder.iterdir()) if (split := _split_of(path)) is not None}
    if "train" not in files.values():
        raise DataError(
            f"{folder}: a folder without a train file; name one file of it, or name its files train.csv, "
            f"validation.csv and test.csv (readable are {FORMATS})"
        )
    tables = []
    for path, split in files.items():
        table = open_file(path, settings, row_errors)
        table.split = split
        tables.append(table)
    return tables


def _split_of(path: Path) -> str | None:
    """Name the split of "train.csv", "dev.tsv.gz" or "test-00000-of-00001.parquet"."""
    is_data = any(suffix.lower() in _READERS for suffix in path.suffixes) and path.is_file()
    return SPLIT_NAMES.get(path.name.split(".")[0].split("-")[0].lower()) if is_data else None
