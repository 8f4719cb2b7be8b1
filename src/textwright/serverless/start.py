"""Load the model of a Lambda function and return its handler; the one line of the function's module calls this.

What is done when:

- *init*, of every cold start: the manifest, the tokenizer and the graph are verified by their hashes and loaded, and
  the model runs once.
- *before a SnapStart snapshot*: the golden examples as well; their time is nobody's, and a version whose model does not
  reproduce is never published. An ordinary cold start leaves them out: half a second for a BERT, on the very machine
  type on which ``package --build`` and ``deploy`` have replayed them.
- *after a restore*: ids and shares of keys begin anew. The session stays open, since its memory is the snapshot's gain.

Source:
    AWS Lambda Developer Guide, "Lambda SnapStart runtime hooks for Python".
"""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from textwright.core import artifact as artifacts
from textwright.errors import SettingsError
from textwright.runtime.loading import open_predictor
from textwright.runtime.predictor import Predictor
from textwright.serverless.handler import LambdaHandler
from textwright.serverless.logs import Log
from textwright.serverless.settings import LambdaSettings, read_settings

_MEASURED: Final = frozenset({"x86_64", "amd64"})
_SNAP_START: Final = "snap-start"


def start(
    root: Path | None = None, *, environment: Mapping[str, str] | None = None, log: Log | None = None
) -> LambdaHandler:
    """Load the model and return the handler.

    Args:
        root: Folder that a relative artifact path starts from; None takes the one where Lambda unpacked the function.
        environment: Where settings stand; None takes the process's.
        log: Where lines go; None takes standard output.

    Returns:
        The handler, warm; under SnapStart its hooks are registered.

    Raises:
        SettingsError: If a setting is wrong, or the processor is not x86_64.
        ArtifactError: If the artifact cannot be trusted.
        NotFoundError: If there is no such artifact or variant.
        BackendError: If the model cannot predict.
    """
    values = os.environ if environment is None else environment
    out = log or Log()
    try:
        refuse_unmeasured(platform.machine())
        settings = read_settings(values)
        folder = root or Path(values.get("LAMBDA_TASK_ROOT", "."))
        handler = LambdaHandler(_load(folder / settings.artifact, settings), settings, out)
        handler.warm_up()
    except Exception as error:
        out.error("the function cannot start", error)
        raise
    if values.get("AWS_LAMBDA_INITIALIZATION_TYPE") == _SNAP_START:
        _register(handler, out)
    return handler


def refuse_unmeasured(machine: str) -> None:
    """Refuse a processor on which nobody has measured this.

    Args:
        machine: As ``platform.machine()`` says.

    Raises:
        SettingsError: If it is not x86_64.
    """
    if machine.lower() not in _MEASURED:
        raise SettingsError(
            f"this function runs on {machine}; Textwright's Lambda packages hold x86_64 libraries and nobody has "
            "measured another processor: set the function's architecture to x86_64"
        )


def _load(path: Path, settings: LambdaSettings) -> Predictor:
    return open_predictor(artifacts.read(path), variant=settings.variant, num_threads=settings.num_threads)


def _register(handler: LambdaHandler, log: Log) -> None:
    from snapshot_restore_py import register_after_restore, register_before_snapshot

    def before() -> None:
        handler.predictor.verify_golden()
        handler.warm_up()
        log.event("ready for the snapshot")

    def after() -> None:
        handler.reset_after_restore()
        log.event("restored")

    register_before_snapshot(before)
    register_after_restore(after)
