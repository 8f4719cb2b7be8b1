"""The Lambda zip: libraries, Textwright, the artifact and the function's module, compiled for the runtime's Python."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from textwright.core.files import write_text
from textwright.deploy import OnStep
from textwright.deploy.names import name_for
from textwright.deploy.package.context import read_template
from textwright.deploy.package.dependency_closure import (
    X86_64,
    Locked,
    function_pins,
    lock,
    platform_options,
    requirements_text,
    run_pip,
)
from textwright.deploy.package.packaging import Package
from textwright.deploy.package.sbom import bill_of_materials
from textwright.deploy.package.strip import FUNCTION_PATTERNS, PATTERNS, blank_symbols, trim
from textwright.deploy.package.wheel import package_files, write_zip
from textwright.deploy.smoke_test import ASK_FUNCTION, SmokeTest
from textwright.errors import DeployError, PackageTooLargeError, SettingsError

if TYPE_CHECKING:
    from textwright.core.artifact import Artifact

DEFAULT_PYTHON: Final = "3.12"
PYTHONS: Final = (DEFAULT_PYTHON, "3.13", "3.14")
"""Managed runtimes that can be chosen; python3.11 can no longer be created, and its C library is too old."""
MAX_TREE_BYTES: Final = 250 * 1024 * 1024
"""What a function may have when unpacked. Source: AWS Lambda Developer Guide, "Lambda quotas"."""
NAME: Final = "lambda-zip"
"""As it is typed after ``--target``."""
_HANDLER: Final = "function.py"
PACKAGES: Final = ("__init__.py", "errors.py", "api", "core", "runtime", "serverless")
"""What of Textwright goes into the zip; a contract of the imports holds the function to it."""


def write_function_zip(
    source: Artifact,
    variant: str | None,
    folder: Path,
    *,
    python: str,
    report: OnStep,
    max_bytes: int = 50_000_000,
    example_text: str = "",
) -> Package:
    """Write the zip and its bill of materials.

    Args:
        source: A verified artifact.
        variant: The variant to ship; None takes the default.
        folder: Where to write ``function.zip`` and ``sbom-lambda.cdx.json``.
        python: The runtime's Python, one of :data:`PYTHONS`.
        report: Called with what is being done.
        max_bytes: Maximum number of bytes of the zip; those of an upload without S3 are the default.
        example_text: Takes the place of the data's texts in the artifact; empty keeps them.

    Returns:
        What was written.

    Raises:
        SettingsError: If there is no such runtime.
        PackageTooLargeError: If a function cannot be so large; nothing is kept then.
        GoldenMismatchError: If the variant does not reproduce here.
        AssetNetworkError: If the package index cannot be reached.
    """
    if python not in PYTHONS:
        raise SettingsError(
            f"--python is {python}; Lambda's runtimes that take these libraries are {', '.join(PYTHONS)}"
        )
    locked = lock(function_pins(), python=python)
    with tempfile.TemporaryDirectory(prefix="textwright-zip-") as temporary:
        tree = Path(temporary) / "tree"
        _fill(tree, locked, python)
        from textwright.deploy.package.single_variant import write_single_variant

        artifact = write_single_variant(source, variant, tree / "artifact", example_text=example_text)
        interpreter = find_python(python)
        num_golden = 0
        if interpreter is not None:
            report(f"compiling with {interpreter} and replaying the golden examples")
            _compile(tree, interpreter)
            num_golden = _replay(tree, artifact, interpreter)
        report("zipping")
        files = {path.relative_to(tree).as_posix(): path for path in sorted(tree.rglob("*")) if path.is_file()}
        tree_bytes = sum(path.stat().st_size for path in files.values())
        _require_tree(artifact, tree_bytes)
        zipped = write_zip(Path(temporary) / "function.zip", files)
        _require_size(artifact, zipped.stat().st_size, max_bytes)
        folder.mkdir(parents=True, exist_ok=True)
        path = Path(shutil.copyfile(zipped, folder / ".function.zip.tmp")).replace(folder / "function.zip")
    write_text(folder / "sbom-lambda.cdx.json", bill_of_materials(artifact, locked))
    name = name_for("image", artifact.manifest.name)
    size_bytes, is_compiled = path.stat().st_size, interpreter is not None
    return Package(NAME, path, name, artifact.version, size_bytes, num_golden=num_golden, is_compiled=is_compiled)


def find_python(version: str) -> Path | None:
    """Find an interpreter of a version, to compile with.

    Args:
        version: Such as "3.12".

    Returns:
        One from the path, or of pyenv or uv; None if there is none that runs.
    """
    return next((path for path in _candidates(version) if _is_version(path, version)), None)


def _fill(tree: Path, locked: list[Locked], python: str) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        requirements = Path(temporary) / "requirements.txt"
        requirements.write_text(requirements_text(locked), encoding="utf-8")
        options = ["install", "--no-deps", "--no-compile", "--require-hashes", "--target", str(tree)]
        run_pip([*options, *platform_options(python, X86_64), "--requirement", str(requirements)])
    trim(tree, (*PATTERNS, *FUNCTION_PATTERNS))
    for library in sorted(path for path in tree.rglob("*.so*") if path.is_file()):
        blank_symbols(library)
    for name, content in package_files().items():
        if name.removeprefix("textwright/").partition("/")[0] in PACKAGES:
            path = tree / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    (tree / _HANDLER).write_text(read_template(_HANDLER), encoding="utf-8")


def _compile(tree: Path, interpreter: Path) -> None:
    """Put compiled files in place of the sources, which were read for tracebacks alone; the function's module stays."""
    # Names in tracebacks start at the folder where Lambda unpacks; and no time stamp, no order enters the files.
    places = ["-s", str(tree), "-p", "/var/task"]
    command = [
        str(interpreter),
        "-I",
        "-m",
        "compileall",
        "-q",
        "-b",
        "--invalidation-mode",
        "unchecked-hash",
        *places,
        str(tree),
    ]
    completed = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if completed.returncode:
        raise DeployError(f"{interpreter} cannot compile the package: {completed.stdout.strip()[-300:]}")
    for source in sorted(tree.rglob("*.py")):
        if source.name != _HANDLER:
            source.unlink()
    (tree / _HANDLER).with_suffix(".pyc").unlink()


