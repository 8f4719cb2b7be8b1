"""Write files so that a reader never sees half of one, and know files by their bytes.

What only writing needs is imported when something is written: a Lambda function reads an artifact at each cold start.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


def sha256_of(path: Path) -> str:
    """Hash a file's bytes in pieces, so that its size does not matter.

    Args:
        path: An existing file.

    Returns:
        64 lower-case hexadecimal digits.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def atomic_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file beside ``path`` that takes its name only when the block succeeds.

    Args:
        path: The final name; its folder is made when missing. An existing file is replaced.

    Yields:
        A binary file to write into. If the block raises, it is removed and ``path`` is untouched.
    """
    import tempfile

    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Write a whole UTF-8 file at once: the old content or the new, never a part.

    Args:
        path: The file; its folder is made when missing.
        text: The new content.
    """
    with atomic_file(path) as file:
        file.write(text.encode())


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Make a temporary folder beside ``path`` that takes its name only when the block succeeds.

    Args:
        path: The final name. An existing folder of that name is replaced as a whole.

    Yields:
        An empty folder to fill. If the block raises, it is removed and ``path`` is untouched.
    """
    import shutil
    import tempfile

    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        temporary.chmod(0o755)
        yield temporary
        _swap(temporary, path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _swap(temporary: Path, path: Path) -> None:
    """Give ``temporary`` the name ``path``; the folder that had it is removed last."""
    import shutil
    import tempfile

    if not path.exists():
        temporary.rename(path)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{path.name}.old.", dir=path.parent))
    path.rename(old / path.name)
    temporary.rename(path)
    shutil.rmtree(old, ignore_errors=True)
