"""The families of models. A further family is one file, one row here, one recipe and one lesson."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from textwright.family_catalog import unknown_family
from textwright.models import bert, bow, bow_glove, cnn_glove, frozen_bert, linear, static_bert
from textwright.models.family import Family

FAMILIES: Final[Mapping[str, Family]] = {
    "linear": linear.FAMILY,
    "bow": bow.FAMILY,
    "bow-glove": bow_glove.FAMILY,
    "cnn-glove": cnn_glove.FAMILY,
    "static-bert": static_bert.FAMILY,
    "frozen-bert": frozen_bert.FAMILY,
    "bert": bert.FAMILY,
}


def list_families() -> list[Family]:
    """Return every family, from the cheapest to the dearest."""
    return list(FAMILIES.values())


def find_family(name: str) -> Family:
    """Find a family by its name.

    Args:
        name: As typed after ``--family``.

    Returns:
        The family.

    Raises:
        NotFoundError: Lists the families that there are, the nearest name first.
    """
    if name in FAMILIES:
        return FAMILIES[name]
    raise unknown_family(name, FAMILIES)
