"""``textwright optimize``: variants of an artifact that are faster or smaller here and answer the same."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter

from textwright.core.files import exclusive_folder
from textwright.data.settings import DataSettings
from textwright.display.terminal import DEFAULT_OUTPUT, Output, ProgressView, Terminal
from textwright.optimize.settings import OptimizeSettings
from textwright.optional_deps import require

_DATA: Final = DataSettings()
_SETTINGS: Final = OptimizeSettings()


def optimize(
    artifact: Path,
    /,
    *,
    source: Annotated[str, Parameter(name="--data")],
    out: Path,
    settings: Annotated[OptimizeSettings, Parameter(name="*", group="Optimizing")] = _SETTINGS,
    data: Annotated[DataSettings, Parameter(name="*", group="Data")] = _DATA,
    output: Annotated[Output, Parameter(name="*", group="Output")] = DEFAULT_OUTPUT,
) -> None:
    """Try what makes an artifact faster or smaller on this machine; keep what answers the same.

    Example: textwright optimize runs/bert --data movie-reviews --out runs/bert-fast

    A search that was interrupted goes on when the same command is given again.

    Args:
        artifact: An artifact folder, or the run folder that holds it.
        source: Labeled texts, best those that the model was trained on: a built-in name, a file, a folder, a hub id.
        out: Folder of the new artifact, the report and the candidates.
    """
    require("train", what="optimizing")
    from textwright.display.optimization import show_outcome
    from textwright.optimize.optimization import optimize as search

    terminal = Terminal(output)
    with exclusive_folder(out), ProgressView(terminal, "optimizing") as view:
        outcome = search(artifact, source, out, settings, data, [view])
    terminal.result(outcome.to_json(), lambda: show_outcome(terminal, outcome))
    terminal.note(f"report: {outcome.html_path(out)}, {outcome.json_path(out)}")
    terminal.next(f"textwright serve {shlex.quote(str(out))}")
