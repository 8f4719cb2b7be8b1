"""Markdown from plain text, docstrings and rows of tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>$|#])")
_ROLE: Final = re.compile(r":[\w:]+:`~?([^`]+)`")
_CODE: Final = re.compile(r"(``.+?``|`[^`]+`|(?<![\w-])--[a-z][\w.-]*\w)", re.DOTALL)
_MARK: Final = re.compile(r"<!-- (\w+) -->")
_TEMPLATES: Final = Path(__file__).parent / "templates"
_PARAGRAPHS: Final = re.compile(r"\n\s*\n")


def escape(text: str) -> str:
    """Escape what Markdown would read as markup."""
    return _SPECIAL.sub(r"\\\1", text)


def code(text: object) -> str:
    """Set a value in code, also inside the cell of a table."""
    return f"`{str(text).replace('|', chr(92) + '|')}`"


def prose(text: str) -> str:
    """Turn the text of a docstring or of a help into one paragraph of Markdown.

    Args:
        text: Plain text; parts in single or double backticks, roles of reST and flags are code.
    """
    parts = _CODE.split(" ".join(_ROLE.sub(r"``\1``", text).split()))
    return "".join(code(part.strip("`")) if number % 2 else escape(part) for number, part in enumerate(parts))


def paragraphs(text: str) -> str:
    """Turn plain text into paragraphs of Markdown."""
    return "\n\n".join(prose(part) for part in _PARAGRAPHS.split(text.strip()) if part.strip())


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table; its cells are Markdown of one line."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(' '.join(cell.split()) for cell in line)} |" for line in lines) + "\n"


def fence(language: str, text: str) -> str:
    """Show text as code of a language."""
    return f"```{language}\n{text.rstrip()}\n```\n"


def toctree(pages: Iterable[str], *, depth: int = 1) -> str:
    """List pages in the order of the site."""
    listed = "\n".join(pages)
    return f"```{{toctree}}\n:maxdepth: {depth}\n\n{listed}\n```\n"


def filled(template: str, **parts: str) -> str:
    """Read a page written by hand and put what is generated where its comments name it.

    Args:
        template: Name of the file in ``templates/``, without its ending.
        parts: Name of the comment, such as ``rows`` for ``<!-- rows -->``, -> Markdown.

    Raises:
        ValueError: If a comment has no part, or a part no comment.
    """
    text = (_TEMPLATES / f"{template}.md").read_text(encoding="utf-8")
    if set(_MARK.findall(text)) != set(parts):
        raise ValueError(f"{template}.md has places for {_MARK.findall(text)}, but {list(parts)} were made")
    return _MARK.sub(lambda match: parts[match[1]], text)
