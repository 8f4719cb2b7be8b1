"""What a manifest must say before anything that it names is opened: types, ranges, file names, the folder's content.

A manifest that somebody else made is sealed like any other, so its digest proves nothing about its content.
Called by :mod:`textwright.core.artifact`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

from textwright.errors import ArtifactCorruptError, ArtifactFormatError

LOWEST_TEMPERATURE: Final = 1e-3
HIGHEST_TEMPERATURE: Final = 1e3
"""Far beyond what calibration gives (0.05 to 20), and within what float32 divides by."""
MOST_BYTES: Final = {
    "manifest.json": 64 * 2**20,
    "golden.jsonl": 64 * 2**20,
    "cascade.json": 64 * 2**20,
    "profile.json": 2**20,
    "tokenizer.json": 128 * 2**20,
}
"""Largest size of what is read as text at once; by the end of the name."""
_MAX_TOKENS: Final = 2**20
_MAX_NAME_BYTES: Final = 255
_FOREIGN: Final = frozenset({".DS_Store", ".cache", ".gitattributes", "lost+found", "Thumbs.db"})
"""What file managers, download tools and file systems put into a folder unasked."""
_DIGEST: Final = re.compile("[0-9a-f]{64}")

_Check: TypeAlias = Callable[[Any], bool]


def check_content(content: Mapping[str, Any]) -> None:
    """Check the types and ranges of a manifest's fields, without its format version and digest.

    Args:
        content: The parsed manifest.

    Raises:
        ValueError: Names the field, its value and what it must be.
    """
    _check_fields("", content, _FIELDS)
    for name, record in content["files"].items():
        _check_fields(f"files {name!r}: ", record, _FILE_FIELDS)
    for name, variant in content["variants"].items():
        _check_fields(f"variant {name!r}: ", variant, _VARIANT_FIELDS)
    if "fast_stage" in content:
        _check_fields("fast_stage: ", content["fast_stage"], _STAGE_FIELDS)
    json.dumps(content, ensure_ascii=False).encode()  # refuses halves of characters at any depth


def check_named_files(path: Path, named: Iterable[str], listed: Collection[str]) -> None:
    """Check that every file that is read is listed, and so hashed.

    Args:
        path: The manifest, for messages.
        named: The files that its other fields name.
        listed: The names under ``files``.

    Raises:
        ArtifactCorruptError: Names the first that is not.
    """
    for name in named:
        if name not in listed:
            raise ArtifactCorruptError(f"{path}: its files do not list {name!r}, so nothing proves that file's bytes")


def check_folder(folder: Path, listed: Collection[str], graphs: Collection[str]) -> None:
    """Refuse a folder that holds files which nothing proves, since a graph may read weights from a file beside it.

    Args:
        folder: The artifact.
        listed: Names of the files that may be in it.
        graphs: Those among them that are graphs.

    Raises:
        ArtifactCorruptError: Names the first other file.
    """
    for other in sorted(item.name for item in folder.iterdir() if item.name not in listed):
        if other not in _FOREIGN or any(_mentions(folder / graph, other) for graph in graphs):
            raise ArtifactCorruptError(
                f"{folder / other} is not listed in the manifest; remove it, or move it elsewhere"
            )


def check_file_name(name: str) -> None:
    """Refuse a name that is not one of a file in the artifact's own folder.

    Args:
        name: As the manifest gives it.

    Raises:
        ArtifactCorruptError: If the name leads elsewhere or cannot be a file's.
    """
    is_plain = is_text(name) and not any(mark in name for mark in "/\\\0") and name not in ("", ".", "..")
    if not is_plain or name == "manifest.json" or len(name.encode()) > _MAX_NAME_BYTES:
        raise ArtifactCorruptError(f"the manifest names the file {name!r}, which lies outside the artifact's folder")


def check_size(path: Path, size_bytes: int) -> None:
    """Refuse a file that is too large to be read at once.

    Args:
        path: A file of the artifact.
        size_bytes: Its size.

    Raises:
        ArtifactFormatError: Names the size and the bound.
    """
    for ending, most in MOST_BYTES.items():
        if path.name.endswith(ending) and size_bytes > most:
            raise ArtifactFormatError(f"{path} has {size_bytes:,} bytes; at most {most:,} are read")


def is_digest(value: object) -> bool:
    """Say whether a value is a SHA-256 in hexadecimal digits."""
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


def is_text(value: object) -> bool:
    """Say whether a value is a string that UTF-8 can hold: JSON can write halves of characters."""
    return isinstance(value, str) and (value.isascii() or not any("\ud800" <= mark <= "\udfff" for mark in value))


def is_number(value: object) -> bool:
    """Say whether a value is a finite number, which True is not."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


