"""Pretrained word vectors: the built-in asset, or any file in the text form of word2vec, GloVe and fastText.

::

    word n1 n2 ... nE        one line per word, the most frequent first; before them, optionally, a line
    400000 300               with the number of words and E (word2vec and fastText have it, GloVe has not)

Called by the families that start from word vectors. A file may be larger than memory: it is read as a stream, and only
the vectors that were asked for are kept and parsed.
"""

from __future__ import annotations

import gzip
import math
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple
from unicodedata import normalize

import numpy as np

from textwright.core.types import Bools, Float32s
from textwright.data.assets import resolve_asset
from textwright.errors import DataError

_BINARY: Final = (".bin", ".model", ".pt", ".kv")
_MAX_SHOWN_CHARACTERS: Final = 40


@dataclass(frozen=True, slots=True)
class FoundVectors:
    """The vectors of N words.

    Args:
        vectors: (N, E); zeros for words that have none.
        is_found: Whether each word has a vector, (N,).
    """

    vectors: Float32s
    is_found: Bools


class WordVectors(ABC):
    """A file, or a folder, of word vectors.

    Args:
        path: Where they are.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @abstractmethod
    def words(self) -> Iterator[str]:
        """Yield every word in the order of the file, which is from frequent to rare.

        Raises:
            DataError: If a line is malformed; names it.
        """

    @abstractmethod
    def take(self, words: Sequence[str]) -> FoundVectors:
        """Find the vectors of some words.

        A word that is not there takes the vector of its first other spelling ("Paris" for "paris"), since files of
        cased words hold names in no other way. Letters and accents of the file's words are composed first (NFC), as the
        tokenizer does it.

        Args:
            words: N distinct words.

        Raises:
            DataError: If a line is malformed or a number is not finite; names it.
        """


def open_vectors(name_or_path: str | Path) -> WordVectors:
    """Open word vectors without reading them.

    Args:
        name_or_path: An asset ("glove-6b-50d"), which is fetched when it is not there; a text file, ``.gz`` or not; or
            a folder with one ``.npy`` of vectors and one ``.parquet`` of words.

    Raises:
        NotFoundError: If there is neither such a path nor such an asset.
        DataError: If the file has a binary form.
        AssetError: If fetching fails.
    """
    path = resolve_asset(name_or_path)
    if path.is_dir():
        return _ArrayVectors(path)
    if path.suffix in _BINARY:
        raise DataError(
            f"{path}: word vectors of the binary form {path.suffix} are not read; save them as text, "
            "one word and its numbers per line"
        )
    return _TextVectors(path)


class _Rows:
    """Gathers the vectors of wanted words, in the words' order; an exact spelling goes before another."""

    def __init__(self, words: Sequence[str]) -> None:
        self._position = {word: position for position, word in enumerate(words)}
        self._has_exact = np.zeros(len(words), dtype=np.bool_)
        self._has_other = np.zeros(len(words), dtype=np.bool_)

    def place(self, word: str) -> int | None:
        """Tell where the vector of a word of the file goes; None if it is not wanted."""
        word = word if word.isascii() else normalize("NFC", word)
        position = self._position.get(word)
        if position is not None:
            is_new = not self._has_exact[position]
            self._has_exact[position] = True
            return position if is_new else None
        position = self._position.get(word.lower())
        if position is None or self._has_exact[position] or self._has_other[position]:
            return None
        self._has_other[position] = True
        return position

    @property
    def is_found(self) -> Bools:
        """Whether each word has a vector, (N,)."""
        return self._has_exact | self._has_other


class _ArrayVectors(WordVectors):
    """A ``.npy`` of vectors, mapped into memory, and a ``.parquet`` whose first column holds the words."""

    def words(self) -> Iterator[str]:
        yield from self._words

    def take(self, words: Sequence[str]) -> FoundVectors:
        rows, table = _Rows(words), self._table
        places = ((rows.place(word), row) for row, word in enumerate(self._words))
        wanted = [(place, row) for place, row in places if place is not None]
        vectors = np.zeros((len(words), table.shape[1]), dtype=np.float32)
        if wanted:
            positions, sources = zip(*wanted, strict=True)
            vectors[list(positions)] = table[list(sources)]  # of two rows for one word, the exact one is later or alone
        return FoundVectors(vectors, rows.is_found)

    @cached_property
    def _words(self) -> list[str]:
        from pyarrow import ArrowException, parquet

        path = _only_file(self.path, ".parquet")
        try:
            column = parquet.read_table(path).column(0)
        except (ArrowException, OSError) as error:
            raise DataError(f"{path}: not a Parquet file of words: {error}") from error
        return [str(word) for word in column.to_pylist()]

    @cached_property
    def _table(self) -> Float32s:
        path = _only_file(self.path, ".npy")
        try:
            table: Float32s = np.load(path, mmap_mode="r")
        except (ValueError, OSError, EOFError) as error:
            raise DataError(f"{path}: not a NumPy array: {error}") from error
        if table.ndim != 2 or len(table) != len(self._words) or table.dtype.kind != "f":
            raise DataError(
                f"{path}: an array of shape {table.shape} and type {table.dtype}; it must be floats, one row for each "
                f"of the {len(self._words):,} words beside it"
            )
        return table


