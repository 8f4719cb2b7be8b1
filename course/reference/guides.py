"""The pages of ``docs/``: copied as they are, with links that leave the folder led to the repository."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from booktools.layout import COURSE, repository
from reference.markdown import toctree

ROOT: Final = COURSE.parent
DOCS: Final = ROOT / "docs"
_FENCED: Final = re.compile(r"(^```.*?^```\s*$)", re.MULTILINE | re.DOTALL)
_CODE: Final = re.compile(r"(`[^`]+`)")
_LINK: Final = re.compile(r"(\]\()(?!https?:|mailto:|#)([^)\s#]+)([^)]*\))")
_GROUPS: Final = {
    "": "Data, training and results",
    "families": "Families",
    "optimize": "Faster and smaller",
    "operations": "Running a server",
    "deploy": "Deploying",
}
_GUIDES: Final = "# How-to guides\n"
_DECISIONS: Final = (
    "# Decisions\n\nWhy Textwright is built as it is, one decision a page, in the order they were made.\n"
)


def pages() -> dict[str, str]:
    """Copy every page of ``docs/`` and list them, file name below ``docs/`` -> Markdown."""
    sources = sorted(DOCS.rglob("*.md"))
    copied = {str(path.relative_to(DOCS)): adapted(path.read_text(encoding="utf-8"), path) for path in sources}
    groups = [*_GROUPS, *sorted({folder_of(name) for name in copied} - {*_GROUPS, "decisions"})]
    guides = [_GUIDES]
    for group in groups:
        members = [name.removesuffix(".md") for name in copied if folder_of(name) == group]
        guides += [f"## {_GROUPS.get(group, group.capitalize())}\n", toctree(members)]
    decisions = [
        name.removeprefix("decisions/").removesuffix(".md") for name in copied if folder_of(name) == "decisions"
    ]
    return {**copied, "index.md": "\n".join(guides), "decisions/index.md": f"{_DECISIONS}\n{toctree(decisions)}"}


def folder_of(name: str) -> str:
    """Name the folder of a page below ``docs/``; empty for one in it."""
    return str(Path(name).parent).removeprefix(".")


def adapted(text: str, path: Path) -> str:
    """Lead links out of ``docs/`` to the repository, and keep dollars from being read as formulas.

    Args:
        text: The page.
        path: Its file.
    """
    parts = _FENCED.split(text)
    return "".join(part if number % 2 else _prose(part, path) for number, part in enumerate(parts))


def _prose(text: str, path: Path) -> str:
    linked = _LINK.sub(lambda match: match[1] + _target(match[2], path) + match[3], text)
    parts = _CODE.split(linked)
    return "".join(part if number % 2 else part.replace("$", "\\$") for number, part in enumerate(parts))


def _target(link: str, path: Path) -> str:
    """Keep a link to a page or a picture of ``docs/``; a folder of decisions is its list."""
    target = (path.parent / link).resolve()
    if target == DOCS / "decisions":
        return f"{link.rstrip('/')}/index.md"
    if target.is_relative_to(DOCS) and target.suffix in {".md", ".png"}:
        return link
    return repository_url(target)


def repository_url(path: Path) -> str:
    """Return the address of a file or folder of the repository."""
    kind = "tree" if path.is_dir() else "blob"
    return "https://github.com/{owner}/{name}/{kind}/{branch}/{path}".format(
        **repository(), kind=kind, path=path.relative_to(ROOT)
    )