def _replay(tree: Path, artifact: Artifact, interpreter: Path) -> int:
    """Run the very tree that is zipped, with nothing else on its path."""
    smoke_test = SmokeTest(artifact)
    environment = {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1", "PATH": os.defpath}
    command = [str(interpreter), "-S", "-c", ASK_FUNCTION, *smoke_test.bodies]
    completed = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=tree)  # noqa: S603
    return smoke_test.check_output(completed.stdout or completed.stderr, "the unpacked zip")


def _candidates(version: str) -> Iterable[Path]:
    if on_path := shutil.which(f"python{version}"):
        yield Path(on_path)
    home = Path.home()
    for pattern in (
        f".pyenv/versions/{version}.*/bin/python",
        f".local/share/uv/python/cpython-{version}.*/bin/python3",
    ):
        yield from sorted(home.glob(pattern))


def _is_version(path: Path, version: str) -> bool:
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    completed = subprocess.run([str(path), "-I", "-c", code], capture_output=True, text=True, check=False)  # noqa: S603
    return completed.stdout.strip() == version


def _require_tree(artifact: Artifact, tree_bytes: int) -> None:
    if tree_bytes > MAX_TREE_BYTES:
        raise _too_large(artifact, f"unpacked has {tree_bytes / 1e6:.0f} MB", f"{MAX_TREE_BYTES / 1e6:.0f} MB")


def _require_size(artifact: Artifact, size_bytes: int, max_bytes: int) -> None:
    if size_bytes > max_bytes:
        raise _too_large(artifact, f"has {size_bytes / 1e6:.0f} MB", f"the {max_bytes / 1e6:.0f} MB of an upload")


def _too_large(artifact: Artifact, what: str, bound: str) -> PackageTooLargeError:
    size = sum(record.size_bytes for name, record in artifact.files.items() if name.endswith(".onnx")) / 1e6
    return PackageTooLargeError(
        f"the zip {what}, more than {bound}; its model alone has {size:.0f} MB: choose a smaller --variant "
        "(int8-smooth), or --target lambda-image, which takes 10 GB"
    )
