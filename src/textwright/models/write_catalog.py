"""Write what :mod:`textwright.family_catalog` reads: ``python -m textwright.models.write_catalog``.

Run it after a change of a family's summary, defaults or settings; a test fails until then.
"""

from __future__ import annotations

import json
from dataclasses import asdict

from textwright.core.files import write_text
from textwright.family_catalog import CATALOG, FamilyEntry
from textwright.models import list_families
from textwright.models.family import Family


def catalog_text() -> str:
    """Return the catalog of the families that there are, as JSON."""
    entries = [asdict(entry_of(family)) for family in list_families()]
    return json.dumps({entry.pop("name"): entry for entry in entries}, indent=1, ensure_ascii=False) + "\n"


def entry_of(family: Family) -> FamilyEntry:
    """Describe a family as data."""
    defaults = family.config().model_dump(mode="json")
    settings = {
        name: {"default": defaults[name], "help": item.description or ""}
        for name, item in family.config.model_fields.items()
    }
    return FamilyEntry(family.name, family.summary, family.paper, family.defaults, settings)


if __name__ == "__main__":
    write_text(CATALOG, catalog_text())
