"""``textwright families``: the kinds of model and their settings."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from textwright.cli.layers import as_typed
from textwright.data.encoders import KNOWN_ENCODERS
from textwright.display.terminal import DEFAULT_OUTPUT, Output, Terminal
from textwright.errors import SettingsError


def families(
    name: str | None = None,
    /,
    *,
    recipe: bool = False,
    output: Annotated[Output, Parameter(name="*", group="Output")] = DEFAULT_OUTPUT,
) -> None:
    """List the kinds of model; with a name, its settings and their defaults.

    Example: textwright families bow

    Example: textwright families bow --recipe > bow.toml

    Args:
        name: A family; without it all are listed.
        recipe: Print a recipe (TOML) of the named family with every setting at its default, each beneath its meaning.
    """
    from textwright.config import list_recipes
    from textwright.family_catalog import find_entry, list_entries

    terminal = Terminal(output)
    if recipe:
        _show_recipe(name, terminal)
        return
    if name is None:
        rows = [(family.name, family.summary, family.paper) for family in list_entries()]
        content = {family: {"summary": summary, "paper": paper} for family, summary, paper in rows}
        terminal.result(content, lambda: terminal.table("Families", ("name", "what it is", "paper"), rows))
        terminal.note(f"recipes for --config: {', '.join(list_recipes())}")
        terminal.next(f"textwright families {rows[0][0]}")
        return
    settings = find_entry(name).settings
    rows = [(f"--model.{item}", str(as_typed(facts["default"])), facts["help"]) for item, facts in settings.items()]
    terminal.result(settings, lambda: terminal.table(f"Settings of {name}", ("flag", "default", "meaning"), rows))
    if "encoder" in settings and not output.json:
        terminal.table("Encoders", ("--model.encoder", "reads", "parameters", "license"), KNOWN_ENCODERS)
        terminal.say("any other BERT-like encoder of the hub will do too, and a folder; licenses as on the model cards")
    terminal.next(f"textwright train SOURCE --family {name} --out runs/{name}")


def _show_recipe(name: str | None, terminal: Terminal) -> None:
    from textwright.family_catalog import find_entry
    from textwright.training.full_recipe import full_recipe

    if name is None:
        raise SettingsError("--recipe needs the name of a family: textwright families bow --recipe")
    text = full_recipe(find_entry(name))
    terminal.result({"recipe": text}, lambda: terminal.say(text.removesuffix("\n")))
    terminal.next(f"textwright train SOURCE --config {name}.toml --out runs/{name}")
