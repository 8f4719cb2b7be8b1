"""``textwright package``: an artifact as a container's build context, an image or a Lambda zip."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from textwright.deploy.package.settings import PackageSettings, Target
from textwright.display.terminal import DEFAULT_OUTPUT, Output, Terminal

if TYPE_CHECKING:
    from textwright.deploy.package.packaging import Package

DEFAULT_PACKAGE = PackageSettings()


def package(
    artifact: Path,
    /,
    *,
    target: Target,
    out: Path,
    packaging: Annotated[PackageSettings, Parameter(name="*", group="Packaging")] = DEFAULT_PACKAGE,
    output: Annotated[Output, Parameter(name="*", group="Output")] = DEFAULT_OUTPUT,
) -> None:
    """Package an artifact for a container or for Lambda: self-contained, locked, the same bytes each time.

    Example: textwright package runs/demo --target docker --out build/demo --build

    Args:
        artifact: An artifact folder, or the run folder that holds it.
        target: docker: the REST API as an image. lambda-image: a Lambda function as an image. lambda-zip: one as a zip,
            for the managed Python runtimes on x86_64.
        out: Folder to write into: the build context, or function.zip.
    """
    from textwright.deploy.package.packaging import package as make
    from textwright.extras import require

    require("deploy", what="packaging")
    terminal = Terminal(output)
    with terminal.steps("packaging") as tell:
        made = make(artifact, target, out, packaging, tell=tell)
    terminal.result(made.to_json(), lambda: _show(terminal, made))
    if not made.is_compiled:
        terminal.note(
            "no Python of the runtime's version was found, so the zip holds no compiled files and was not run: its "
            "init takes twice as long; install that Python and package again"
        )
    if made.base_image and "@" not in made.base_image:
        terminal.note(
            f"the base image {made.base_image} is named by its tag, which moves; --pin-base-image takes its digest"
        )
    terminal.next(_next(made))


def _show(terminal: Terminal, made: Package) -> None:
    terminal.say(f"{made.path}   {made.size_bytes / 1e6:.1f} MB   model {made.name} {made.version}")
    if made.image:
        terminal.say(f"image {made.image}   {(made.image_bytes or 0) / 1e6:.0f} MB with its base")
    if made.num_golden:
        terminal.say(f"it ran and answered its {made.num_golden} golden examples")


def _next(made: Package) -> str:
    folder = shlex.quote(str(made.path))
    if made.target == "lambda-zip":
        return f"upload {folder} to a function of runtime python3.12, x86_64, handler function.handler"
    if made.image is None:
        from textwright.deploy.package.packaging import image_tag

        stage = "server" if made.target == "docker" else "lambda"
        return f"docker build --target {stage} --tag {made.name}:{image_tag(made.target, made.version)} {folder}"
    if made.target == "docker":
        return f"docker run --read-only --tmpfs /tmp --cap-drop ALL --publish 8000:8000 {made.image}"
    return f"push {made.image} to a registry and make a function of it"
