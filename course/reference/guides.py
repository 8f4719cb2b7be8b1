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
_LINK: Final = re.compile(r"\[(?P<text>[^\]]*)\]\((?!https?:|mailto:|#)(?P<file>[^)\s#]+)(?P<anchor>[^)]*)\)")
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
    linked = _LINK.sub(lambda match: _link(match["text"], match["file"], match["anchor"], path), text)
    parts = _CODE.split(linked)
    return "".join(part if number % 2 else part.replace("$", "\\$") for number, part in enumerate(parts))


def _link(text: str, file: str, anchor: str, path: Path) -> str:
    """Keep a link to a page or a picture of ``docs/``; lead one to its folder of decisions to their list."""
    target = (path.parent / file).resolve()
    if target == DOCS / "decisions":
        return f"[{text}]({file.rstrip('/')}/index.md)"
    if target.is_relative_to(DOCS) and target.suffix in {".md", ".png"}:
        return f"[{text}]({file}{anchor})"
    inside = target.relative_to(ROOT)
    home = repository()
    if not home["owner"]:  # not yet published
        return f"{text} (`{inside}`)"
    kind = "tree" if target.is_dir() else "blob"
    return f"[{text}](https://github.com/{home['owner']}/{home['name']}/{kind}/{home['branch']}/{inside}{anchor})"
