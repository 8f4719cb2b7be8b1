"""``textwright review``: a local page on which a person decides on labels."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated, Final, Literal

from cyclopts import Parameter

from textwright.data.settings import DataSettings
from textwright.display.terminal import DEFAULT_OUTPUT, Output, ProgressView, Terminal
from textwright.errors import SettingsError
from textwright.optional_deps import require
from textwright.review.settings import ReviewSettings

_DATA: Final = DataSettings()
_REVIEWING: Final = ReviewSettings()


def review(
    source: str,
    /,
    *,
    out: Path,
    artifact: Path | None = None,
    export: Literal["label-studio", "argilla"] | None = None,
    export_to: Path | None = None,
    reviewing: Annotated[ReviewSettings, Parameter(name="*", group="Review")] = _REVIEWING,
    data: Annotated[DataSettings, Parameter(name="*", group="Data")] = _DATA,
    output: Annotated[Output, Parameter(name="*", group="Output")] = DEFAULT_OUTPUT,
) -> None:
    """Decide on labels, on a local page: labels that are suspected to be wrong, or texts worth a label next.

    The page is made for the keyboard and works on a phone's screen. Each decision is in the file at once; the same
    command resumes.

    Example: textwright review reviews.csv --out reviewed.csv

    Example: textwright review new-texts.csv --artifact runs/demo --out labels.csv

    Example: textwright review texts.csv --artifact runs/demo --out labels.csv --export argilla --export-to texts.jsonl

    Args:
        source: A labeled source, whose suspected labels are asked about; with --artifact a file of texts or a built-in
            source, of which uncertain and diverse ones are asked about; or a folder that serve --record has written.
        out: File of the decisions, .csv, .tsv or .jsonl: text and label, ready to train on, with file and line.
        artifact: The model that is unsure: an artifact folder, or the run folder that holds it.
        export: Write the texts with suggestions and the decisions so far for this program, and show no page.
        export_to: The file for --export.
    """
    if (export is None) != (export_to is None):
        raise SettingsError("--export names a program and --export-to a file; give both or neither")
    require("train", what="choosing texts to review")
    from textwright.review.decisions import DecisionFile
    from textwright.review.session import ReviewSession
    from textwright.review.start import make_queue

    terminal = Terminal(output)
    DecisionFile.check_name(out)
    with ProgressView(terminal, "reading") as view:
        queue = make_queue(source, artifact, reviewing, data, view)
    decisions = DecisionFile(out, queue.task)
    if export is not None and export_to is not None:
        from textwright.review.exports import ExportFormat
        from textwright.review.exports import export as write_export

        num_texts = write_export(queue, decisions, ExportFormat(export), export_to)
        content = {"export": str(export_to), "num_texts": num_texts}
        terminal.result(content, lambda: terminal.say(f"{num_texts:,} texts are in {export_to}, for {export}"))
        return
    require("server", what="the page of a review")
    from textwright.review.page.app import serve_page

    session = ReviewSession(queue, decisions)

    def announce(address: str) -> None:
        state = {"url": address, "num_items": len(queue.items), "num_decided": session.num_decided, "out": str(out)}
        decided = f", {session.num_decided:,} decided already" if session.num_decided else ""
        terminal.result(
            state,
            lambda: terminal.say(
                f"page: {address}   {len(queue.items):,} texts{decided}   decisions: {out}   Ctrl-C ends it"
            ),
        )
        sys.stdout.flush()

    serve_page(session, reviewing.port, announce)
    terminal.next(f"textwright train {shlex.quote(str(out))} --out runs/reviewed")
