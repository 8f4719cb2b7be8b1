"""``textwright doctor``: what is installed here, and where things are kept."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from textwright.cli.exit_codes import MEANINGS
from textwright.display.terminal import DEFAULT_OUTPUT, Output, Terminal
from textwright.environment import diagnose


def doctor(
    *,
    exit_codes: bool = False,
    output: Annotated[Output, Parameter(name="*", group="Output")] = DEFAULT_OUTPUT,
) -> None:
    """Show versions, extras, threads and caches.

    Example: textwright doctor --json

    Args:
        exit_codes: Print what each exit code of the program means, and nothing else.
    """
    terminal = Terminal(output)
    if exit_codes:
        meanings = {str(code): meaning for code, meaning in MEANINGS.items()}
        terminal.result(meanings, lambda: terminal.table("Exit codes", ("code", "meaning"), MEANINGS.items()))
        return
    diagnosis = diagnose()
    content = diagnosis.to_json()

    def show() -> None:
        for section, facts in content.items():
            terminal.table(section, ("", ""), facts.items())

    terminal.result(content, show)
    for problem in diagnosis.problems:
        terminal.note(f"! {problem}")
    terminal.next("textwright train movie-reviews --out runs/demo")
