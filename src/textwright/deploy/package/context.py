"""The build context of a container image: everything that ``docker build`` needs, and nothing from elsewhere."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final

import textwright
from textwright.core.files import atomic_folder, sha256_of, write_text
from textwright.deploy.cost_estimate.measure import Measured
from textwright.deploy.names import name_for
from textwright.deploy.package.dependency_closure import (
    AARCH64,
    RUNTIME_CLIENT,
    X86_64,
    Locked,
    function_pins,
    lock,
    requirements_text,
    scoring_pins,
    server_pins,
)
from textwright.deploy.package.sbom import bill_of_materials
from textwright.deploy.package.strip import PATTERNS, SCRIPTS
from textwright.deploy.package.wheel import write_wheel

if TYPE_CHECKING:
    from textwright.core.artifact import Artifact

MARK: Final = "textwright-package.json"
"""A folder that holds this file was written by us, so it may be replaced."""
PROMETHEUS_IMAGE: Final = "prom/prometheus:v3.5.0"
GRAFANA_IMAGE: Final = "grafana/grafana:12.1.1"
_EPOCH_S: Final = 315_532_800
"""1980-01-01: time stamps begin here, so that layers come out alike whenever they are made."""
_SPAN_S: Final = 2**30
_MIB: Final = 2**20
_SPARE: Final = 1.5
_COPIES: Final = 3
_STEP_MIB: Final = 64
_LEAST_MIB: Final = 256
_GUESSED_MIB: Final = 512
_ROWS_MIB: Final = 256
"""Of a worker that scores: a fragment's rows, pyarrow and its readers."""
_RAY_MIB: Final = 1024
"""Ray's own processes on a machine."""
_TEMPLATES: Final = "textwright.deploy.package"


@dataclass(frozen=True, slots=True)
class Scoring:
    """What an image for bulk scoring holds.

    Args:
        tag_suffix: What follows the version in its tag.
        manifest: The file for Kubernetes that goes with it.
        with_ray: Whether it holds Ray.
    """

    tag_suffix: str
    manifest: str
    with_ray: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """A build context that was written.

    Args:
        folder: Where it is.
        artifact: The artifact in it, with one variant.
        name: What the image is called.
        size_bytes: Size of all files together.
    """

    folder: Path
    artifact: Artifact
    name: str
    size_bytes: int


def write_context(
    source: Artifact,
    variant: str | None,
    folder: Path,
    *,
    python: str,
    base_image: str,
    measured: Measured | None = None,
    example_text: str = "",
    scoring: Scoring | None = None,
) -> Context:
    """Write a build context at once, whole or not at all.

    Args:
        source: A verified artifact.
        variant: The variant to ship; None takes the default.
        folder: Where to write; a context that is there already is replaced.
        python: Version of the base image's Python, such as "3.11".
        base_image: The image to build on.
        measured: What the model's server was measured to need; None guesses from the size of its files.
        example_text: Takes the place of the data's texts in the artifact; empty keeps them.
        scoring: What the image for bulk scoring holds, which has a stage and a manifest then; None leaves it out.

    Returns:
        What was written.

    Raises:
        GoldenMismatchError: If the variant does not reproduce here.
        AssetNetworkError: If the package index cannot be reached.
        MissingExtraError: If what scoring needs is not installed here.
    """
    locked_server = lock(server_pins(), python=python, platforms=(X86_64, AARCH64))
    locked_function = lock([*function_pins(), *RUNTIME_CLIENT], python=python)
    pins = scoring_pins(with_ray=scoring.with_ray) if scoring else []
    locked_scoring = lock(pins, python=python, platforms=(X86_64, AARCH64)) if pins else []
    with atomic_folder(folder) as temporary:
        from textwright.deploy.package.single_variant import write_single_variant

        artifact = write_single_variant(source, variant, temporary / "artifact", example_text=example_text)
        stages = {"server": locked_server, "lambda": locked_function}
        _write_locks(temporary, {**stages, "score": locked_scoring} if locked_scoring else stages, artifact)
        values = {
            **_values(source, artifact, base_image),
            **_memory_values(memory_mib(artifact, measured)),
            "score_suffix": scoring.tag_suffix if scoring else "",
            "ray_version": dict(pins)["ray"] if scoring and scoring.with_ray else "",
        }
        for name, text in _texts(values, scoring).items():
            write_text(temporary / name, text)
        _normalize(temporary, artifact)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return Context(folder, replace(artifact, path=folder / "artifact"), values["name"], size)


