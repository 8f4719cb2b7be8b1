"""Textwright itself as a wheel, with the same bytes each time, from an installed package as well as from sources.

No build backend is run: the package is pure Python, so a wheel is a zip of its files with three files of metadata. The
zip has the same bytes each time: sorted names, one time stamp, one mode, one compression.

Source:
    Python Packaging User Guide, "Binary distribution format".
"""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Final

import textwright
from textwright.core.files import atomic_file

_WHEEL: Final = "Wheel-Version: 1.0\nGenerator: textwright package\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can hold."""
_MODE: Final = 0o100644 << 16


def write_wheel(folder: Path) -> Path:
    """Write the wheel of the Textwright that runs.

    Args:
        folder: Where to write; made when missing.

    Returns:
        The wheel.
    """
    version = textwright.__version__
    info = f"textwright-{version}.dist-info"
    distribution = metadata.distribution("textwright")
    contents = package_files()
    contents[f"{info}/METADATA"] = (distribution.read_text("METADATA") or "").encode()
    contents[f"{info}/WHEEL"] = _WHEEL.encode()
    contents[f"{info}/entry_points.txt"] = (distribution.read_text("entry_points.txt") or "").encode()
    contents[f"{info}/RECORD"] = _record(contents, f"{info}/RECORD")
    return write_zip(folder / f"textwright-{version}-py3-none-any.whl", contents)


def package_files() -> dict[str, bytes]:
    """Read the files of the package that runs.

    Returns:
        Path from the package's parent folder -> bytes; without caches.
    """
    root = Path(textwright.__path__[0])
    paths = sorted(path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {f"textwright/{path.relative_to(root).as_posix()}": path.read_bytes() for path in paths}


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
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type, entry.external_attr, entry.create_system = zipfile.ZIP_DEFLATED, _MODE, 3
            content = contents[name]
            archive.writestr(entry, content.read_bytes() if isinstance(content, Path) else content)
    return path


def _record(contents: dict[str, bytes], name: str) -> bytes:
    lines = [f"{path},sha256={_digest(content)},{len(content)}" for path, content in contents.items()]
    return "\n".join([*lines, f"{name},,", ""]).encode()


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
