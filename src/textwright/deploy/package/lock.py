"""Pins with the hashes of their wheels, for the Python and the processors of the target instead of this machine's."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from textwright.deploy.package.closure import Pin
from textwright.errors import AssetNetworkError, DeployError

X86_64: Final = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
AARCH64: Final = ("manylinux_2_28_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64")
"""Wheel tags that run on Debian 12 and Amazon Linux 2023, whose C libraries are 2.36 and 2.34."""
_TIMEOUT_S: Final = 300


class Locked(NamedTuple):
    """A pin with the SHA-256 of each wheel that satisfies it on the target."""

    pin: Pin
    hashes: tuple[str, ...]


def lock(pins: Sequence[Pin], *, python: str, platforms: Sequence[Sequence[str]] = (X86_64,)) -> list[Locked]:
    """Ask the package index for the wheels of pins; nothing is installed.

    Args:
        pins: N pins.
        python: Version of the target's Python, such as "3.12".
        platforms: For each kind of processor, the wheel tags that it takes.

    Returns:
        N locked pins, in order.

    Raises:
        AssetNetworkError: If the index cannot be reached.
        DeployError: If a pin has no wheel for a platform.
    """
    found = [_hashes(pins, python, tags) for tags in platforms]
    return [Locked(pin, tuple(sorted({hashes[pin.name] for hashes in found}))) for pin in pins]


def requirements_text(locked: Sequence[Locked], wheel: Path | None = None) -> str:
    """Write a requirements file that ``pip install --require-hashes`` takes.

    Args:
        locked: N locked pins.
        wheel: Textwright's wheel, named relative to the file; None leaves it out.

    Returns:
        One requirement with its hashes per line.
    """
    lines = ["# Made by: textwright package. What was installed and tested there, with the hashes of its wheels."]
    lines += [f"{item.pin.line} {' '.join(f'--hash=sha256:{digest}' for digest in item.hashes)}" for item in locked]
    if wheel is not None:
        from textwright.core.files import sha256_of

        lines.append(f"./wheels/{wheel.name} --hash=sha256:{sha256_of(wheel)}")
    return "\n".join([*lines, ""])


def platform_options(python: str, tags: Sequence[str]) -> list[str]:
    """Tell pip to take wheels for another Python and platform than this one's."""
    tagged = [option for tag in tags for option in ("--platform", tag)]
    return ["--only-binary=:all:", "--python-version", python, "--implementation", "cp", *tagged]


def run_pip(arguments: Sequence[str]) -> None:
    """Run pip as a program.

    Raises:
        AssetNetworkError: If the index cannot be reached.
        DeployError: If pip fails otherwise; with its last line.
    """
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise AssetNetworkError(f"pip had no answer after {_TIMEOUT_S} s; check the network") from error
    if done.returncode == 0:
        return
    errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
    reason = (errors or ["it said nothing"])[-1].removeprefix("ERROR: ")
    if any(word in done.stderr for word in ("NewConnectionError", "Temporary failure", "CERTIFICATE", "ReadTimeout")):
        raise AssetNetworkError(f"the package index cannot be reached: {reason}; check the network and pip's settings")
    if "No space left" in done.stderr:
        from textwright.errors import PackageSpaceError

        raise PackageSpaceError(f"there is no room on the disk for the wheels: {reason}")
    raise DeployError(f"pip cannot fetch the wheels of the package: {reason}")


def _hashes(pins: Sequence[Pin], python: str, tags: Sequence[str]) -> Mapping[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        options = ["install", "--dry-run", "--ignore-installed", "--no-deps", "--report", str(report)]
        run_pip([*options, *platform_options(python, tags), *(pin.line for pin in pins)])
        items = json.loads(report.read_text(encoding="utf-8"))["install"]
    digests = [item["download_info"]["archive_info"]["hashes"]["sha256"] for item in items]
    names = [_normal(item["metadata"]["name"]) for item in items]
    return dict(zip(names, digests, strict=True))


def _normal(name: str) -> str:
    from packaging.utils import canonicalize_name

    return str(canonicalize_name(name))
