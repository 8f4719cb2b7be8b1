"""Which files an input names: one file, a folder of files, or a pattern; on this machine or in S3."""

from __future__ import annotations

import re
from fnmatch import translate
from pathlib import Path
from typing import Final, NamedTuple

from textwright.data.sources import FORMATS, WRITABLE, data_format
from textwright.errors import DataError, NotFoundError
from textwright.storage import Location, locate

_WILDCARD: Final = re.compile(r"[*?\[]")


class InputFile(NamedTuple):
    """A file to score.

    Args:
        location: Where it is.
        name: Relative to the folder that was named, or to the folder before the first wildcard.
    """

    location: Location
    name: str


def list_inputs(typed: str) -> list[InputFile]:
    """List the files to score.

    Args:
        typed: A file, a folder, or a pattern with ``*``, ``?`` or ``[...]``; ``**`` stands for any folders.

    Returns:
        At least one file, sorted by name. Of a folder those whose name ends like that of a data file.

    Raises:
        NotFoundError: If nothing is there, or nothing matches.
        DataError: If a file that was named has no known ending.
    """
    location = locate(typed)
    if location.state() is not None:
        _check_format(location.address)
        return [InputFile(location, location.address.rsplit("/", 1)[-1])]
    wildcard = _WILDCARD.search(location.address)
    if wildcard is not None:
        return _matching(location, location.address[: wildcard.start()].rpartition("/")[0])
    if not location.is_folder():
        raise NotFoundError(f"there is no file or folder {typed}")
    names = [name for name in location.files() if _is_data(name)]
    if not names:
        raise NotFoundError(f"{typed}: the folder holds no data file; readable are {FORMATS}")
    return [InputFile(location.child(name), name) for name in names]


def _matching(pattern: Location, folder: str) -> list[InputFile]:
    base = Location(folder or ".")
    rest = pattern.address.removeprefix(f"{folder}/") if folder else pattern.address
    expression = re.compile(_expression(rest))
    names = [name for name in base.files() if expression.fullmatch(name)] if base.is_folder() else []
    if not names:
        raise NotFoundError(f"{pattern.address}: no file matches the pattern")
    for name in names:
        _check_format(name)
    return [InputFile(base.child(name), name) for name in names]


def _expression(pattern: str) -> str:
    """Translate a pattern; ``*`` stays within a folder, ``**`` does not."""
    parts = []
    for part in pattern.split("/"):
        if part == "**":
            parts.append("(?:[^/]+/)*")
        else:
            inner = translate(part).removeprefix("(?s:").rpartition(")")[0].replace(".*", "[^/]*")
            parts.append(f"{inner}/")
    return "".join(parts).removesuffix("/")


def _is_data(name: str) -> bool:
    try:
        _check_format(name)
    except DataError:
        return False
    return True


def _check_format(name: str) -> None:
    """Refuse files that cannot be read in parts."""
    kind = data_format(Path(name))
    if kind not in WRITABLE:
        raise DataError(f"{name}: {kind} files are not read in parts; save it as one of {', '.join(WRITABLE)} first")
