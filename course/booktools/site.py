"""Assemble the site: prose with its committed numbers, outputs of the best run that is there, built by Sphinx."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

import nbformat
from nbformat import NotebookNode

from bookkit.timelines import Row, committed_claims, rows
from booktools import read_on, timeline_page
from booktools.forms import for_page, with_numbers
from booktools.layout import BUILD, COURSE, SITE, colab_url, paths
from booktools.lessons import Lesson, LessonError
from booktools.results import newest_run
from booktools.slides.build import build_slides, decks_within
from booktools.slides.listing import NAME as SLIDES_PAGE
from booktools.slides.listing import front_page_part as slides_part
from booktools.slides.listing import slides_page
from booktools.slides.source import Deck, find_decks
from textwright.core.files import write_text

SOURCE: Final = BUILD / "source"
_CHECK: Final = re.compile(r"^✓ \w+ = .*\n?", re.MULTILINE)
_SMALL_RUN: Final = (
    ":::{warning}\nThe outputs on this page come from a small run that only checks that the code works. "
    "The numbers in the text come from the full run.\n:::"
)

_ON_COLAB: Final = (
    "Open a page and press *Open in Colab*; the first cell installs what the lesson needs. On your own machine, in a\n"
    "clone of the repository:"
)
_ON_OWN_MACHINE: Final = (
    "In Colab: each page gets its button *Open in Colab* as soon as the repository has an address on GitHub, which\n"
    "`course/course.toml` names. On your own machine, in a clone of the repository:"
)


def build_site(lessons: list[Lesson], printed: Mapping[str, str], *, draft: bool = False) -> Path:
    """Build the whole site from executed lessons and the reference.

    Args:
        lessons: In their order; none builds the reference alone.
        printed: Committed numbers, "NN.name" -> text.
        draft: Allow numbers that have no result yet.

    Returns:
        The folder with ``index.html``.

    Raises:
        LessonError: If a lesson was not executed since its code changed, or Sphinx finds a fault.
    """
    from reference.build import FRONT_PAGE, front_page_part, write_reference  # the whole package, with torch

    shutil.rmtree(SOURCE, ignore_errors=True)
    shutil.rmtree(SITE, ignore_errors=True)
    SOURCE.mkdir(parents=True)
    for lesson in lessons:
        page = page_of(lesson, newest_run(lesson), printed, draft=draft)
        write_text(SOURCE / f"{lesson.stem}.ipynb", nbformat.writes(page))
    write_reference(SOURCE)
    shutil.copytree(COURSE / "recorded", SOURCE / "recorded", ignore=shutil.ignore_patterns("*.json"))
    found = rows(committed_claims()) if lessons else []
    if found:
        write_text(SOURCE / f"{timeline_page.NAME}.md", timeline_page.page(found, lessons))
    decks = decks_within(find_decks([]), lessons)
    if decks:
        write_text(SOURCE / f"{SLIDES_PAGE}.md", slides_page(decks))
    write_text(SOURCE / "index.md", (index_of(lessons, found, decks) if lessons else FRONT_PAGE) + front_page_part())
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-c", str(COURSE), str(SOURCE), str(SITE)]
    if subprocess.run(command, check=False).returncode != 0:
        raise LessonError("Sphinx found the faults above")
    build_slides(decks, lessons, printed, draft=draft)
    return SITE


def page_of(lesson: Lesson, run: NotebookNode, printed: Mapping[str, str], *, draft: bool = False) -> NotebookNode:
    """Join a lesson's present prose with the outputs of a run of its present code."""
    outputs = iter([cell for cell in run.cells if cell.cell_type == "code"])
    cells = []
    for cell in lesson.notebook.cells:
        if cell.cell_type == "markdown":
            cells.append(nbformat.v4.new_markdown_cell(for_page(with_numbers(cell.source, printed, draft=draft))))
        else:
            cells.append(_shown(next(outputs)))
    head = _head(lesson)
    if run.metadata["course"]["profile"] == "smoke":
        head += f"\n\n{_SMALL_RUN}"
    cells[0] = nbformat.v4.new_markdown_cell(_under_title(cells[0].source, head))
    if end := read_on.section(lesson):
        cells.append(nbformat.v4.new_markdown_cell(for_page(end)))
    return nbformat.v4.new_notebook(cells=cells, metadata=run.metadata)


