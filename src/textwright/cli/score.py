"""``textwright score``: the labels of more texts than one process should predict."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter

from textwright.bulk.settings import ScoreSettings
from textwright.bulk.summary import ScoreSummary
from textwright.data.settings import FileSettings
from textwright.display.terminal import DEFAULT_OUTPUT, Output, ProgressView, Terminal

_DATA: Final = FileSettings()
_SETTINGS: Final = ScoreSettings()


def score(
    artifact: Path,
    source: Annotated[str, Parameter(name="INPUT")],
    /,
    *,
    out: str,
    settings: Annotated[ScoreSettings, Parameter(name="*", group="Scoring")] = _SETTINGS,
    data: Annotated[FileSettings, Parameter(name="*", group="Data")] = _DATA,
    output: Annotated[Output, Parameter(name="*", group="Output")] = DEFAULT_OUTPUT,
) -> None:
    """Score every row of a file, of a folder of files, or of the files that match a pattern, on all cores.

    Each row comes out once, in order, with its predictions beside it. A command that was stopped or killed goes on when
    it is given again.

    Example: textwright score runs/demo reviews.parquet --out scored

    Example: textwright score runs/demo "logs/2024-0?.jsonl" --out scored --top-k 3 --instance-type c7i.large

    Example: textwright score runs/demo s3://reviews/raw --out s3://reviews/scored --engine ray --address auto

    Args:
        artifact: An artifact folder, or the run folder that holds it.
        source: CSV, TSV, JSON lines or Parquet: a file, a folder, or a pattern in quotes; also s3://BUCKET/KEY.
        out: Folder to write to, also s3://BUCKET/KEY: for each input file its rows, in files numbered from 0.
    """
    from textwright.bulk.run import score_files
    from textwright.deploy.prices import hourly_usd

    terminal = Terminal(output)
    priced = settings.model_copy(update={"hourly_usd": hourly_usd(settings.instance_type, settings.hourly_usd)})
    with ProgressView(terminal, "scoring") as view:
        summary = score_files(artifact, source, out, data=data, settings=priced, callback=view)
    terminal.result(summary.to_json(), lambda: _show(terminal, summary))


def _show(terminal: Terminal, summary: ScoreSummary) -> None:
    files = "1 output file" if summary.num_files == 1 else f"{summary.num_files:,} output files"
    terminal.say(f"{summary.num_rows:,} rows in {files}: {summary.out}")
    if summary.num_scored:
        price = f", $ {summary.usd_per_million:.4f} a million" if summary.usd_per_million is not None else ""
        rate = f"{summary.texts_per_second:,.0f} texts a second"
        terminal.say(f"scored now: {summary.num_scored:,} rows in {summary.seconds:,.2f} s, {rate}{price}")
    else:
        terminal.say("every row had been scored before")
    if summary.num_truncated:
        terminal.say(f"{summary.num_truncated:,} texts are longer than the model reads")
    if summary.num_errors:
        terminal.note(
            f"! {summary.num_errors:,} rows have no prediction; the column 'error' says why. "
            f"The first: {summary.first_error}"
        )
