"""A lesson's source: one MyST-Markdown notebook, ``lessons/NN-short-name.md``; ``NNa-`` comes before ``NN-``."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import jupytext
import yaml
from nbformat import NotebookNode

from booktools.layout import LESSONS

_HEADER = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
_NAME = re.compile(r"\d\d[a-z]?-[a-z0-9-]+")
STEPS = ("Plan", "Run", "Look", "Why", "Break it", "Exercises", "In production", "Quiz")
"""Second-level headings of every lesson, in order; each may go on after a colon."""


class LessonError(ValueError):
    """A lesson does not have the form."""


def front_matter(path: Path, key: str) -> dict[str, Any]:
    """Read a table of the front matter of a Markdown file.

    Raises:
        LessonError: If there is none of that name.
    """
    header = _HEADER.match(path.read_text(encoding="utf-8"))
    if header is None:
        raise LessonError(f"{path.name} has no front matter between --- lines")
    try:
        return dict(yaml.safe_load(header[1])[key])
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise LessonError(f"{path.name}: the front matter needs a YAML table {key}: {error}") from error


@dataclass(frozen=True)
class Lesson:
    """One lesson.

    Args:
        path: Of its source.
    """

    path: Path

    @property
    def stem(self) -> str:
        """Its file name without the ending, for example "00-start-here"."""
        return self.path.stem

    @property
    def number(self) -> str:
        """Two digits, and a letter if a lesson leads into another: "24", "24a"."""
        return self.stem.partition("-")[0]

    @cached_property
    def header(self) -> dict[str, Any]:
        """What ``lesson:`` in the front matter says: title, question, part, assets, environment, packages."""
        return front_matter(self.path, "lesson")

    @property
    def environment(self) -> str:
        """Dependency group of ``pyproject.toml`` that it needs in a virtual environment of its own; empty for none."""
        return str(self.header.get("environment", ""))

    @property
    def packages(self) -> list[str]:
        """Packages that it needs beside those of every lesson; the group ``course`` of ``pyproject.toml`` has them."""
        return [str(each) for each in self.header.get("packages", [])]

    @cached_property
    def notebook(self) -> NotebookNode:
        """The cells, without outputs."""
        return jupytext.reads(self.path.read_text(encoding="utf-8"), fmt="md:myst")

    @property
    def prose(self) -> str:
        """All Markdown, in order."""
        return "\n\n".join(cell.source for cell in self.notebook.cells if cell.cell_type == "markdown")

    @property
    def code(self) -> list[str]:
        """The sources of the code cells, in order."""
        return [cell.source for cell in self.notebook.cells if cell.cell_type == "code"]

    @property
    def reading_minutes(self) -> float:
        """Minutes at 200 words a minute, with one for each cell of code and ten for each exercise."""
        num_exercises = self.prose.count("\n### Exercise ")
        return len(self.prose.split()) / 200 + len(self.code) + 10 * num_exercises

    @property
    def code_hash(self) -> str:
        """sha256 of the code: a result is of this code or it is stale."""
        return hashlib.sha256("\n\x00".join(self.code).encode()).hexdigest()


def all_lessons(folder: Path = LESSONS) -> list[Lesson]:
    """List the lessons in their order.

    Raises:
        LessonError: If a file is not named NN-short-name.md.
    """
    lessons = sorted((Lesson(path) for path in folder.glob("*.md")), key=_place)
    for lesson in lessons:
        if not _NAME.fullmatch(lesson.stem):
            raise LessonError(f"{lesson.path.name} must be named NN-short-name.md, in lower case")
    return lessons


def _place(lesson: Lesson) -> tuple[str, str]:
    """Order by number; a letter comes before none."""
    return lesson.stem[:2], lesson.number[2:] or "~"


def find_lessons(numbers: list[str], folder: Path = LESSONS) -> list[Lesson]:
    """Choose lessons by number; none chooses all.

    Raises:
        LessonError: If there is no lesson of a number.
    """
    there = {lesson.number: lesson for lesson in all_lessons(folder)}
    wanted = [number.zfill(3 if number[-1:].isalpha() else 2) for number in numbers] or list(there)
    missing = [number for number in wanted if number not in there]
    if missing:
        raise LessonError(f"there is no lesson {', '.join(missing)}; there are {', '.join(there)}")
    return [there[number] for number in wanted]
