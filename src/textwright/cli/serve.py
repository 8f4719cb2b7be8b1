"""``textwright serve``: an artifact as a REST API, with a page to try it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from textwright.cli.render import DEFAULT_OUTPUT, Output, Terminal
from textwright.server.run import Address
from textwright.server.run import serve as run_server
from textwright.server.settings import ServeSettings

DEFAULT_SERVING = ServeSettings()


def serve(
    artifact: Path,
    /,
    *,
    serving: Annotated[ServeSettings, Parameter(name="*", group="Serving")] = DEFAULT_SERVING,
    output: Annotated[Output, Parameter(name="*", group="Output")] = DEFAULT_OUTPUT,
) -> None:
    """Serve an artifact as a REST API, with a page to try it, until Ctrl-C.

    Example: textwright serve runs/demo --port 8080

    Args:
        artifact: An artifact folder, or the run folder that holds it.
    """
    terminal = Terminal(output)
    run_server(artifact, serving, announce=lambda address: _announce(terminal, address))


def _announce(terminal: Terminal, address: Address) -> None:
    content = {"url": address.url, "docs": f"{address.url}/docs", "curl": address.curl}
    terminal.result(content, lambda: terminal.say(f"page: {address.url}   API: {address.url}/docs   Ctrl-C stops it"))
    sys.stdout.flush()  # the command goes on, and a program that reads its output waits for this
    terminal.next(address.curl)
