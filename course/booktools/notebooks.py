"""The notebooks for Colab, made from the lessons: a badge, a set-up cell, plain Markdown, no outputs."""

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

_SETUP: Final = """\
#@title Set up: installs Textwright in Colab; does nothing where it is there already {{ display-mode: "form" }}
import importlib.util
import subprocess
import sys
from pathlib import Path

here = [folder / "course" for folder in (Path.cwd(), *Path.cwd().parents) if (folder / "course" / "bookkit").is_dir()]
if not here:
    subprocess.run(["git", "clone", "--quiet", "--depth", "1", "--branch", "{branch}", "{url}", "{name}"], check=True)
    here = [Path("{name}", "course").resolve()]
sys.path.insert(0, str(here[0]))
if importlib.util.find_spec("textwright") is None:
    source = f"{{here[0].parent}}[aws,server,train]"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--editable", source], check=True)
    sys.path.insert(0, str(here[0].parent / "src"))"""


def setup_cell() -> str:
    """Write the set-up cell for the repository of ``course.toml``."""
    home = repository()
    return _SETUP.format(url=f"https://github.com/{home['owner']}/{home['name']}", **home)


def notebook_of(lesson: Lesson, printed: Mapping[str, str], *, draft: bool = False) -> NotebookNode:
    """Make the notebook of a lesson.

    Args:
        lesson: The source.
        printed: Committed numbers, "NN.name" -> text.
        draft: Allow numbers that have no result yet.

    Returns:
        A valid notebook without outputs; equal sources and numbers give equal bytes.
    """
    badge = f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({colab_url(lesson.stem)})"
    cells = [nbformat.v4.new_markdown_cell(badge), nbformat.v4.new_code_cell(setup_cell())]
    for cell in lesson.notebook.cells:
        if cell.cell_type == "markdown":
            cells.append(nbformat.v4.new_markdown_cell(for_colab(with_numbers(cell.source, printed, draft=draft))))
        elif "solution" in cell.metadata.get("tags", []):
            fold = f"<details><summary>A checked solution</summary>\n\n```python\n{cell.source}\n```\n\n</details>"
            cells.append(nbformat.v4.new_markdown_cell(fold))
        else:
            cells.append(nbformat.v4.new_code_cell(cell.source))
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number:03}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}, "colab": {"provenance": []}}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=metadata)
    nbformat.validate(notebook)
    return notebook


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
