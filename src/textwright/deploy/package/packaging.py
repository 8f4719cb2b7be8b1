"""The flow from an artifact to a package that has answered its golden examples, for whatever it is packaged for."""

from __future__ import annotations

import errno
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from textwright.deploy import OnStep
from textwright.deploy.cost_estimate.measure import Measured
from textwright.deploy.package import base_image
from textwright.deploy.package.context import MARK, Scoring, write_context
from textwright.deploy.package.engine import ContainerEngine
from textwright.deploy.package.settings import ImageSettings, PackageSettings
from textwright.deploy.smoke_test import SmokeTest
from textwright.errors import BaseImageError, PackageSpaceError, SettingsError
from textwright.optional_deps import require

if TYPE_CHECKING:
    from textwright.core.artifact import Artifact


@dataclass(frozen=True, slots=True)
class Package:
    """What was made.

    Args:
        target: What it is for, as ``--target`` names it.
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

    target: str
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


class PackageFormat(ABC):
    """One way to package an artifact: a value of ``textwright package --target``."""

    name: ClassVar[str]
    """As it is typed after ``--target``."""
    description: ClassVar[str]
    """What it is, for the help: a noun phrase without a full stop."""
    kind: ClassVar[Literal["image", "zip"]]
    """What is made."""

    def check_engine(self, settings: ImageSettings) -> None:  # noqa: B027  a zip needs none
        """Refuse to begin without the container engine that is needed.

        Raises:
            ContainerEngineError: If there is none, or its daemon does not answer.
        """

    @abstractmethod
    def make(
        self, artifact: Artifact, out: Path, settings: PackageSettings, measured: Measured | None, report: OnStep
    ) -> Package:
        """Write the package; see :func:`package`.

        Args:
            artifact: A verified artifact.
            out: Folder to write into.
            settings: The choices.
            measured: What the model's server was measured to need; None if that is not known.
            report: Called with what is being done.
        """

    @abstractmethod
    def next_step(self, result: Package, path: str) -> str:
        """Say what to do with a package; ``path`` is its path as a shell takes it."""


def package(
    artifact: Artifact, form: PackageFormat, out: Path, settings: PackageSettings, *, report: OnStep
) -> Package:
    """Package an artifact; what was built and run has answered its golden examples, or there is an error.

    Args:
        artifact: A verified artifact; it is not verified again.
        form: How.
        out: Folder to write into.
        settings: The choices.
        report: Called with what is being done, a line at a time.

    Returns:
        What was made.

    Raises:
        MissingExtraError: If the extra "server" is not installed.
        SettingsError: If ``out`` holds something else, or a choice is impossible.
        NotFoundError: If there is no such variant.
        GoldenMismatchError: If the artifact here, or what was built, does not reproduce.
        PackageTooLargeError: If a zip is larger than Lambda takes.
        PackageSpaceError: If the disk is full.
        ContainerEngineError: If there is no engine, or it fails.
        BaseImageError: If the digest of the base image is wanted and its registry does not give it.
    """
    require("server", what="packaging")
    _require_own(out)
    if settings.build:
        form.check_engine(settings)
    measured = _read_measured(settings, artifact)
    report(f"verifying {artifact.manifest.name} {artifact.version} and looking up the wheels")
    with _full_disk_as_error(out):
        return form.make(artifact, out, settings, measured, report)


class ImageFormat(PackageFormat):
    """An image of a stage of the one Dockerfile: one repository holds the server and the function of a model."""

    kind = "image"
    stage: ClassVar[str]
    """Name of the stage."""
    tag_suffix: ClassVar[str] = ""
    """What follows the version in the image's tag."""
    scoring: ClassVar[Scoring | None] = None
    """What an image for bulk scoring holds; None for others."""

    @abstractmethod
    def answers(self, engine: ContainerEngine, image: str, bodies: Sequence[str]) -> str:
        """Run an image and send it requests.

        Returns:
            What :mod:`textwright.deploy.smoke_test` reads answers from.
        """

    @abstractmethod
    def run_step(self, image: str) -> str:
        """Say what to do with an image that was built."""

    def check_engine(self, settings: ImageSettings) -> None:
        """Look whether the engine answers."""
        ContainerEngine(settings.engine)

    def make(
        self, artifact: Artifact, out: Path, settings: PackageSettings, measured: Measured | None, report: OnStep
    ) -> Package:
        """Write the build context; with ``settings.build`` build it, run it and replay the golden examples."""
        base = self._base_image(settings, report)
        context = write_context(
            artifact,
            settings.variant,
            out,
            python=settings.image_python,
            base_image=base,
            measured=measured,
            example_text=settings.example_text,
            scoring=self.scoring,
        )
        result = Package(
            self.name, context.folder, context.name, context.artifact.version, context.size_bytes, base_image=base
        )
        if not settings.build:
            return result
        engine, image = ContainerEngine(settings.engine), f"{context.name}:{self.tag(result.version)}"
        report(f"building {image}")
        engine.build(context.folder, self.stage, image, settings.build_options(), report)
        report("running it and replaying the golden examples")
        smoke_test = SmokeTest(context.artifact)
        output = self.answers(engine, image, smoke_test.bodies)
        num_golden = smoke_test.check_output(output, f"the image {image}")
        return replace(result, image=image, image_bytes=engine.size_bytes(image), num_golden=num_golden)

    def tag(self, version: str) -> str:
        """Return the tag of an image of a version of the artifact."""
        return f"{version}{self.tag_suffix}"

    def next_step(self, result: Package, path: str) -> str:
        """Say how to build, or to run, what was made."""
        if result.image is None:
            return f"docker build --target {self.stage} --tag {result.name}:{self.tag(result.version)} {path}"
        return self.run_step(result.image)

    def _base_image(self, settings: ImageSettings, report: OnStep) -> str:
        """Choose the image to build on; an own one keeps its name, which may be of this machine alone."""
        image = settings.base_image or base_image.OFFICIAL.format(python=settings.image_python)
        is_wanted = settings.base_image is None if settings.pin_base_image is None else settings.pin_base_image
        if not is_wanted:
            return image
        report(f"looking up the digest of {image}")
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


def _require_own(out: Path) -> None:
    is_ours = (out / MARK).is_file() or (out / "function.zip").is_file()
    if out.exists() and not is_ours and (not out.is_dir() or any(out.iterdir())):
        raise SettingsError(f"{out} exists and is no package; give an --out that is new, empty or a package")


@contextmanager
def _full_disk_as_error(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise PackageSpaceError(
            f"there is no room on the disk for {out} or in the temporary folder; free some"
        ) from error