def _only_file(folder: Path, suffix: str) -> Path:
    files = sorted(folder.glob(f"*{suffix}"))
    if len(files) != 1:
        raise DataError(f"{folder}: a folder of word vectors holds one {suffix} file, this one {len(files)}")
    return files[0]


class _Line(NamedTuple):
    """A line of a text file: its number, its word, and E numbers that were counted but not parsed."""

    number: int
    word: str
    numbers: list[bytes]


class _TextVectors(WordVectors):
    """A text file; every pass streams it anew."""

    def words(self) -> Iterator[str]:
        return (line.word for line in self._lines())

    def take(self, words: Sequence[str]) -> FoundVectors:
        rows = _Rows(words)
        vectors: Float32s | None = None
        for line in self._lines():
            if vectors is None:
                vectors = np.zeros((len(words), len(line.numbers)), dtype=np.float32)
            position = rows.place(line.word)
            if position is not None:
                vectors[position] = self._parse(line)
        assert vectors is not None  # noqa: S101  _lines refuses a file without vectors
        return FoundVectors(vectors, rows.is_found)

    def _lines(self) -> Iterator[_Line]:
        """Cut the file into words and numbers; every line must have as many numbers as the first."""
        header, dim, number, num_words = None, 0, 0, 0
        for number, raw in self._raw_lines():
            fields = raw.rstrip(b"\r\n \t").replace(b"\t", b" ").split(b" ")
            if number == 1 and (header := _as_header(fields)) is not None:
                dim = header.dim
                continue
            dim = dim or len(fields) - 1
            yield self._cut(fields, number, dim)
            num_words += 1
        if not num_words:
            raise DataError(f"{self.path}: no word vectors in it; it needs lines of a word and its numbers")
        if header is not None and header.num_words != num_words:
            raise DataError(
                f"{self.path}, line 1: the header says {header.num_words:,} words and {num_words:,} follow, the last "
                f"on line {number}; the file is cut off, or the header is of another"
            )

    def _cut(self, fields: list[bytes], number: int, dim: int) -> _Line:
        surplus = len(fields) - 1 - dim
        # GloVe's largest file has words with spaces in them (". . ."); one number too many is no such word.
        if dim == 0 or surplus < 0 or (surplus > 0 and _is_number(fields[1])):
            bound = f"{dim}, as line 1 says" if dim else "1 or more"
            raise DataError(
                f"{self.path}, line {number}: {len(fields) - 1} numbers after the word {_shown(fields[0])}; there must "
                f"be {bound}: mend or remove the line"
            )
        try:
            return _Line(number, b" ".join(fields[: surplus + 1]).decode(), fields[surplus + 1 :])
        except UnicodeDecodeError as error:
            raise DataError(f"{self.path}, line {number}: the word is not UTF-8: {error.reason}") from error

    def _parse(self, line: _Line) -> list[float]:
        for text in line.numbers:
            if not _is_number(text):
                raise DataError(
                    f"{self.path}, line {line.number}: {_shown(text)} is not a finite number, after the word "
                    f"{line.word!r}; mend or remove the line"
                )
        return [float(text) for text in line.numbers]

    def _raw_lines(self) -> Iterator[tuple[int, bytes]]:
        """Read lines as bytes, so that no rare character in a word is taken for the end of its line."""
        number = 0
        try:
            with gzip.open(self.path) if self.path.suffix == ".gz" else self.path.open("rb") as file:
                for number, raw in enumerate(file, start=1):
                    yield number, raw
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{self.path}, line {number + 1}: the file cannot be read on: {error}") from error


class _Header(NamedTuple):
    num_words: int
    dim: int


def _as_header(fields: list[bytes]) -> _Header | None:
    if len(fields) == 2 and all(field.isdigit() for field in fields):
        return _Header(int(fields[0]), int(fields[1]))
    return None


def _is_number(text: bytes) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _shown(text: bytes) -> str:
    return repr(text.decode(errors="replace")[:_MAX_SHOWN_CHARACTERS])
