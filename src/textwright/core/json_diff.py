"""Where do two JSON-like values differ? For messages that refuse one because it is not the other."""

from __future__ import annotations

from collections.abc import Mapping


def first_difference(stored: object, expected: object, name: str = "") -> str | None:
    """Say where two JSON-like values differ.

    Args:
        stored: What was found.
        expected: What is asked for.
        name: Where these values stand in larger ones.

    Returns:
        "data.settings.split_seed was 0, now 1"; None if they are equal.
    """
    if isinstance(stored, Mapping) and isinstance(expected, Mapping):
        for key in {**stored, **expected}:
            difference = first_difference(stored.get(key), expected.get(key), f"{name}.{key}".lstrip("."))
            if difference is not None:
                return difference
        return None
    return None if stored == expected else f"{name} was {stored!r}, now {expected!r}"
