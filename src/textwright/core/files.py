"""Write files so that a reader never sees half of one, and know files by their bytes.

What only writing needs is imported when something is written: a Lambda function reads an artifact at each cold start.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from textwright.errors import DataError, SettingsError

_HAS_LOCKS: Final = os.name == "posix"
PAGE_SUFFIXES: Final = (".html", ".htm")
_FILE_SUFFIXES: Final = (".json", ".pdf", ".onnx", ".zip")
_CANNOT_WRITE: Final = frozenset(
    (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENOTDIR, errno.EEXIST)
)


def sha256_of(path: Path) -> str:
    """Hash a file's bytes in pieces, so that its size does not matter.

    Args:
        path: An existing file.

    Returns:
        64 lower-case hexadecimal digits.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def expand_home(path: str | Path) -> Path:
    """Replace ``~`` by the user's home folder, as a shell does: unchanged where there is none.

    Args:
        path: As the user typed it.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:  # no such user, or one without a home folder
        return Path(path)


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
    _remove_leftovers(path)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            _lock(handle)
            yield file
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def open_binary(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for writing that takes its name when the block ends; what cannot be written is said in words.

    Args:
        path: An existing file is replaced when the block ends, and left as it is if the block raises.

    Raises:
        DataError: If it cannot be written.
    """
    if path.is_dir():
        raise DataError(f"{path}: a folder where a file is to be written; name a file in it")
    with _write_errors(path), atomic_file(path) as file:
        yield file


@contextmanager
def _write_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _CANNOT_WRITE:
            raise
        raise DataError(f"{path}: cannot be written: {error.strerror}; nothing of it was kept") from error


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
    _remove_leftovers(path)
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    handle = os.open(temporary, os.O_RDONLY) if _HAS_LOCKS else -1
    try:
        _lock(handle)
        temporary.chmod(0o755)
        yield temporary
        _swap(temporary, path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    finally:
        if handle >= 0:
            os.close(handle)


def refuse_file_name(path: Path) -> None:
    """Refuse a folder that is to be made under the name of a file.

    Args:
        path: An existing folder is taken, whatever its name.

    Raises:
        SettingsError: If the name ends as a file's does.
    """
    if path.suffix.lower() in (*PAGE_SUFFIXES, *_FILE_SUFFIXES) and not path.is_dir():
        raise SettingsError(f"{path}: this is the name of a file, and a folder is made here; name a folder")


@contextmanager
def exclusive_folder(path: Path) -> Iterator[None]:
    """Let one process at a time write into a folder; the lock ends with the process, however it ends.

    Where several processes train together (``torchrun``), the first holds the lock for all. A file system without locks
    has none.

    Args:
        path: Made when missing, and removed again if nothing was written into it.

    Raises:
        SettingsError: If another process holds the lock, or the name is one of a file.
    """
    refuse_file_name(path)
    path.mkdir(parents=True, exist_ok=True)
    if not _HAS_LOCKS or os.environ.get("RANK", "0") != "0":
        yield
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        if _lock(handle) is False:
            raise SettingsError(
                f"{path}: another textwright is writing into this folder; wait until it has ended, or give another "
                "--out"
            )
        try:
            yield
        finally:
            if path.is_dir() and not any(path.iterdir()):
                path.rmdir()
    finally:
        os.close(handle)


def _remove_leftovers(path: Path) -> None:
    """Remove temporary files and folders for ``path`` whose process was killed: nobody holds their lock."""
    import re
    import shutil

    if not _HAS_LOCKS:
        return
    pattern = re.compile(rf"\.{re.escape(path.name)}\.[a-z0-9_]{{8}}")
    for item in path.parent.iterdir():
        if pattern.fullmatch(item.name) is None:
            continue
        try:
            handle = os.open(item, os.O_RDONLY)
        except OSError:
            continue  # of another user, or gone by now
        try:
            if _lock(handle):
                shutil.rmtree(item, ignore_errors=True) if item.is_dir() else item.unlink(missing_ok=True)
        finally:
            os.close(handle)


def _lock(handle: int) -> bool | None:
    """Lock an open file or folder until it is closed; False if another has locked it, None where there are no locks."""
    if not _HAS_LOCKS:
        return None
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return None
    return True


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