def memory_mib(artifact: Artifact, measured: Measured | None) -> int:
    """Tell how much memory a container of the model shall have.

    Args:
        artifact: What is shipped.
        measured: What its server was measured to need, at requests of one size; half as much again is left for larger
            ones. None takes three times the size of its files, since a graph is read, parsed and laid out anew, beside
            what Python and the libraries take.

    Returns:
        MiB, a multiple of 64.
    """
    if measured is not None:
        needed = max(_LEAST_MIB, _SPARE * measured.server.memory_bytes / _MIB)
    else:
        size_mib = sum((artifact.path / name).stat().st_size for name in artifact.files) / _MIB
        needed = max(_GUESSED_MIB, _LEAST_MIB + _COPIES * size_mib)
    return math.ceil(needed / _STEP_MIB) * _STEP_MIB


def _memory_values(server_mib: int) -> dict[str, str]:
    """Tell what the manifests ask for: a worker of scoring needs what a server does, and room for its rows."""
    worker_mib = server_mib + _ROWS_MIB
    values = {"memory_mib": server_mib, "score_memory_mib": 2 * worker_mib, "ray_memory_mib": 4 * worker_mib + _RAY_MIB}
    return {name: str(mib) for name, mib in values.items()}


def _write_locks(folder: Path, stages: Mapping[str, list[Locked]], artifact: Artifact) -> None:
    wheel = write_wheel(folder / "wheels")
    for stage, locked in stages.items():
        write_text(folder / f"requirements-{stage}.txt", requirements_text(locked, wheel))
        write_text(folder / f"sbom-{stage}.cdx.json", bill_of_materials(artifact, locked))


def _values(source: Artifact, artifact: Artifact, base_image: str) -> dict[str, str]:
    return {
        "name": name_for("image", artifact.manifest.name),
        "kubernetes_name": name_for("kubernetes", artifact.manifest.name),
        "version": artifact.version,
        "digest": artifact.digest,
        "source_digest": source.digest,
        "revision": git_revision(),
        "textwright_version": textwright.__version__,
        "base_image": base_image,
        "prometheus_image": PROMETHEUS_IMAGE,
        "grafana_image": GRAFANA_IMAGE,
    }


def _texts(values: Mapping[str, str], scoring: Scoring | None) -> dict[str, str]:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader(_TEMPLATES)
    environment = Environment(loader=loader, undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)  # noqa: S701  no HTML
    rendered = (*_RENDERED, scoring.manifest) if scoring else _RENDERED
    patterns = [pattern for pattern in PATTERNS if not (values["ray_version"] and pattern == SCRIPTS)]
    files = {name: environment.get_template(f"{name}.j2").render(values) for name in rendered}
    plain = {name: read_template(template) for name, template in _PLAIN.items()}
    return {**files, **plain, "trim.txt": "\n".join([*patterns, ""])}


_RENDERED: Final = ("Dockerfile", "compose.yaml", "kubernetes.yaml", MARK)
_PLAIN: Final[Mapping[str, str]] = {
    "compile.sh": "compile.sh",
    "function.py": "function.py",
    "monitoring/prometheus.yml": "prometheus.yml",
    "monitoring/grafana/provisioning/datasources/prometheus.yaml": "datasource.yaml",
    "monitoring/grafana/provisioning/dashboards/textwright.yaml": "dashboards.yaml",
    "monitoring/grafana/dashboards/textwright.json": "grafana-dashboard.json",
    ".dockerignore": "dockerignore",
}


def read_template(name: str) -> str:
    """Read a template that is used as it is."""
    return (resources.files(_TEMPLATES) / "templates" / name).read_text(encoding="utf-8")


def git_revision() -> str:
    """Tell the commit of the project in the working folder; empty if it is none."""
    git = shutil.which("git")
    if git is None:
        return ""
    completed = subprocess.run([git, "rev-parse", "HEAD"], capture_output=True, text=True, check=False)  # noqa: S603
    return completed.stdout.strip() if completed.returncode == 0 else ""


def _normalize(folder: Path, artifact: Artifact) -> None:
    """Give every file one mode, and a time stamp that follows from its bytes.

    Not one stamp for all: BuildKit sends a file again only if its size or its time changed, and would build another
    model of the same size from its memory of the last.
    """
    digests = {folder / "artifact" / name: record.sha256 for name, record in artifact.files.items()}
    for path in [*folder.rglob("*"), folder]:
        path.chmod(0o755 if path.is_dir() else 0o644)
        digest = (digests.get(path) or sha256_of(path)) if path.is_file() else "0"
        stamp = _EPOCH_S + int(digest[:8], 16) % _SPAN_S
        os.utime(path, (stamp, stamp))
