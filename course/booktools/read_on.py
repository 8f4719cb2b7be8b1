"""The end of each page: which files of the course the lesson imports, and where the reference tells of what it uses."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

from booktools.lessons import Lesson

_COMMAND: Final = re.compile(r"(?:^|[\s\"'])textwright ([a-z][a-z-]*)")


def section(lesson: Lesson) -> str:
    """Write the section; its links to files are those of a lesson's source, those to the reference of the site.

    Args:
        lesson: Whose code is read: nothing of this is typed into a lesson.
    """
    files = [f"[`nano/{name}.py`](../../course/nano/{name}.py)" for name in nano_modules(lesson)]
    names = [f"[`textwright.{name}`](reference/python/{name}.md)" for name in public_names(lesson)]
    names += ["[the parts that it takes apart](../../docs/python.md)"] * bool(parts_of(lesson))
    commands = [f"[`textwright {name}`](reference/commands/{name}.md)" for name in commands_of(lesson)]
    lines = [
        f"- {title}: {', '.join(links)}"
        for title, links in (("Source", files), ("Python", names), ("Command line", commands))
        if links
    ]
    return "\n".join(["## Code and reference", "", *lines]) if lines else ""


def nano_modules(lesson: Lesson) -> list[str]:
    """List the modules of ``nano`` that a lesson imports, in order."""
    found = []
    for node in _nodes(lesson):
        if isinstance(node, ast.ImportFrom) and node.module == "nano":
            found += [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("nano."):
            found.append(str(node.module).removeprefix("nano."))
    return list(dict.fromkeys(found))


def public_names(lesson: Lesson) -> list[str]:
    """List the public names of ``textwright`` that a lesson uses and that have a page, in order."""
    import textwright

    return [name for name in _names_of_textwright(lesson) if name in textwright.__all__]


def parts_of(lesson: Lesson) -> list[str]:
    """List the names that ``docs/python.md`` lists as parts: public, and without a page of their own."""
    import textwright

    return [name for name in _names_of_textwright(lesson) if name not in textwright.__all__]


def commands_of(lesson: Lesson) -> list[str]:
    """List the commands of ``textwright`` that a lesson's code or prose runs, in order."""
    from reference.flags import all_commands

    there = {page.name for page in all_commands()}
    text = "\n".join([*lesson.code, *re.findall(r"`[^`\n]+`", lesson.prose)]).replace("`", " ")
    return [name for name in dict.fromkeys(_COMMAND.findall(text)) if name in there]


def _nodes(lesson: Lesson) -> Iterator[ast.AST]:
    for source in lesson.code:
        yield from ast.walk(ast.parse(source))


def _names_of_textwright(lesson: Lesson) -> list[str]:
    names: list[str] = []
    for node in _nodes(lesson):
        if isinstance(node, ast.ImportFrom) and node.module == "textwright":
            names += [each.name for each in node.names]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "textwright":
            names.append(node.attr)
    return [name for name in dict.fromkeys(names) if not name.startswith("__")]
