"""``textwright families``: the kinds of model and their settings."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from textwright.display.terminal import DEFAULT_OUTPUT, Output, Terminal
from textwright.optional_deps import require


def families(
    name: str | None = None,
    /,
    *,
    output: Annotated[Output, Parameter(name="*", group="Output")] = DEFAULT_OUTPUT,
) -> None:
    """List the kinds of model; with a name, its settings and their defaults.

    Example: textwright families bow

    Args:
        name: A family; without it all are listed.
    """
    require("train", what="listing the families")
    from textwright.models import find_family, list_families
    from textwright.models.family import describe

    terminal = Terminal(output)
    if name is None:
        rows = [(family.name, family.summary, family.paper) for family in list_families()]
        content = {family: {"summary": summary, "paper": paper} for family, summary, paper in rows}
        terminal.result(content, lambda: terminal.table("Families", ("name", "what it is", "paper"), rows))
        terminal.next(f"textwright families {rows[0][0]}")
        return
    settings = describe(find_family(name))
    rows = [(f"--model.{item}", facts["default"], facts["help"]) for item, facts in settings.items()]
    terminal.result(settings, lambda: terminal.table(f"Settings of {name}", ("flag", "default", "meaning"), rows))
    terminal.next(f"textwright train SOURCE --family {name} --out runs/{name}")