def _mentions(graph: Path, name: str) -> bool:
    return name.encode() in graph.read_bytes()


def _check_fields(place: str, values: object, checks: Mapping[str, tuple[_Check, str]]) -> None:
    if not isinstance(values, Mapping):
        raise ValueError(f"{place}it must be an object of fields")  # noqa: TRY004  caught with the others
    for name, (is_right, expected) in checks.items():
        if name in values and not is_right(values[name]):
            raise ValueError(f"{place}{name} is {_shortened(values[name])}; it must be {expected}")


def _shortened(value: object) -> str:
    shown = ascii(value)
    return shown if len(shown) <= 80 else shown[:77] + "..."


def _between(low: float, high: float) -> tuple[_Check, str]:
    return lambda value: is_number(value) and low <= value <= high, f"a number from {low:g} to {high:g}"


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_length(value: object) -> bool:
    return isinstance(value, int) and _is_count(value) and 1 <= value <= _MAX_TOKENS


def _is_table(value: object) -> bool:
    return isinstance(value, dict) and all(map(is_text, value))


def _is_table_of_numbers(value: object) -> bool:
    return _is_table(value) and all(isinstance(item, int | float) for item in _values(value))


def _values(value: object) -> Iterator[object]:
    return iter(value.values() if isinstance(value, dict) else ())


def _is_name(value: object) -> bool:
    return is_text(value) and value != ""


_TEXT: Final = (is_text, "a string of Unicode text")
_NAME: Final = (_is_name, "a name of one or more characters")
_TABLE: Final = (_is_table, "an object")
_NUMBERS: Final = (_is_table_of_numbers, "an object of numbers")
_LENGTH: Final = (_is_length, f"a whole number from 1 to {_MAX_TOKENS}")
_TEMPERATURE: Final = _between(LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE)
_SHARE: Final = _between(0, 1)

_FIELDS: Final[Mapping[str, tuple[_Check, str]]] = {
    "name": _NAME,
    "family": _TEXT,
    "task": _TEXT,
    "labels": (lambda value: isinstance(value, list) and all(map(is_text, value)), "a list of strings"),
    "max_length": _LENGTH,
    "variants": (lambda value: _is_table(value) and bool(value), "an object of one or more variants"),
    "temperature": _TEMPERATURE,
    "threshold": _SHARE,
    "thresholds": (lambda value: _is_table(value) and all(map(is_number, _values(value))), "an object of numbers"),
    "min_confidence": _SHARE,
    "costs": (
        lambda value: _is_table(value) and all(map(_is_table_of_numbers, _values(value))),
        "an object of objects of numbers",
    ),
    "out_of_distribution": _NUMBERS,
    "metrics_split": _TEXT,
    "training": _TABLE,
    "data": _TABLE,
    "versions": (lambda value: _is_table(value) and all(map(is_text, _values(value))), "an object of strings"),
    "created": _TEXT,
    "files": _TABLE,
}
_FILE_FIELDS: Final[Mapping[str, tuple[_Check, str]]] = {
    "sha256": (is_digest, "64 lower-case hexadecimal digits"),
    "size_bytes": (_is_count, "a whole number from 0"),
}
_VARIANT_FIELDS: Final[Mapping[str, tuple[_Check, str]]] = {
    "file": _TEXT,
    "precision": _TEXT,
    "metrics": (
        lambda value: _is_table(value) and all(map(_is_table_of_numbers, _values(value))),
        "an object of objects of numbers",
    ),
    "golden": _TEXT,
    "instruction_set": _TEXT,
    "engine": _TEXT,
    "recipe": _TEXT,
    "fast": _TEXT,
    "stages": (lambda value: _is_table(value) and all(map(is_text, _values(value))), "an object of strings"),
    "gate": _NUMBERS,
    "batch_invariance": _NUMBERS,
}
_STAGE_FIELDS: Final[Mapping[str, tuple[_Check, str]]] = {
    "family": _TEXT,
    "model": _TEXT,
    "tokenizer": _NAME,
    "max_length": _LENGTH,
    "temperature": _TEMPERATURE,
    "certainty": _between(0, 2),
    "strong": _TEXT,
}
