"""Zips with the same bytes each time: sorted names, one time stamp, one mode, one compression."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from textwright.core.files import atomic_file

EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can hold."""
_MODE: Final = 0o100644 << 16


def write_zip(path: Path, contents: Mapping[str, bytes | Path]) -> Path:
    """Write a zip at once, whole or not at all.

    Args:
        path: Its name; its folder is made when missing.
        contents: Name in the zip -> bytes, or the file that holds them.

    Returns:
        ``path``.
    """
    with atomic_file(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(contents):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type, entry.external_attr, entry.create_system = zipfile.ZIP_DEFLATED, _MODE, 3
            content = contents[name]
            archive.writestr(entry, content.read_bytes() if isinstance(content, Path) else content)
    return path
