"""The pages of the Python API: one for each public name, from its docstring."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from pydantic import BaseModel

import textwright
from booktools.layout import COURSE
from reference.docstrings import description
from reference.flags import bounds_of, shown
from reference.markdown import code, fence, filled, prose, table, toctree

_BLOCK = re.compile(r"^```python\n.*?^```$", re.MULTILINE | re.DOTALL)
_FOREIGN_BASES = "Exception, str, tuple, dict"
"""Bases whose methods belong to no module; those of other packages are left out by the extension."""


def pages() -> dict[str, str]:
    """Write a page for each public name and the list of them, file name -> Markdown."""
    public = public_names()
    rows = [(f"[`{name}`]({name}.md)", _summary(thing)) for name, thing in public]
    files = {f"{name}.md": _page(f"textwright.{name}", thing) for name, thing in public}
    listed = toctree(f"{name} <{name}>" for name, _ in public)
    return {
        "index.md": filled("python", example=_readme_block(), names=table(("name", "what it is for"), rows) + listed),
        **files,
    }


def _readme_block() -> str:
    """Return the README's program, which its test runs."""
    text = (COURSE.parent / "README.md").read_text(encoding="utf-8")
    return next(iter(_BLOCK.findall(text)))


def public_names() -> list[tuple[str, Any]]:
    """List the public names with what they stand for; those of a public module after the module's own."""
    return list(_names_of(textwright, ""))


def _names_of(module: ModuleType, prefix: str) -> Iterator[tuple[str, Any]]:
    for name in module.__all__:
        thing = getattr(module, name)
        yield f"{prefix}{name}", thing
        if inspect.ismodule(thing):
            yield from _names_of(thing, f"{prefix}{name}.")


def _page(name: str, thing: object) -> str:
    title = f"# {name}\n\n"
    if isinstance(thing, type) and issubclass(thing, BaseModel):
        return title + _settings(name, thing)
    return title + fence("{eval-rst}", f".. {_directive(thing)}:: {name}\n{_options(thing)}")


def _directive(thing: object) -> str:
    if inspect.ismodule(thing):
        return "automodule"
    if isinstance(thing, type):
        return "autoexception" if issubclass(thing, Exception) else "autoclass"
    return "autofunction" if callable(thing) else "autodata"


def _options(thing: object) -> str:
    return f"   :members:\n   :inherited-members: {_FOREIGN_BASES}\n" if isinstance(thing, type) else ""


def _settings(name: str, thing: type[BaseModel]) -> str:
    """Describe a class of settings by a table: its signature would repeat every bound."""
    rows = [
        (
            code(field),
            code(shown(facts.default) or "None"),
            bounds_of(facts.annotation, tuple(facts.metadata)),
            prose(facts.description or ""),
        )
        for field, facts in thing.model_fields.items()
    ]
    head = f".. py:class:: {name}(**settings)\n\n   {description(thing)}\n"
    return f"{fence('{eval-rst}', head)}\n{table(('setting', 'default', 'bounds', 'meaning'), rows)}"


def _summary(thing: object) -> str:
    return prose(description(thing).partition("\n\n")[0])
