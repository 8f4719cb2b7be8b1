"""Which distributions serve a model: the versions installed here, with the hashes of the target's wheels.

What was tested is what is shipped. The hashes are of the Python and the processors of the target, not of this machine.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from textwright.core.files import sha256_of
from textwright.errors import AssetNetworkError, DeployError, MissingExtraError, PackageSpaceError

if TYPE_CHECKING:
    from packaging.requirements import Requirement

LEFT_OUT: Final[Mapping[str, str]] = {
    "huggingface-hub": "tokenizers downloads tokenizers with it; an artifact holds its own",
    "flatbuffers": "only ONNX Runtime's tools for its mobile format read it",
    "protobuf": "only ONNX Runtime's tools for graphs read it",
    "sympy": "only ONNX Runtime's tools for graphs read it",
}
"""Distributions that are declared by those below and never imported while predicting, with the reason."""

SCORING: Final = ("pyarrow", "zstandard")
"""What bulk scoring imports beside what every prediction does."""
RAY: Final = ("ray[data,default]",)
"""Ray with its jobs, which KubeRay submits."""
RAY_NEEDS: Final = frozenset({"protobuf"})
"""Left out elsewhere, and imported by Ray."""

FUNCTION: Final = ("numpy", "onnxruntime", "tokenizers")
"""What the Lambda function imports: nothing else."""


X86_64: Final = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
AARCH64: Final = ("manylinux_2_28_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64")
"""Wheel tags that run on Debian 12 and Amazon Linux 2023, whose C libraries are 2.36 and 2.34."""
_TIMEOUT_S: Final = 300


class Pin(NamedTuple):
    """A distribution in one version."""

    name: str
    version: str

    @property
    def line(self) -> str:
        """The pin as a requirement."""
        return f"{self.name}=={self.version}"


RUNTIME_CLIENT: Final = (
    Pin("awslambdaric", "4.2.2"),
    Pin("simplejson", "4.3.0"),
    Pin("snapshot-restore-py", "1.0.0"),
)
"""What a container image of a function needs besides: AWS's client of the Lambda Runtime API and what it imports."""


def server_pins() -> list[Pin]:
    """List what ``textwright[server]`` needs, itself left out, with what is never imported left out.

    Returns:
        Pins in the order of their names.

    Raises:
        MissingExtraError: If one is not installed here.
    """
    return _closure(_requirements("textwright", "server"), frozenset(LEFT_OUT))


def scoring_pins(*, with_ray: bool) -> list[Pin]:
    """List what ``textwright score`` needs, Parquet and S3 included, itself left out.

    Args:
        with_ray: Whether for a Ray cluster, with what Ray's jobs need.

    Returns:
        Pins in the order of their names.

    Raises:
        MissingExtraError: If one is not installed here.
    """
    from packaging.requirements import Requirement

    names = (*SCORING, *RAY) if with_ray else SCORING
    left_out = frozenset(LEFT_OUT) - (RAY_NEEDS if with_ray else frozenset())
    try:
        return _closure([*_requirements("textwright", ""), *map(Requirement, names)], left_out)
    except MissingExtraError as error:
        extra = "ray,deploy" if with_ray else "data,deploy"
        raise MissingExtraError(f"packaging what scores ({', '.join(names)})", extra) from error


def _closure(roots: Iterable[Requirement], left_out: frozenset[str]) -> list[Pin]:
    """Pin requirements and what they need in turn."""
    from packaging.utils import canonicalize_name

    pins: dict[str, Pin] = {}
    waiting = list(roots)
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if name in pins or name in left_out:
            continue
        pins[name] = pin(name)
        for extra in ["", *sorted(requirement.extras)]:
            waiting += _requirements(name, extra)
    return [pins[name] for name in sorted(pins)]


def function_pins() -> list[Pin]:
    """List what the Lambda function imports."""
    return [pin(name) for name in FUNCTION]


def pin(name: str) -> Pin:
    """Pin a distribution to the version installed here.

    Raises:
        MissingExtraError: If it is not installed.
    """
    try:
        return Pin(name, metadata.version(name))
    except metadata.PackageNotFoundError as error:
        raise MissingExtraError(f"packaging (it looks for {name})", "server,deploy") from error


def _requirements(name: str, extra: str) -> Iterable[Requirement]:
    """Read what an installed distribution declares for this Python on Linux, with or without an extra."""
    from packaging.requirements import Requirement

    environment = {"extra": extra, "sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}
    for line in metadata.requires(name) or []:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate(environment):
            yield requirement


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
    hashes_of = [_hashes(pins, python, tags) for tags in platforms]
    return [Locked(pin, tuple(sorted({hashes[pin.name] for hashes in hashes_of}))) for pin in pins]


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
        completed = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise AssetNetworkError(f"pip had no answer after {_TIMEOUT_S} s; check the network") from error
    if completed.returncode == 0:
        return
    errors = [
        line for line in completed.stderr.splitlines() if line.startswith("ERROR")
    ] or completed.stderr.splitlines()
    reason = (errors or ["it said nothing"])[-1].removeprefix("ERROR: ")
    if any(
        word in completed.stderr for word in ("NewConnectionError", "Temporary failure", "CERTIFICATE", "ReadTimeout")
    ):
        raise AssetNetworkError(f"the package index cannot be reached: {reason}; check the network and pip's settings")
    if "No space left" in completed.stderr:
        raise PackageSpaceError(f"there is no room on the disk for the wheels: {reason}")
    raise DeployError(f"pip cannot fetch the wheels of the package: {reason}")


def _hashes(pins: Sequence[Pin], python: str, tags: Sequence[str]) -> Mapping[str, str]:
    from packaging.utils import canonicalize_name

    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        options = ["install", "--dry-run", "--ignore-installed", "--no-deps", "--report", str(report)]
        # Before pip 23.3 another platform is refused without --target, even where nothing is written.
        options += ["--target", str(Path(folder) / "none")]
        run_pip([*options, *platform_options(python, tags), *(pin.line for pin in pins)])
        items = json.loads(report.read_text(encoding="utf-8"))["install"]
    digests = [item["download_info"]["archive_info"]["hashes"]["sha256"] for item in items]
    names = [str(canonicalize_name(item["metadata"]["name"])) for item in items]
    return dict(zip(names, digests, strict=True))
