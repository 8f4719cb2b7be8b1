"""The layers beneath the flags: the environment, then a recipe."""

from __future__ import annotations

from typing import Protocol

from cyclopts import App
from cyclopts.argument import ArgumentCollection
from cyclopts.config import Dict


class Layer(Protocol):
    """A source of values for arguments that no earlier source has set."""

    def __call__(self, app: App, commands: tuple[str, ...], arguments: ArgumentCollection, /) -> None:
        """Add tokens to the arguments that have none."""


class Recipe:
    """The recipe named by ``--config``, a file or one of the package, when the command has that flag."""

    def __call__(self, app: App, commands: tuple[str, ...], arguments: ArgumentCollection, /) -> None:
        """Add the recipe's values to the arguments that have none.

        Raises:
            NotFoundError: If there is no such file.
            SettingsError: If it is not TOML.
        """
        from pathlib import Path

        from textwright.config import find_recipe, read_toml

        for argument in arguments:
            if argument.name == "--config" and argument.tokens:
                path = find_recipe(Path(argument.tokens[0].value))
                content = read_toml(path)
                if isinstance(content.get("model"), dict):
                    content["model"] = {key: as_typed(value) for key, value in content["model"].items()}
                Dict(content, use_commands_as_keys=False, source=str(path))(app, commands, arguments)


def as_typed(value: object) -> object:
    """Write a list of the ``[model]`` table as it would be typed: the family, not the command, knows its type.

    Args:
        value: A list becomes one text; all else stays as it is.
    """
    return ",".join(map(str, value)) if isinstance(value, list) else value


class PerKey:
    """Let a layer fill the single keys of a table (``--model.dropout``) that earlier layers left unset.

    Without it, one ``--model.x`` flag would hide the recipe's whole ``[model]`` table.

    Args:
        layer: The layer to apply.
    """

    def __init__(self, layer: Layer) -> None:
        self._layer = layer

    def __call__(self, app: App, commands: tuple[str, ...], arguments: ArgumentCollection, /) -> None:
        """Apply the layer to each argument, and to each key of a table by itself."""
        tables = [argument for argument in arguments if argument.name == "--model"]
        earlier = [list(table.tokens) for table in tables]
        for table in tables:
            table.tokens.clear()
        self._layer(app, commands, arguments)
        for table, tokens in zip(tables, earlier, strict=True):
            spelled = {_spelled(token.keys) for token in tokens}
            table.tokens[:] = [*tokens, *(token for token in table.tokens if _spelled(token.keys) not in spelled)]


def _spelled(keys: tuple[str, ...]) -> tuple[str, ...]:
    """Spell keys one way: a flag is typed with hyphens, a recipe has underscores."""
    return tuple(key.replace("-", "_") for key in keys)
