"""Name what was probably meant, for the messages of this room."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """Say which known name is nearest, or list them all.

    Args:
        name: What was asked for.
        choices: The names that there are.

    Returns:
        The end of a sentence: "; did you mean 'x'?" or "; there are a, b, c".
    """
    names = list(choices)
    close = nearest(name, names)
    return f"; did you mean {close!r}?" if close else f"; there are {', '.join(names)}"


def nearest(name: str, choices: Iterable[str]) -> str | None:
    """Find the known name that a typing error could have turned into ``name``; None if none is near."""
    return next(iter(get_close_matches(name.lower(), list(choices), n=1, cutoff=0.75)), None)
