"""``textwright cascade``: one artifact of two, where a fast model answers what it is sure of."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import Parameter

from textwright.core.files import exclusive_folder
from textwright.core.percent import percent
from textwright.data.settings import DataSettings
from textwright.display.terminal import DEFAULT_OUTPUT, Output, ProgressView, Terminal
from textwright.evaluate.paired_drop import bound_in_words
from textwright.evaluate.scores import TITLES, shown
from textwright.optimize.cascade.settings import CascadeSettings
from textwright.optional_deps import require

if TYPE_CHECKING:
    from textwright.optimize.cascade.outcome import Outcome

_DATA: Final = DataSettings()
_SETTINGS: Final = CascadeSettings()


def cascade(
    fast: Path,
    strong: Path,
    /,
    *,
    source: Annotated[str, Parameter(name="--data")],
    out: Path,
    settings: Annotated[CascadeSettings, Parameter(name="*", group="Cascade")] = _SETTINGS,
    data: Annotated[DataSettings, Parameter(name="*", group="Data")] = _DATA,
    output: Annotated[Output, Parameter(name="*", group="Output")] = DEFAULT_OUTPUT,
) -> None:
    """Make one artifact of two: the fast model answers what it is sure of, the strong one takes the rest.

    Example: textwright cascade runs/bow runs/bert --data movie-reviews --out runs/cascade

    Example: textwright cascade runs/bow runs/bert --data movie-reviews --max-latency-ms 2 --out runs/cascade

    Give one of --max-drop, --min-accuracy and --max-latency-ms. It is kept on the validation texts and, where these
    are few, on training texts by cross-validation; the test texts are only reported on.

    Args:
        fast: Artifact of the model that reads every text.
        strong: Artifact of the model that takes what the fast one is not sure of.
        source: Labeled texts, best those that both models were trained on: a built-in name, a file, a folder, a hub
            id.
        out: Folder of the new artifact and the report.
    """
    require("train", what="making a cascade")
    from textwright.optimize.cascade.make import make_cascade

    terminal = Terminal(output)
    with exclusive_folder(out), ProgressView(terminal, "making a cascade") as view:
        outcome = make_cascade(fast, strong, source, out, settings, data, [view])
    content = {**outcome.to_json(), "advice": outcome.advice}
    terminal.result(content, lambda: _show(terminal, outcome))
    terminal.note(f"report: {outcome.html_path(out)}, {outcome.json_path(out)}")
    best = fast if outcome.advice else out
    terminal.next(f"textwright serve {shlex.quote(str(best))}")


def _show(terminal: Terminal, outcome: Outcome) -> None:
    verdict, point = outcome.verdict, outcome.point
    rows = [
        (
            *(stage, shown(outcome.metric, verdict.accuracy[stage].value)),
            shown(outcome.metric, verdict.accuracy[stage].low, verdict.accuracy[stage].high),
            *(f"{speed.mean_ms:.3g} ms", f"{speed.texts_per_second:,.0f}", f"{speed.throughput_gain:.2f}x"),
        )
        for stage, speed in outcome.speed.items()
    ]
    columns = ("model", TITLES[outcome.metric].lower(), "95 % interval", "lone text", "texts/s", "gain")
    terminal.table(f"{outcome.name} on {verdict.num_texts:,} test texts", columns, rows)
    terminal.say(
        f"{outcome.fast['family']} answers from a confidence of {point.min_confidence:.4f} on; "
        f"{outcome.strong['family']} takes {percent(verdict.share_escalated)} of the test texts "
        f"({percent(point.share_escalated)} of those that chose the point)"
    )
    terminal.say(
        f"drop against {outcome.strong['family']} alone: {verdict.drop.value:+.2f} points "
        f"({verdict.drop.low:+.2f} to {verdict.drop.high:+.2f}, p = {verdict.p_value:.3f}); "
        f"{bound_in_words(verdict.num_texts, verdict.drop_bound)}"
    )
    if outcome.advice:
        terminal.say(f"! {outcome.advice}")
    terminal.say(f"point chosen on {outcome.gate_texts}; bound: {outcome.bound}")
    terminal.say(f"batch invariance: {outcome.batch_invariance.in_words()}")
    chosen = outcome.cross_validated
    terminal.say(
        f"cross-validated on these: {chosen.drop:+.2f} points lost; "
        f"{bound_in_words(chosen.num_texts, chosen.drop_bound)}"
    )
