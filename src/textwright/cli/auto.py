"""``textwright auto``: from a labeled source to the best artifact for a budget and constraints."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter

from textwright.data.settings import DataSettings
from textwright.display.terminal import DEFAULT_OUTPUT, Output, Terminal
from textwright.model_search.settings import AutoSettings
from textwright.optional_deps import require

_DATA: Final = DataSettings()
_SEARCH: Final = AutoSettings()


def auto(
    source: str,
    /,
    *,
    out: Path,
    search: Annotated[AutoSettings, Parameter(name="*", group="Search")] = _SEARCH,
    data: Annotated[DataSettings, Parameter(name="*", group="Data")] = _DATA,
    output: Annotated[Output, Parameter(name="*", group="Output")] = DEFAULT_OUTPUT,
) -> None:
    """Find the best artifact for a budget of minutes and for constraints.

    Example: textwright auto movie-reviews --out runs/auto --budget-minutes 30 --max-latency-ms 5

    Families are tried on a part of the texts, the promising ones on all; then their settings, a faster graph,
    distillation and a cascade. Validation texts decide; the test texts are read once, by what is shipped. A search that
    was stopped goes on when the same command is given again. If no model keeps to the constraints, nothing is shipped,
    the report says by how much the nearest misses them, and the exit code is 14.

    Args:
        source: A built-in name (movie-reviews), a file (.csv .tsv .json .txt .parquet .xlsx), a folder or a hub id.
        out: Folder of the search: artifact, auto.json, auto.html, and search for everything that was made.
    """
    require("train", what="searching")
    from textwright.display.auto import auto_with_view, show_auto

    terminal = Terminal(output)
    report = auto_with_view(source, out, search, data, terminal)
    terminal.result(report.to_json(), lambda: show_auto(terminal, report))
    terminal.note(f"page: {report.html_path(out)}")
    report.raise_unless_shipped()
    terminal.next(f"textwright serve {shlex.quote(str(out))}")
