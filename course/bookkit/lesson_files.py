"""The files that a lesson's cells write, for another lesson that goes on with them."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Final

_LESSONS: Final = Path(__file__).parents[1] / "lessons"
_CELL: Final = re.compile(r"^```\{code-cell\}[^\n]*\n(?::[^\n]*\n)*(.*?)^```$", re.DOTALL | re.MULTILINE)
_SAVED: Final = re.compile(r'\Akit\.save_cell\("([^"]+)"\)\n(.*)', re.DOTALL)


def copy_file(number: str, name: str) -> str:
    """Write the file that a cell of another lesson writes into the current folder, under its own name.

    Args:
        number: Of the lesson, for example "24a".
        name: Of the file, as the lesson's cell names it.

    Returns:
        Its text.

    Raises:
        KeyError: If no cell of the lesson writes it.
    """
    text = files_of(number)[name]
    Path(name).write_text(text, encoding="utf-8")
    return text


def files_of(number: str) -> dict[str, str]:
    """Read the files that a lesson's cells write: by ``kit.save_cell``, or a literal by ``Path(...).write_text``.

    Args:
        number: Of the lesson.
    """
    (path,) = _LESSONS.glob(f"{number}-*.md")
    found: dict[str, str] = {}
    for cell in _CELL.findall(path.read_text(encoding="utf-8")):
        if saved := _SAVED.match(cell):
            found[saved[1]] = f"{saved[2].strip()}\n"
        else:
            found |= dict(filter(None, map(_written, ast.walk(ast.parse(cell)))))
    return found


def _written(node: ast.AST) -> tuple[str, str] | None:
    """Read name and text of ``Path("name").write_text("text")``; None if a node is something else."""
    match node:
        case ast.Call(
            func=ast.Attribute(value=ast.Call(func=ast.Name(id="Path"), args=[ast.Constant(name)]), attr="write_text"),
            args=[ast.Constant(text)],
        ):
            return name, text
    return None
