"""The page of the error codes: meaning, cure, HTTP status and exit code of each error class."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus

from reference.docstrings import meaning_and_cure
from reference.markdown import code, filled, prose, table
from textwright import errors
from textwright.api.problems import STATUS
from textwright.cli.exit_codes import MEANINGS, exit_code_of

_HTTP_ONLY = (
    ("internal", 500, "A defect of Textwright.", "Report it with the traceback in the server's log."),
    ("method-not-allowed", 405, "The path does not take this method.", "Use a method that the header `allow` names."),
)
"""Codes of problems that no error class has."""


def error_classes() -> Iterator[type[errors.TextwrightError]]:
    """Yield every error class, each before its subclasses, in the order of the source."""
    waiting: list[type[errors.TextwrightError]] = [errors.TextwrightError]
    while waiting:
        kind = waiting.pop(0)
        yield kind
        waiting[:0] = [below for below in kind.__subclasses__() if below.__module__ == errors.__name__]


def page() -> str:
    """Write the page."""
    overview = [
        (f"[`{kind.code}`](#{_anchor(kind)})", code(kind.__name__), _status(kind), str(_exit_code(kind)))
        for kind in error_classes()
    ]
    exits = [(str(number), prose(meaning)) for number, meaning in MEANINGS.items()]
    http_only = [(code(name), str(status), meaning, cure) for name, status, meaning, cure in _HTTP_ONLY]
    return filled(
        "errors",
        overview=table(("code", "class", "HTTP status", "exit code"), overview),
        http=table(("code", "HTTP status", "meaning", "cure"), http_only),
        exits=table(("exit code", "meaning"), exits),
        errors="\n".join(map(_entry, error_classes())),
    )


def _entry(kind: type[errors.TextwrightError]) -> str:
    meaning, cure = meaning_and_cure(kind)
    base = kind.__base__
    above = (
        f", subclass of {code(base.__name__)}" if base is not None and issubclass(base, errors.TextwrightError) else ""
    )
    facts = f"{code(kind.__name__)}{above}. HTTP status: {_status(kind)}. Exit code: {_exit_code(kind)}."
    return f"({_anchor(kind)})=\n### {code(kind.code)}\n\n{prose(meaning)}\n\n**Cure.** {prose(cure)}\n\n{facts}\n"


def _anchor(kind: type[errors.TextwrightError]) -> str:
    return f"error-{kind.code}"


def _status(kind: type[errors.TextwrightError]) -> str:
    is_internal = STATUS[kind] == HTTPStatus.INTERNAL_SERVER_ERROR and kind is not errors.TextwrightError
    return "none" if is_internal else str(int(STATUS[kind]))


def _exit_code(kind: type[errors.TextwrightError]) -> int:
    return exit_code_of(kind.__new__(kind))
