"""The walk from an artifact to a package that has answered its golden examples. Caller: ``cli.package``."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from textwright.core import artifact as artifacts
from textwright.core.artifact import Artifact
from textwright.deploy.package import base_image
from textwright.deploy.package.context import MARK, Context, write_context
from textwright.deploy.package.engine import Engine
from textwright.deploy.package.function_zip import write_function_zip
from textwright.deploy.package.replay import ASK_FUNCTION, ASK_SERVER, check_answers, questions
from textwright.deploy.package.settings import ImageSettings, PackageSettings, Target
from textwright.deploy.sizing.measured import Measured
from textwright.errors import BaseImageError, PackageSpaceError, SettingsError
from textwright.optional_deps import require

STAGES: Final[dict[Target, str]] = {"docker": "server", "lambda-image": "lambda"}
"""Target -> stage of the Dockerfile."""


@dataclass(frozen=True, slots=True)
class Package:
    """What was made.

    Args:
        target: What it is for.
        path: The context's folder, or the zip.
        name: What the model is called in images.
        version: Version of the artifact in it.
        size_bytes: Size of the context, or of the zip.
        image: Tag of the image that was built; None if none was.
        image_bytes: Its size, the base included.
        num_golden: Golden examples that it has answered; 0 if it was not run.
        base_image: What an image is built on; None for a zip.
        is_compiled: False if a zip holds no compiled files, which makes its init twice as long.
    """

    target: Target
    path: Path
    name: str
    version: str
    size_bytes: int
    image: str | None = None
    image_bytes: int | None = None
    num_golden: int = 0
    base_image: str | None = None
    is_compiled: bool = True

    def to_json(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return {**values, "path": str(self.path)}


def image_tag(target: Target, version: str) -> str:
    """Tell the tag of an image: one repository holds the server and the function of a model."""
    return f"{version}-lambda" if target == "lambda-image" else version


def package(
    source: Path, target: Target, out: Path, settings: PackageSettings, *, tell: Callable[[str], object]
) -> Package:
    """Package an artifact; what was built and run has answered its golden examples, or there is an error.

    Args:
        source: An artifact folder, or the run folder that holds it.
        target: What for.
        out: Folder to write into.
        settings: The choices.
        tell: Called with what is being done, a line at a time.

    Returns:
        What was made.

    Raises:
        MissingExtraError: If the extra "server" is not installed.
        SettingsError: If ``out`` holds something else, or a choice is impossible.
        NotFoundError: If there is no such artifact or variant.
        GoldenMismatchError: If the artifact here, or what was built, does not reproduce.
        PackageTooLargeError: If a zip is larger than Lambda takes.
        PackageSpaceError: If the disk is full.
        ContainerEngineError: If there is no engine, or it fails.
        BaseImageError: If the digest of the base image is wanted and its registry does not give it.
    """
    require("server", what="packaging")
    artifact = artifacts.read(source)
    _require_own(out)
    engine = Engine(settings.engine) if settings.build and target != "lambda-zip" else None
    measured = _read_measured(settings, artifact)
    tell(f"verifying {artifact.manifest.name} {artifact.version} and looking up the wheels")
    with _told_when_full(out):
        if target == "lambda-zip":
            return _zip(artifact, out, settings, tell)
        base = _base_image(settings, target, tell)
        context = write_context(
            artifact,
            settings.variant,
            out,
            python=settings.python_of(target),
            base_image=base,
            measured=measured,
        )
        return replace(_image(context, target, settings, engine, tell), base_image=base)


def _base_image(settings: ImageSettings, target: Target, tell: Callable[[str], object]) -> str:
    """Choose the image to build on; an own one stays as it is named, since its name may be of this machine alone."""
    image = settings.base_image or base_image.OFFICIAL.format(python=settings.python_of(target))
    is_wanted = settings.base_image is None if settings.pin_base_image is None else settings.pin_base_image
    if not is_wanted:
        return image
    tell(f"looking up the digest of {image}")
    try:
        return base_image.by_digest(image)
    except BaseImageError:
        if settings.pin_base_image:
            raise
        return image


def _read_measured(settings: PackageSettings, artifact: Artifact) -> Measured | None:
    if settings.measured is None:
        return None
    measured = Measured.read(settings.measured)
    shipped = (artifact.version, settings.variant or artifact.manifest.default_variant)
    if (measured.version, measured.variant) != shipped:
        raise SettingsError(
            f"--measured {settings.measured} is of {measured.name} {measured.version}/{measured.variant}, not of "
            f"version {shipped[0]}/{shipped[1]}; measure this one: textwright cost ARTIFACT --out DIR"
        )
    return measured


def _zip(artifact: Artifact, out: Path, settings: PackageSettings, tell: Callable[[str], object]) -> Package:
    made = write_function_zip(
        artifact,
        settings.variant,
        out,
        python=settings.python_of("lambda-zip"),
        tell=tell,
        max_bytes=settings.max_zip_bytes,
    )
    return Package(
        "lambda-zip",
        made.path,
        made.name,
        made.artifact_version,
        made.size_bytes,
        num_golden=made.num_golden,
        is_compiled=made.is_compiled,
    )


def _image(
    context: Context, target: Target, settings: PackageSettings, engine: Engine | None, tell: Callable[[str], object]
) -> Package:
    made = Package(target, context.folder, context.name, context.artifact.version, context.size_bytes)
    if engine is None:
        return made
    stage = STAGES[target]
    image = f"{context.name}:{image_tag(target, made.version)}"
    tell(f"building {image}")
    engine.build(context.folder, stage, image, settings.build_options(), tell)
    tell("running it and replaying the golden examples")
    num_golden = _replay(engine, context.artifact, stage, image)
    return replace(made, image=image, image_bytes=engine.size_bytes(image), num_golden=num_golden)


def _replay(engine: Engine, artifact: Artifact, stage: str, image: str) -> int:
    if stage == "lambda":
        output = engine.ask_once(image, ASK_FUNCTION, questions(artifact))
    else:
        with engine.running(image) as container:
            output = engine.ask_in(container, ASK_SERVER, questions(artifact))
    return check_answers(artifact, output, f"the image {image}")


def _require_own(out: Path) -> None:
    is_ours = (out / MARK).is_file() or (out / "function.zip").is_file()
    if out.exists() and not is_ours and (not out.is_dir() or any(out.iterdir())):
        raise SettingsError(f"{out} exists and is no package; give an --out that is new, empty or a package")


@contextmanager
def _told_when_full(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise PackageSpaceError(
            f"there is no room on the disk for {out} or in the temporary folder; free some"
        ) from error
