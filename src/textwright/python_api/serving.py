"""``model.serve``: in this process until Ctrl-C, or in one of its own beside a notebook."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any, Self
from weakref import finalize

from textwright.errors import ServingError, SettingsError
from textwright.optional_deps import require
from textwright.server.registry.model_spec import ModelSpec
from textwright.server.run import Address
from textwright.server.run import serve as run_server
from textwright.server.settings import ServeSettings

if TYPE_CHECKING:
    from textwright.python_api.model import Model

_STOP_S = 15.0
"""Seconds that a server gets to finish what it has begun."""


class BackgroundServer:
    """A server in a process of its own; a ``with`` block stops it at its end, and so does the end of this process.

    Args:
        model: What is served; it stays as long as the server.
        settings: How.

    Raises:
        ServingError: If it does not start; says why.
    """

    def __init__(self, model: Model, settings: ServeSettings) -> None:
        self._model = model
        flags = [word for name, value in _given(settings).items() for word in _flag(name, value)]
        path = str(model.artifact.path)
        command = [sys.executable, "-m", "textwright", "serve", path, "--json", *flags]
        self._log: IO[bytes] = TemporaryFile()  # noqa: SIM115  open as long as the server runs
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self._log, text=True)  # noqa: S603
        self._stop = finalize(self, _stop, self._process, self._log, os.getpid())
        self.url = self._address()
        """Where it answers, such as http://127.0.0.1:8000."""

    def stop(self) -> None:
        """Stop it; running requests are finished first. A second call does nothing."""
        self._stop()

    def _address(self) -> str:
        """Wait until the server answers: it then writes its address."""
        announced, output = "", self._process.stdout
        while output is not None and not ('"url"' in announced and announced.endswith("}\n")):
            line = output.readline()
            if not line:
                self._process.wait()
                self._log.seek(0)
                lines = self._log.read().decode(errors="replace").strip().splitlines()
                self.stop()
                raise ServingError(f"the server did not start: {lines[-1] if lines else 'it said nothing'}")
            announced += line
        return str(json.loads(announced)["url"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<BackgroundServer {self.url}, {'running' if self._process.poll() is None else 'stopped'}>"


def serve(model: Model, settings: Mapping[str, Any], *, background: bool) -> BackgroundServer | None:
    """Serve a model.

    Args:
        model: What to serve.
        settings: ServeSettings by name.
        background: In a process of its own, and return at once.
    """
    how = ServeSettings.parse({"variant": model.variant, **settings}, source="serve()")
    require("server", what="serving")
    if background:
        return BackgroundServer(model, how)
    if _is_in_event_loop():
        raise SettingsError(
            "this would occupy the notebook until the server stops; serve(background=True) returns a server with .url "
            "and .stop()"
        )
    run_server([ModelSpec(model.artifact.path)], how, announce=_announce)
    return None


def _announce(address: Address) -> None:
    sys.stdout.write(f"page: {address.url}   API: {address.url}/docs   Ctrl-C stops it\n")
    sys.stdout.flush()


def _is_in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _given(settings: ServeSettings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in settings.model_fields_set}


def _flag(name: str, value: object) -> list[str]:
    """Write a setting as the command line takes it."""
    flag = f"--{name.replace('_', '-')}"
    if value is None:
        return []
    if isinstance(value, tuple):
        return [word for item in value for word in (flag, str(item))]
    return [flag, str(value)]


def _stop(process: subprocess.Popen[str], log: IO[bytes], owner: int) -> None:
    if os.getpid() != owner:  # a fork has the object too
        return
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
    log.close()
