"""The flags of every command, as the command-line program itself knows them."""

from __future__ import annotations

import re
import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Interval, Le, Lt, MinLen
from cyclopts import App
from cyclopts.argument import Argument

from reference.docstrings import before_sections
from textwright.cli.main import COMMANDS, Command, build_app

_TYPE_NAMES: Final[Mapping[Any, str]] = {int: "INTEGER", float: "NUMBER", str: "TEXT", Path: "PATH"}
MODEL: Final = "--model"
"""The flag that stands for one flag per setting of a family."""
_NOTHING: Final = (None, "", ())


@dataclass(frozen=True)
class Flag:
    """One flag, or one word, of a command.

    Args:
        names: As typed, the main one first.
        group: Heading under which ``--help`` shows it.
        kind: Of its value ("INTEGER"), a choice of words, or empty for a switch.
        default: As typed; empty if there is none.
        bounds: "0 or more, below 1"; empty if there are none.
        help: Plain text.
        variable: Environment variable that sets it; empty for a word.
        is_required: Whether the command needs it.
    """

    names: tuple[str, ...]
    group: str
    kind: str
    default: str
    bounds: str
    help: str
    variable: str
    is_required: bool


@dataclass(frozen=True)
class CommandPage:
    """One command: what is typed after ``textwright``, its help and its flags."""

    name: str
    help: str
    flags: tuple[Flag, ...]
    usage: str


def commands(rows: Iterable[Command] = COMMANDS) -> Iterator[CommandPage]:
    """Yield the commands, those of a group after one another.

    Args:
        rows: Of the program's table; by default all.
    """
    for row in rows:
        app = build_app([row.name])[row.name]
        for words, command in _leaves((row.name,), app):
            arguments = command.assemble_argument_collection(parse_docstring=True)
            flags = tuple(_flag(words, argument) for argument in arguments if _is_typed(argument))
            yield CommandPage(" ".join(words), before_sections(command.help), flags, _usage(words, flags))


@cache
def all_commands() -> tuple[CommandPage, ...]:
    """Return every command; reading them takes seconds."""
    return tuple(commands())


def bounds_of(annotation: object, metadata: tuple[object, ...] = ()) -> str:
    """Say in words what a number must be.

    Args:
        annotation: A type, perhaps ``Annotated`` with bounds or a union of such types.
        metadata: Bounds that stand beside the type.
    """
    return ", ".join(dict.fromkeys(word for bound in (*metadata, *_metadata(annotation)) for word in _words(bound)))


def kind_of(annotation: object) -> str:
    """Name the type of a value as it is typed: "INTEGER", or the words that it may be."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return kind_of(get_args(annotation)[0])
    if origin is Literal:
        return "|".join(map(str, get_args(annotation)))
    if origin in (Union, types.UnionType):
        return "|".join(dict.fromkeys(kind_of(item) for item in get_args(annotation) if item is not type(None)))
    if origin in (tuple, list):
        return f"{kind_of(get_args(annotation)[0])},..."
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return "|".join(str(item.value) for item in annotation)
    return "" if annotation is bool else _TYPE_NAMES.get(annotation, "VALUE")


def shown(value: object) -> str:
    """Write a default as it would be typed; empty if it is none."""
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return "" if value in _NOTHING else str(value)


def _leaves(words: tuple[str, ...], app: App) -> Iterator[tuple[tuple[str, ...], App]]:
    names = [name for name in app if not name.startswith("-")]
    if not names:
        yield words, app
    for name in names:
        yield from _leaves((*words, name), app[name])


def _is_typed(argument: Argument) -> bool:
    return bool(argument.names) and argument.name != "*" and argument.show and not argument.name.startswith("*")


def _flag(words: tuple[str, ...], argument: Argument) -> Flag:
    field = argument.field_info
    is_word = argument.index is not None
    default = "" if field.default is field.empty else shown(field.default)
    names = (f"{argument.name}.NAME",) if argument.name == MODEL else argument.names
    variable = re.sub(r"[-.]", "_", "_".join(("TEXTWRIGHT", *words, names[0].lstrip("-"))).upper())
    return Flag(
        names=names,
        group=next((str(group.name) for group in argument.parameter.group or ()), "Parameters"),
        kind="VALUE" if argument.name == MODEL else kind_of(field.annotation),
        default=default,
        bounds=bounds_of(field.annotation),
        help=argument.parameter.help or "",
        variable="" if is_word else variable,
        is_required=argument.required,
    )


def _usage(words: tuple[str, ...], flags: tuple[Flag, ...]) -> str:
    typed = [flag.names[0] if flag.is_required else f"[{flag.names[0]}]" for flag in flags if not flag.variable]
    needed = [f"{flag.names[0]} {flag.kind}".strip() for flag in flags if flag.variable and flag.is_required]
    return " ".join(("textwright", *words, *typed, *needed, "[FLAGS]"))


def _metadata(annotation: object) -> Iterator[object]:
    if get_origin(annotation) is Annotated:
        inner, *metadata = get_args(annotation)
        yield from _metadata(inner)
        for item in metadata:
            yield from getattr(item, "metadata", (item,))
    elif get_origin(annotation) in (Union, types.UnionType):
        for item in get_args(annotation):
            yield from _metadata(item)


def _number(value: Any) -> str:  # noqa: ANN401  whatever can be compared
    return f"{int(value):,}" if value == int(value) else str(value)


def _words(bound: object) -> Iterator[str]:
    match bound:
        case Interval():
            yield from (word for item in bound for word in _words(item))
        case Ge(ge=least):
            yield f"{_number(least)} or more"
        case Gt(gt=least):
            yield f"above {_number(least)}"
        case Le(le=most):
            yield f"{_number(most)} or less"
        case Lt(lt=most):
            yield f"below {_number(most)}"
        case MinLen(min_length=least):
            yield f"{least} items or more"