def index_of(lessons: list[Lesson], found: Sequence[Row] = (), decks: Sequence[Deck] = ()) -> str:
    """Write the front page and the table of contents, by part.

    Args:
        lessons: In their order.
        found: Rows of the timeline; with none, neither the figure nor the link is there.
        decks: Of the slides; with none, the link is not there.
    """
    parts = ""
    for part, members in groupby(lessons, key=lambda lesson: str(lesson.header["part"])):
        names = list(members)
        rows = "\n".join(
            f"- [{one.number} {one.header['title']}]({one.stem}.ipynb): {one.header['question']}" for one in names
        )
        tree = "\n".join(f"{one.number} {one.header['title']} <{one.stem}>" for one in names)
        parts += f"\n## {part}\n\n{rows}\n\n```{{toctree}}\n:hidden:\n:caption: {part}\n\n{tree}\n```\n"
    page = (COURSE / "index.md").read_text(encoding="utf-8").replace("<!-- lessons -->", parts)
    page = page.replace("<!-- paths -->", _paths_table(lessons))
    if found:
        drawn = timeline_page.front_page_figure(found)
        tree = f"```{{toctree}}\n:hidden:\n\nThe timeline <{timeline_page.NAME}>\n```\n"
        page = page.replace("<!-- timeline -->", f"## Ten years on one task\n\n{drawn}\n\n{tree}")
    page = page.replace("<!-- slides -->", slides_part(decks) if decks else "")
    return page.replace("<!-- colab -->", _ON_COLAB if colab_url("") else _ON_OWN_MACHINE)


def _paths_table(lessons: list[Lesson]) -> str:
    """Write the ways through the course; a lesson that is not on this site is not linked."""
    known = {lesson.number: lesson for lesson in lessons}
    everything = {"title": "Everything", "goal": "All of it, in order", "lessons": list(known)}
    rows = ["| | you will have | hours | lessons |", "|---|---|---:|---|"]
    for path in [*paths(), everything]:
        members = [known[number] for number in path["lessons"] if number in known]
        if members:
            hours = sum(member.reading_minutes for member in members) / 60
            links = ", ".join(f"[{one.number.lstrip('0') or '0'}]({one.stem}.ipynb)" for one in members)
            shown = links if path is not everything else f"all {len(members)}"
            rows.append(f"| **{path['title']}** | {path['goal']} | {hours:.0f} | {shown} |")
    return "\n".join(rows)


def _head(lesson: Lesson) -> str:
    head = f"{{.question}}\n{lesson.header['question']}"
    url = colab_url(lesson.stem)
    return f"{head}\n\n{{.facts}}\n[Open in Colab]({url}){{.colab}}" if url else head


def _under_title(markdown: str, head: str) -> str:
    title, _, rest = markdown.partition("\n")
    if not title.startswith("# "):
        raise LessonError(f"a lesson begins with its title, not with {title!r}")
    return f"{title}\n\n{head}\n{rest}"


def _shown(cell: NotebookNode) -> NotebookNode:
    """Fold what a reader opens on purpose: solutions, checks of the build, and cells that only draw."""
    tags = cell.metadata.get("tags", [])
    if "solution" in tags:
        _fold(cell, "hide-cell", "Show a checked solution", "Hide the solution")
    elif "claim" in tags:
        _fold(cell, "hide-cell", "Checked: the numbers of the text", "Hide what was checked")
    elif "hide-input" in tags:
        _fold(cell, "hide-input", "Show the code", "Hide the code")
    else:
        cell.outputs = [output for output in map(_without_checks, cell.outputs) if output.get("text") != ""]
    return cell


def _fold(cell: NotebookNode, tag: str, closed: str, opened: str) -> None:
    cell.metadata["tags"] = list(dict.fromkeys([*cell.metadata["tags"], tag]))
    cell.metadata["mystnb"] = {"code_prompt_show": closed, "code_prompt_hide": opened}


def _without_checks(output: NotebookNode) -> NotebookNode:
    """Leave out the lines of claims: what a check printed is no result."""
    if output.output_type == "stream":
        output.text = _CHECK.sub("", output.text)
    return output
