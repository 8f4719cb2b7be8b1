"""``model.optimize``: the search of ``textwright optimize``, whose winner is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from textwright.core.files import exclusive_folder
from textwright.data.in_memory import DataSource
from textwright.display.terminal import Output, ProgressView, Terminal
from textwright.optimize.search import optimize as search
from textwright.optimize.settings import OptimizeSettings
from textwright.python_api.folders import RunFolder
from textwright.python_api.model import load
from textwright.python_api.settings import parse_two

if TYPE_CHECKING:
    from textwright.python_api.model import Model


def optimize(
    model: Model, source: DataSource, folder: RunFolder, settings: Mapping[str, Any], *, verbose: bool
) -> Model:
    """Search, and load the winner.

    Args:
        model: What is to become faster or smaller.
        source: Labelled texts.
        folder: Of the result.
        settings: OptimizeSettings and DataSettings by name.
        verbose: Say what is tried.
    """
    how, reading = parse_two("optimize", OptimizeSettings, settings)
    terminal = Terminal(Output(quiet=not verbose))
    with exclusive_folder(folder.path), ProgressView(terminal, "optimizing") as view:
        outcome = search(model.artifact.path, source, folder.path, how, reading, [view])
    faster = load(folder.path).kept_by(folder, source)
    faster.optimization = outcome
    return faster
