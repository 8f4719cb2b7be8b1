"""How help shows flags: without what says nothing, and with the defaults of the chosen family."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from cyclopts.help import DefaultFormatter, HelpEntry, HelpPanel

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions

_SAYS_NOTHING: Final = ("False", '""', "()", "[]", "{}")
"""Defaults that are left out: a flag that is off, and nothing at all."""
_TRAINS: Final = ("train", "distill")
"""Commands whose settings of training have the defaults of a family."""


class FlagFormatter(DefaultFormatter):
    """Shows the flags of one command line.

    Args:
        arguments: What was typed after ``textwright``; tells the command and the family.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        super().__init__()
        self._arguments = arguments

    def __call__(self, console: Console, options: ConsoleOptions, panel: HelpPanel) -> None:
        """Show a panel; its title says which family the defaults are of."""
        if panel.format == "parameter":
            family, defaults = _of_family(self._arguments) if str(panel.title) == "Training" else ("", {})
            title = f"{panel.title} (defaults of {family})" if family else panel.title
            panel = panel.copy(title=title, entries=[_tidy(entry, defaults) for entry in panel.entries])
        super().__call__(console, options, panel)


def _tidy(entry: HelpEntry, defaults: Mapping[str, Any]) -> HelpEntry:
    """Leave out ``--no-x`` of a flag that is off anyway, and defaults that say nothing."""
    is_off = entry.default == "False"
    name = next(iter(entry.positive_names), "").removeprefix("--").replace("-", "_")
    default = str(defaults[name]) if name in defaults else entry.default
    return entry.copy(
        negative_names=() if is_off else entry.negative_names,
        default=None if default in _SAYS_NOTHING else default,
    )


def _of_family(arguments: Sequence[str]) -> tuple[str, Mapping[str, Any]]:
    """Find the family that is typed, or trained by default, and its defaults; nothing where there is none."""
    if not arguments or arguments[0] not in _TRAINS:
        return "", {}
    from textwright.errors import NotFoundError
    from textwright.models import find_family
    from textwright.training.settings import TrainSettings

    words = [part for argument in arguments for part in argument.split("=", 1)]
    typed = [after for word, after in pairwise(words) if word == "--family"]
    try:
        family = find_family(typed[-1] if typed else TrainSettings().family)
    except (NotFoundError, ImportError):  # help is shown for a mistyped family too, and without the train extra
        return "", {}
    return family.name, TrainSettings(family=family.name).over(family.defaults).model_dump(mode="json")
