"""``textwright serve``: artifacts as a REST API, with a page to try them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from textwright.display.terminal import DEFAULT_OUTPUT, Output, Terminal
from textwright.errors import SettingsError
from textwright.server.registry.model_spec import ModelSpec
from textwright.server.run import Address
from textwright.server.run import serve as run_server
from textwright.server.settings import ServeSettings

DEFAULT_SERVING = ServeSettings()


def serve(
    *artifacts: str,
    config: Path | None = None,
    serving: Annotated[ServeSettings, Parameter(name="*", group="Serving")] = DEFAULT_SERVING,
    output: Annotated[Output, Parameter(name="*", group="Output")] = DEFAULT_OUTPUT,
) -> None:
    """Serve an artifact, or several, as a REST API, with a page to try it, until Ctrl-C.

    Example: textwright serve runs/demo --port 8080

    Args:
        artifacts: Artifact folders, or the run folders that hold them; NAME=PATH names a model otherwise than its
            artifact does. The first answers requests that name no model.
        config: Recipe (TOML) whose keys are named like the flags; flags and environment take precedence.
    """
    terminal = Terminal(output)
    del config  # read by textwright.cli.layers.Recipe
    if not artifacts:
        raise SettingsError("name an artifact to serve, for example: textwright serve runs/demo")
    run_server(
        [ModelSpec.parse(word) for word in artifacts], serving, announce=lambda address: _announce(terminal, address)
    )


def _announce(terminal: Terminal, address: Address) -> None:
    content = {"url": address.url, "docs": f"{address.url}/docs", "curl": address.curl}
    terminal.result(content, lambda: terminal.say(f"page: {address.url}   API: {address.url}/docs   Ctrl-C stops it"))
    sys.stdout.flush()  # the command goes on, and a program that reads its output waits for this
    terminal.next(address.curl)
