"""``textwright promote``: may a candidate take the place of the model that answers now?"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Final, Literal

from cyclopts import Parameter

from textwright.data.settings import DataSettings
from textwright.display.terminal import DEFAULT_OUTPUT, Output, ProgressView, Terminal
from textwright.optional_deps import require
from textwright.promotion.settings import PromotionSettings

_DATA: Final = DataSettings()
_SETTINGS: Final = PromotionSettings()


def promote(
    candidate: Path,
    /,
    *,
    champion: Annotated[Path, Parameter(name="--against")],
    source: Annotated[str, Parameter(name="--data")],
    split: Literal["auto", "train", "validation", "test", "all"] = "auto",
    settings: Annotated[PromotionSettings, Parameter(name="*", group="Promotion")] = _SETTINGS,
    data: Annotated[DataSettings, Parameter(name="*", group="Data")] = _DATA,
    output: Annotated[Output, Parameter(name="*", group="Output")] = DEFAULT_OUTPUT,
) -> None:
    """Compare a candidate with the champion on texts put aside; refuse it, with exit code 13, if it is not as good.

    Example: textwright promote runs/new --against runs/old --data frozen.csv

    Texts that either was trained on are left out. The report is written beside the candidate's artifact.

    Args:
        candidate: The artifact that shall be promoted, or its run folder.
        champion: The artifact that answers now, or its run folder.
        source: Labeled texts that were put aside: a built-in name, a file, a folder or a hub id.
        split: Rows to measure; auto takes the held-out test split of the training data, the test split that another
            source brings, or else all its rows.
    """
    require("train", what="promoting")
    from textwright.display.promotion import show_promotion
    from textwright.promotion.promotion import promote as compare
    from textwright.promotion.promotion import report_folder
    from textwright.runtime.loading import load

    terminal = Terminal(output)
    ours, theirs = load(candidate), load(champion)
    with ProgressView(terminal, "promoting") as view:
        report = compare(ours, theirs, source, settings, data, split=split, callback=view)
    folder = report_folder(candidate, ours.artifact)
    report.write(folder)
    terminal.result(report.to_json(), lambda: show_promotion(terminal, report))
    terminal.note(f"report: {report.html_path(folder)}, {report.json_path(folder)}")
    report.raise_unless_promoted()
    paths = f"{shlex.quote(f'old={champion}')} {shlex.quote(f'new={candidate}')}"
    terminal.next(f"textwright serve {paths} --split old=90,new=10")
