"""``textwright data``: look at a labelled source before training on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number

from textwright.cli.render import DEFAULT_OUTPUT, Output, Terminal
from textwright.data.settings import DataSettings

if TYPE_CHECKING:
    from textwright.data.check import DataReport, Finding

DEFAULT_DATA = DataSettings()

app = App(name="data", help="Check a labelled source before training on it.")


@app.command
def check(
    source: str,
    /,
    *,
    max_length: Annotated[int, Parameter(validator=Number(gte=1))] = 512,
    data: Annotated[DataSettings, Parameter(name="*", group="Data")] = DEFAULT_DATA,
    output: Annotated[Output, Parameter(name="*", group="Output")] = DEFAULT_OUTPUT,
) -> None:
    """Report rows, labels, lengths, duplicates, conflicts and encodings of a labelled source.

    Example: textwright data check reviews.csv --label-column stars

    Args:
        source: A built-in name, a CSV, TSV, JSONL or Parquet file, a folder of them named train, validation and test,
            or a Hugging Face dataset id.
        max_length: Words and punctuation marks from which on a text counts as truncated.
    """
    from textwright.data.check import check as check_source
    from textwright.errors import DataError

    terminal = Terminal(output)
    report = check_source(source, data, max_length=max_length)
    terminal.result(report.to_json(), lambda: _show(terminal, report))
    if report.problems:
        raise DataError("; ".join(report.problems))
    terminal.next(f"textwright train {source} --family bow --out runs/bow")


def _show(terminal: Terminal, report: DataReport) -> None:
    splits = ", ".join(f"{name} {count:,}" for name, count in report.splits.items())
    origin = "given" if report.splits_are_given else "drawn"
    lengths = report.lengths
    facts = [
        ("rows", f"{report.num_rows:,}"),
        ("task", f"{report.task}, {len(report.labels)} labels"),
        ("splits", f"{splits} ({origin})" if splits else "cannot be drawn"),
        ("words per text", f"median {lengths.median}, 95 % {lengths.percentile_95}, longest {lengths.longest}"),
        (f"longer than {report.max_length} words", _count(report.truncated, report.source)),
        ("empty texts", _count(report.empty, report.source)),
        ("exact duplicates", _count(report.exact_duplicates, report.source)),
        ("near duplicates", _count(report.near_duplicates, report.source)),
        ("duplicates across splits", _count(report.across_splits, report.source)),
        ("conflicting labels", _count(report.conflicts, report.source)),
        ("repaired lines", f"{report.repaired:,}"),
        ("damaged texts", _count(report.damaged, report.source)),
    ]
    terminal.table(report.source, ("", ""), facts)
    share = [(name, count, f"{count / report.num_rows:.1%}") for name, count in report.labels.items()]
    terminal.table("Labels", ("label", "rows", "share"), share)
    for warning in report.warnings:
        terminal.say(f"! {warning}")


def _count(finding: Finding, source: str) -> str:
    """Say how many, and where the first three are; the source's own name is not repeated."""
    places = "; ".join(place.removeprefix(f"{source}, ") for place in finding.places[:3])
    more = "; ..." if finding.count > 3 else ""
    return f"{finding.count:,}" + (f"  ({places}{more})" if finding.count else "")
