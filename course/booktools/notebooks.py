"""The notebooks for Colab and Jupyter, made from the lessons: a badge, a set-up cell, plain Markdown, no outputs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import nbformat
from nbformat import NotebookNode

from booktools.forms import for_colab, with_numbers
from booktools.layout import NOTEBOOKS, colab_url, repository
from booktools.lessons import Lesson
from textwright.core.files import write_text

_BADGE: Final = "https://colab.research.google.com/assets/colab-badge.svg"
_FIRST_CELL: Final = Path(__file__).with_name("first_cell.py")
_FOLDED: Final = {"hide-input": "Draw the figure", "claim": "Compare this run with the page"}
"""Tag of a cell whose code is closed -> the title that stands there instead."""


def setup_cell(stem: str, *packages: str) -> NotebookNode:
    """Write the set-up cell of a lesson, and of the packages it needs, for the repository of ``course.toml``."""
    home = repository()
    url = f"https://github.com/{home['owner']}/{home['name']}" if home["owner"] else ""
    _, _, code = _FIRST_CELL.read_text(encoding="utf-8").split('"""', 2)
    arguments = ", ".join(f'"{each}"' for each in (url, home["branch"], stem, *packages))
    return _folded(f"{code.strip()}\n\n\nset_up({arguments})", "Set up: run this cell first")


def notebook_of(lesson: Lesson, printed: Mapping[str, str], *, draft: bool = False) -> NotebookNode:
    """Make the notebook of a lesson.

    Args:
        lesson: The source.
        printed: Committed numbers, "NN.name" -> text.
        draft: Allow numbers that have no result yet.

    Returns:
        A valid notebook without outputs; equal sources and numbers give equal bytes. It has a badge if ``course.toml``
        names the repository's owner.
    """
    url = colab_url(lesson.stem)
    cells = [nbformat.v4.new_markdown_cell(f"[![Open in Colab]({_BADGE})]({url})")] * bool(url)
    cells.append(setup_cell(lesson.stem, *filter(None, [lesson.environment, *lesson.packages])))
    for cell in lesson.notebook.cells:
        if cell.cell_type == "markdown":
            cells.append(nbformat.v4.new_markdown_cell(for_colab(with_numbers(cell.source, printed, draft=draft))))
        elif "solution" in cell.metadata.get("tags", []):
            fold = f"<details><summary>A checked solution</summary>\n\n```python\n{cell.source}\n```\n\n</details>"
            cells.append(nbformat.v4.new_markdown_cell(fold))
        else:
            cells.append(_code_cell(cell))
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number:03}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}, "colab": {"provenance": []}}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=metadata)
    nbformat.validate(notebook)
    return notebook


def _code_cell(cell: NotebookNode) -> NotebookNode:
    title = next((_FOLDED[tag] for tag in cell.metadata.get("tags", []) if tag in _FOLDED), None)
    return nbformat.v4.new_code_cell(cell.source) if title is None else _folded(cell.source, title)


def _folded(code: str, title: str) -> NotebookNode:
    """Make a cell whose code Colab (form), JupyterLab (source_hidden) and Jupyter Book (hide-input) show closed."""
    metadata = {"cellView": "form", "jupyter": {"source_hidden": True}, "tags": ["hide-input"]}
    return nbformat.v4.new_code_cell(f'#@title {title} {{ display-mode: "form" }}\n{code}', metadata=metadata)


def notebook_text(lesson: Lesson, printed: Mapping[str, str], *, draft: bool = False) -> str:
    """Write a lesson's notebook as the file that is committed."""
    return nbformat.writes(notebook_of(lesson, printed, draft=draft)) + "\n"


def write_notebooks(lessons: list[Lesson], printed: Mapping[str, str], *, draft: bool = False) -> list[Path]:
    """Write the notebooks of lessons; remove those whose lesson is gone."""
    NOTEBOOKS.mkdir(exist_ok=True)
    paths = []
    for lesson in lessons:
        paths.append(NOTEBOOKS / f"{lesson.stem}.ipynb")
        write_text(paths[-1], notebook_text(lesson, printed, draft=draft))
    return paths
