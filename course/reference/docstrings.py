"""Read Google docstrings: the summary, and the meaning of each argument."""

from __future__ import annotations

import inspect
import re
from typing import Final

_SECTION: Final = re.compile(r"^(?:Args|Returns|Raises|Yields|Source|Example):\s*$", re.MULTILINE)
_ARGUMENT: Final = re.compile(r"^    (\w+): (.*(?:\n {8,}.*)*)", re.MULTILINE)
_CURE: Final = "Cure: "


def description(thing: object) -> str:
    """Return what a docstring says before its sections."""
    return before_sections(_doc(thing))


def before_sections(text: str) -> str:
    """Cut a docstring off where its sections begin."""
    return _SECTION.split(inspect.cleandoc(text), maxsplit=1)[0].strip()


def arguments(thing: object) -> dict[str, str]:
    """Return the ``Args`` of a docstring, argument -> meaning."""
    after = _doc(thing).partition("Args:\n")[2]
    block = _SECTION.split(after, maxsplit=1)[0]
    return {name: " ".join(text.split()) for name, text in _ARGUMENT.findall(block)}


def meaning_and_cure(error: type[Exception]) -> tuple[str, str]:
    """Split the description of an error class into what it means and what helps.

    Raises:
        ValueError: If the docstring has no cure.
    """
    meaning, mark, cure = before_sections(error.__doc__ or "").partition(_CURE)
    if not mark:
        raise ValueError(f"the docstring of {error.__name__} has no paragraph that begins with 'Cure: '")
    return meaning.strip(), cure.strip()


def _doc(thing: object) -> str:
    return inspect.getdoc(thing) or ""
