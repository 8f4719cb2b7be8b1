"""Where do two JSON-like values differ? For messages that refuse one because it is not the other."""

from __future__ import annotations

from collections.abc import Mapping


def first_difference(there: object, wanted: object, name: str = "") -> str | None:
    """Say where two JSON-like values differ.

    Args:
        there: What was found.
        wanted: What is asked for.
        name: Where these values stand in larger ones.

    Returns:
        "data.settings.split_seed was 0, now 1"; None if they are equal.
    """
    if isinstance(there, Mapping) and isinstance(wanted, Mapping):
        for key in {**there, **wanted}:
            found = first_difference(there.get(key), wanted.get(key), f"{name}.{key}".lstrip("."))
            if found is not None:
                return found
        return None
    return None if there == wanted else f"{name} was {there!r}, now {wanted!r}"
