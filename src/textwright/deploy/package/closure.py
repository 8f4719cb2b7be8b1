"""Which distributions serve a model, in the versions that are installed here: what was tested is what is shipped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import metadata
from typing import Final, NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from textwright.errors import MissingExtraError

LEFT_OUT: Final[Mapping[str, str]] = {
    "huggingface-hub": "tokenizers downloads tokenizers with it; an artifact holds its own",
    "flatbuffers": "only ONNX Runtime's tools for its mobile format read it",
    "protobuf": "only ONNX Runtime's tools for graphs read it",
    "sympy": "only ONNX Runtime's tools for graphs read it",
}
"""Distributions that are declared by those below and never imported while predicting, with the reason."""

FUNCTION: Final = ("numpy", "onnxruntime", "tokenizers")
"""What the Lambda function imports: nothing else."""


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
    found: dict[str, Pin] = {}
    waiting = list(_requirements("textwright", "server"))
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if name in found or name in LEFT_OUT:
            continue
        found[name] = pin(name)
        for extra in ["", *sorted(requirement.extras)]:
            waiting += _requirements(name, extra)
    return [found[name] for name in sorted(found)]


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
    environment = {"extra": extra, "sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}
    for line in metadata.requires(name) or []:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate(environment):
            yield requirement
