"""``model.optimize``: the search of ``textwright optimize``, in Python."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from textwright.core.files import exclusive_folder
from textwright.data.in_memory import DataSource
from textwright.display.terminal import Output, ProgressView, Terminal
from textwright.optimize.optimization import optimize as search
from textwright.optimize.outcome import OptimizationResult
from textwright.optimize.settings import OptimizeSettings
from textwright.python_api.settings import parse_two


def optimize(
    artifact: Path, source: DataSource, folder: Path, settings: Mapping[str, Any], *, verbose: bool
) -> OptimizationResult:
    """Search, and write the winner.

    Args:
        artifact: Folder of what is to become faster or smaller.
        source: Labeled texts.
        folder: Of the result.
        settings: OptimizeSettings and DataSettings by name.
        verbose: Say what is tried.
    """
    how, reading = parse_two("optimize", OptimizeSettings, settings)
    terminal = Terminal(Output(quiet=not verbose))
    with exclusive_folder(folder), ProgressView(terminal, "optimizing") as view:
        return search(artifact, source, folder, how, reading, [view])
