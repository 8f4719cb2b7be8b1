"""Write the sources of the reference into the folder that Sphinx reads."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from reference import artifact_format, commands, error_codes, guides, http_api, python_api, settings
from reference.example_model import train_example_model
from reference.markdown import toctree
from textwright.core.files import write_text

FRONT_PAGE: Final = "# Textwright\n\nThe reference without the course; `make course` builds both.\n"
"""Stands in the place of the course's front page where no lesson is built."""
_PARTS: Final = (
    ("reference/python/index", "Python API", "every public name, from its docstring"),
    ("reference/commands/index", "Command line", "every command and flag"),
    ("reference/http/index", "HTTP API", "every route with a curl line, a Python program and an answer"),
    ("reference/settings/index", "Settings", "flags, environment variables and recipes"),
    ("reference/artifact", "Artifact format", "the manifest field by field"),
    ("reference/errors", "Errors", "every code with its cure, HTTP status and exit code"),
    ("docs/index", "How-to guides", "data, rare labels, optimizing, serving, deploying"),
    ("docs/decisions/index", "Decisions", "why it is built like this"),
)


def write_reference(source: Path) -> None:
    """Write every page of the reference.

    Args:
        source: The folder that Sphinx reads.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        artifact = train_example_model(folder)
        _write(source / "reference" / "http", http_api.pages(artifact, folder))
        _write(source / "reference", {"artifact.md": artifact_format.page(artifact), "errors.md": error_codes.page()})
    _write(source / "reference" / "python", python_api.pages())
    _write(source / "reference" / "commands", commands.pages())
    _write(source / "reference" / "settings", settings.pages())
    _write(source / "docs", guides.pages())
    shutil.copytree(guides.DOCS / "images", source / "docs" / "images")


def front_page_part() -> str:
    """Write the reference's part of the front page, with its table of contents."""
    rows = "\n".join(f"- [{title}]({page}.md): {words}" for page, title, words in _PARTS)
    tree = toctree(f"{title} <{page}>" for page, title, _ in _PARTS)
    return f"\n## Reference\n\n{rows}\n\n{tree.replace(':maxdepth: 1', ':hidden:' + chr(10) + ':caption: Reference')}"


def _write(folder: Path, pages: Mapping[str, str]) -> None:
    for name, text in pages.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)
