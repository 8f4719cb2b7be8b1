"""How help shows flags: the common ones first, without what says nothing, with the defaults of the chosen family."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from cyclopts.help import DefaultFormatter, HelpEntry, HelpPanel

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions

_SAYS_NOTHING: Final = ("False", '""', "()", "[]", "{}")
"""Defaults that are left out: a flag that is off, and nothing at all."""
HELP_ALL: Final = "--help-all"
"""Shows every flag, each with its whole description."""
_COMMON: Final[Mapping[str, frozenset[str]]] = {
    "Data": frozenset({"text_column", "label_column", "label_separator", "split_column"}),
    "Training": frozenset({"model", "family", "seed", "num_epochs", "batch_size", "learning_rate", "max_length"}),
    "Teaching": frozenset({"num_copies", "temperature", "label_weight"}),
    "Serving": frozenset(
        {"host", "port", "workers", "max_texts", "timeout_s", "api_keys", "cors_origins", "record", "split"}
    ),
}
"""Heading -> the flags that ``--help`` shows of a long list; ``--help-all`` shows the others too."""
_END_OF_SENTENCE: Final = re.compile(r"(?<=\.)\s+(?=[A-Z\"])|\n\n")
_LONG: Final = 9
"""Flags of a heading from which on ``--help`` shows the common ones alone."""
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
            entries = panel.entries if HELP_ALL in self._arguments else _common(panel)
            facts = [f"defaults of {family}"] if family else []
            if len(entries) < len(panel.entries):
                facts.append(f"{len(entries)} of {len(panel.entries)}; {HELP_ALL} shows all")
            title = f"{panel.title} ({'; '.join(facts)})" if facts else panel.title
            panel = panel.copy(title=title, entries=[_tidy(entry, defaults) for entry in entries])
        super().__call__(console, options, panel)


def _common(panel: HelpPanel) -> list[HelpEntry]:
    """Return the common flags of a long list, each with the first sentence of its description."""
    names = _COMMON.get(str(panel.title))
    is_long = names is not None and len(panel.entries) >= _LONG
    entries = [entry for entry in panel.entries if not is_long or _name(entry) in (names or ())]
    return [entry.copy(description=_first_sentence(entry.description)) for entry in entries]


def _first_sentence(description: Any) -> Any:  # noqa: ANN401  whatever the formatter can show
    text = getattr(description, "primary_renderable", description)
    return _END_OF_SENTENCE.split(str(text), maxsplit=1)[0] if text is not None else None


def _name(entry: HelpEntry) -> str:
    return next(iter(entry.positive_names), "").removeprefix("--").replace("-", "_")


def _tidy(entry: HelpEntry, defaults: Mapping[str, Any]) -> HelpEntry:
    """Leave out ``--no-x`` of a flag that is off anyway, and defaults that say nothing."""
    is_off = entry.default == "False"
    name = _name(entry)
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
    from textwright.family_catalog import find_entry
    from textwright.training.settings import TrainSettings

    words = [part for argument in arguments for part in argument.split("=", 1)]
    typed = [after for word, after in pairwise(words) if word == "--family"]
    try:
        family = find_entry(typed[-1] if typed else TrainSettings().family)
    except NotFoundError:  # help is shown for a mistyped family too
        return "", {}
    return family.name, TrainSettings(family=family.name).over(family.training).model_dump(mode="json")
