"""``textwright package``: an artifact as a container's build context, an image or a Lambda zip."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from textwright.deploy.package.settings import PackageSettings
from textwright.deploy.targets import find_format, package_formats
from textwright.display.terminal import DEFAULT_OUTPUT, Output, Terminal

if TYPE_CHECKING:
    from textwright.deploy.package.packaging import Package

DEFAULT_PACKAGE = PackageSettings()
if TYPE_CHECKING:
    Format = str
else:
    Format = Literal[tuple(package_formats())]
_HELP = " ".join(f"{form.name}: {form.description}." for form in package_formats().values())


def package(
    artifact: Path,
    /,
    *,
    target: Annotated[Format, Parameter(help=_HELP)],
    out: Path,
    packaging: Annotated[PackageSettings, Parameter(name="*", group="Packaging")] = DEFAULT_PACKAGE,
    output: Annotated[Output, Parameter(name="*", group="Output")] = DEFAULT_OUTPUT,
) -> None:
    """Package an artifact for a container or for Lambda: self-contained, locked, the same bytes each time.

    Example: textwright package runs/demo --target docker --out build/demo --build

    Args:
        artifact: An artifact folder, or the run folder that holds it.
        target: What to make.
        out: Folder to write into: the build context, or function.zip.
    """
    from textwright.core import artifact as artifacts
    from textwright.deploy.package.packaging import package as make
    from textwright.optional_deps import require

    require("deploy", what="packaging")
    terminal = Terminal(output)
    with terminal.steps("packaging") as on_step:
        result = make(artifacts.read(artifact), find_format(target), out, packaging, report=on_step)
    terminal.result(result.to_json(), lambda: _show(terminal, result))
    if not result.is_compiled:
        terminal.note(
            "no Python of the runtime's version was found, so the zip holds no compiled files and was not run: its "
            "init takes twice as long; install that Python and package again"
        )
    if result.base_image and "@" not in result.base_image:
        terminal.note(
            f"the base image {result.base_image} is named by its tag, which moves; --pin-base-image takes its digest"
        )
    terminal.next(find_format(target).next_step(result, shlex.quote(str(result.path))))


def _show(terminal: Terminal, result: Package) -> None:
    terminal.say(f"{result.path}   {result.size_bytes / 1e6:.1f} MB   model {result.name} {result.version}")
    if result.image:
        terminal.say(f"image {result.image}   {(result.image_bytes or 0) / 1e6:.0f} MB with its base")
    if result.num_golden:
        terminal.say(f"it ran and answered its {result.num_golden} golden examples")
