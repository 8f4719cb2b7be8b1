"""Files and folders of this machine and of S3, by one handle that can be pickled; pyarrow's file systems do the work.

A file of S3 is written to this machine first and uploaded when it is whole, so a reader never sees half of one there
either. Region, credentials and endpoint come from the environment, as for the ``aws`` program. Callers: ``bulk``,
the server's recorder, ``monitor``, ``review``.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import IO, Any, Final, NamedTuple, cast

from textwright import optional_deps
from textwright.core.files import expand_home, open_binary
from textwright.errors import DataError, NotFoundError, SettingsError

_S3: Final = "s3://"


class FileState(NamedTuple):
    """How a file is told from a changed one.

    Args:
        size_bytes: Its size.
        modified: When it was written, UTC, ISO 8601.
    """

    size_bytes: int
    modified: str


class Location(NamedTuple):
    """A file or a folder that may be there or not.

    Args:
        address: A path, or ``s3://BUCKET/KEY``.
    """

    address: str

    def __str__(self) -> str:
        return self.address

    @property
    def is_remote(self) -> bool:
        """Whether it is in S3."""
        return self.address.startswith(_S3)

    @property
    def path(self) -> Path:
        """Where it is on this machine."""
        return Path(self.address)

    @property
    def name(self) -> str:
        """Its name in its folder."""
        return self.address.rpartition("/")[2]

    def child(self, name: str) -> Location:
        """Name what lies in a folder."""
        return Location(f"{self.address.rstrip('/')}/{name}")

    def open(self) -> IO[bytes]:
        """Open a file for reading; it can seek.

        Raises:
            NotFoundError: If there is none.
            DataError: If it cannot be opened.
        """
        with _errors(self.address):
            if self.is_remote:
                return cast("IO[bytes]", _file_system().open_input_file(_key(self.address)))
            return self.path.open("rb")

    def state(self) -> FileState | None:
        """Return size and time of a file; None where there is none."""
        if self.is_remote:
            with _errors(self.address):
                info = _file_system().get_file_info(_key(self.address))
            return FileState(info.size, _iso(info.mtime_ns)) if info.is_file else None
        if not self.path.is_file():
            return None
        status = self.path.stat()
        return FileState(status.st_size, _iso(status.st_mtime_ns))

    def is_folder(self) -> bool:
        """Say whether it is a folder with something in it, or an empty one of this machine."""
        if self.is_remote:
            with _errors(self.address):
                return bool(_file_system().get_file_info(_key(self.address)).type.name == "Directory")
        return self.path.is_dir()

    def files(self) -> list[str]:
        """List the files of a folder and of the folders in it.

        Returns:
            Names relative to the folder, sorted; those that begin with a dot or an underscore, or lie in such a folder,
            are left out, as other tools do.
        """
        if self.is_remote:
            from pyarrow.fs import FileSelector

            key = _key(self.address).rstrip("/")
            with _errors(self.address):
                items = _file_system().get_file_info(FileSelector(key, recursive=True, allow_not_found=True))
            names = [item.path.removeprefix(f"{key}/") for item in items if item.is_file]
        else:
            names = [item.relative_to(self.path).as_posix() for item in self.path.rglob("*") if item.is_file()]
        return sorted(name for name in names if not any(part.startswith((".", "_")) for part in name.split("/")))

    def members(self, pattern: str) -> list[tuple[Location, int]]:
        """List files of a folder, not those of the folders in it.

        Args:
            pattern: Of their names, such as ``*.parquet``.

        Returns:
            Each with its size in bytes, by name; none where there is no such folder.
        """
        if self.is_remote:
            from pyarrow.fs import FileSelector

            with _errors(self.address):
                items = _file_system().get_file_info(FileSelector(_key(self.address).rstrip("/"), allow_not_found=True))
            sizes = {item.base_name: item.size for item in items if item.is_file and fnmatch(item.base_name, pattern)}
        else:
            sizes = {path.name: size for path in self.path.glob(pattern) if (size := _size_of(path)) is not None}
        return [(self.child(name), sizes[name]) for name in sorted(sizes)]

    def remove(self) -> None:
        """Remove a file; nothing happens where there is none.

        Raises:
            DataError: If it cannot be removed.
        """
        with suppress(NotFoundError), _errors(self.address):
            _file_system().delete_file(_key(self.address)) if self.is_remote else self.path.unlink()

    def read(self) -> bytes | None:
        """Return a file's bytes; None where there is none."""
        try:
            with self.open() as file:
                return file.read()
        except NotFoundError:
            return None

    @contextmanager
    def writing(self) -> Iterator[IO[bytes]]:
        """Open a file that takes its name when the block ends; if the block raises, nothing is written.

        Raises:
            DataError: If it cannot be written.
        """
        if not self.is_remote:
            with open_binary(self.path) as file:
                yield file
            return
        with tempfile.TemporaryFile() as file:
            yield file
            file.seek(0)
            with _errors(self.address), _file_system().open_output_stream(_key(self.address)) as upload:
                shutil.copyfileobj(file, upload, 2**20)


def locate(typed: str | Path) -> Location:
    """Read what the user typed.

    Args:
        typed: A path, or ``s3://BUCKET/KEY``.

    Returns:
        The place; a path is absolute, since other processes may stand in other folders.

    Raises:
        SettingsError: If it is an address of another kind.
        MissingExtraError: If S3 needs a library that is not installed.
    """
    text = str(typed)
    scheme, mark, _ = text.partition("://")
    if not mark:
        return Location(str(expand_home(text).absolute()))
    if scheme != "s3" or not _key(text).strip("/"):
        raise SettingsError(f"{text}: give a path of this machine, or s3://BUCKET/KEY")
    optional_deps.require("data", what="reading and writing in S3")
    return Location(text)


def _key(address: str) -> str:
    return address.removeprefix(_S3)


def _size_of(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:  # another process has removed it
        return None


def _iso(nanoseconds: int) -> str:
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC).isoformat()


@cache
def _file_system() -> Any:  # noqa: ANN401  pyarrow has no types
    from pyarrow.fs import S3FileSystem

    scheme, mark, host = os.environ.get("AWS_ENDPOINT_URL", "").partition("://")  # pyarrow reads all but this
    return S3FileSystem(endpoint_override=host.rstrip("/"), scheme=scheme) if mark else S3FileSystem()


@contextmanager
def _errors(address: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no file {address}") from error
    except OSError as error:
        cure = "; check the address, the credentials and AWS_REGION" if address.startswith(_S3) else ""
        raise DataError(f"{address}: {error}{cure}") from error
