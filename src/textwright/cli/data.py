"""``textwright data``: look at a labeled source before training on it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import App, Parameter
from cyclopts.validators import Number

from textwright.cli.flags import typed
from textwright.core.percent import percent
from textwright.data.settings import DataSettings
from textwright.data.writers import writable_format
from textwright.display.terminal import DEFAULT_OUTPUT, Output, ProgressView, Terminal
from textwright.errors import AssetError, DataError
from textwright.optional_deps import require
from textwright.review.settings import CleanSettings
from textwright.training.settings import TrainSettings

if TYPE_CHECKING:
    from textwright.data.check import DataReport
    from textwright.data.lengths import TokenCounter
    from textwright.data.row_errors import Finding
    from textwright.review.label_errors import LabelErrors

_MAX_LABELS: Final = 60
"""Labels in the table; all of them are in ``--json``."""

DEFAULT_DATA = DataSettings()
_MAX_ISSUES: Final = 20
"""Suspected labels in the table; all of them are in ``--json``, ``--out`` and ``--html``, as far as these say."""
_MAX_TEXT: Final = 60
DEFAULT_CLEAN: Final = CleanSettings()

app = App(name="data", help="Check a labeled source, look for wrong labels in it, and make one of feedback.")


@app.command
def check(
    source: str,
    /,
    *,
    family: str | None = None,
    max_length: Annotated[int, Parameter(validator=Number(gte=1))] | None = None,
    data: Annotated[DataSettings, Parameter(name="*", group="Data")] = DEFAULT_DATA,
    output: Annotated[Output, Parameter(name="*", group="Output")] = DEFAULT_OUTPUT,
) -> None:
    """Report rows, labels, lengths, scripts, duplicates, conflicts and encodings of a labeled source.

    Example: textwright data check reviews.csv --label-column stars

    Args:
        source: A built-in name, a file (.csv .tsv .json .txt .parquet .xlsx), a folder of files named train, validation
            and test, or a Hugging Face dataset id.
        family: The family that will be trained; its tokenizer counts the tokens. By default words are counted.
        max_length: Tokens from which on a text counts as truncated; by default what the family reads.
    """
    from textwright.data.check import check as check_source

    terminal = Terminal(output)
    report = check_source(source, data, tokens=_tokens(family, terminal), max_length=max_length)
    terminal.result(report.to_json(), lambda: _show(terminal, report))
    if len(report.problems) > 1:
        raise DataError(f"{len(report.problems)} problems:" + "".join(f"\n- {problem}" for problem in report.problems))
    if report.problems:
        raise DataError(report.problems[0])
    name = family or TrainSettings().family
    terminal.next(f"textwright train {shlex.quote(source)}{typed(data)} --family {name} --out runs/{name}")


@app.command
def clean(
    source: str,
    /,
    *,
    out: Path | None = None,
    html: Path | None = None,
    cleaning: Annotated[CleanSettings, Parameter(name="*", group="Cleaning")] = DEFAULT_CLEAN,
    data: Annotated[DataSettings, Parameter(name="*", group="Data")] = DEFAULT_DATA,
    output: Annotated[Output, Parameter(name="*", group="Output")] = DEFAULT_OUTPUT,
) -> None:
    """List labels that are suspected to be wrong, the surest first.

    A linear model judges each text without having learned from it (cross-validation, confident learning). Suspicion is
    no proof: look at the texts, for example with textwright review.

    Example: textwright data clean reviews.csv --out suspects.csv --html suspects.html

    Args:
        source: As for textwright data check.
        out: File for all of them, with file and line of each: .csv, .tsv, .jsonl or .parquet.
        html: Page (.html) that shows them beside similar texts, or a folder for label-errors.html; it opens offline.
    """
    from textwright.review.exports import write_suspects
    from textwright.review.label_errors import LabelErrors, find_label_errors

    terminal = Terminal(output)
    if out is not None:
        writable_format(out)  # a name that cannot be written is refused before minutes of work
    page = None if html is None else LabelErrors.html_path(html)
    with ProgressView(terminal, "reading") as view:
        errors = find_label_errors(source, data, cleaning, view)
    if out is not None:
        write_suspects(errors, out)
    if page is not None:
        errors.write_html(page)
    terminal.result(errors.to_json(), lambda: _show_errors(terminal, errors))
    if written := [str(path) for path in (out, page) if path is not None]:
        terminal.note(f"written: {', '.join(written)}")
    terminal.next(f"textwright review {shlex.quote(source)}{typed(data)} --out reviewed.csv")


@app.command
def feedback(
    records: str,
    /,
    *,
    out: Path,
    feedback: str | None = None,
    output: Annotated[Output, Parameter(name="*", group="Output")] = DEFAULT_OUTPUT,
) -> None:
    """Join feedback with the texts that a server has recorded: labeled texts to train on.

    Example: textwright data feedback records --feedback feedback.db --out labeled.csv

    Args:
        records: Folder of serve --record --record-texts, or s3://BUCKET/KEY.
        out: File of the labeled texts: columns text, label and predicted_label.
        feedback: SQLite file of serve --feedback, or a folder of its Parquet; absent: Parquet beside the records.
    """
    require("data", what="reading records")
    from textwright.review.feedback import join_feedback

    terminal = Terminal(output)
    joined = join_feedback(records, feedback, out)
    share = percent(joined.num_agreeing / joined.num_joined)
    terminal.result(
        {**joined._asdict(), "out": str(out)},
        lambda: terminal.say(
            f"{joined.num_joined:,} of {joined.num_feedback:,} texts with feedback are in {out}; the model had said "
            f"what is right of {share}"
        ),
    )
    terminal.next(
        f"textwright train {shlex.quote(str(out))} --label-column label --text-column text --out runs/feedback"
    )


def _show_errors(terminal: Terminal, errors: LabelErrors) -> None:
    from textwright.review.label_errors import in_words

    terminal.say(
        f"{len(errors.issues):,} of {errors.num_rows:,} labels are suspected to be wrong ({percent(errors.share)}); a "
        f"model that has not seen a text agrees with its label for {percent(errors.accuracy)}"
    )
    rows = [
        (
            issue.place.removeprefix(f"{errors.source}, "),
            f"{in_words(issue.labels)} {percent(issue.probability, digits=0)}",
            f"{in_words(issue.suggested)} {percent(issue.suggested_probability, digits=0)}",
            f"{issue.num_agreeing} of {len(issue.neighbors)}",
            _brief(issue.text),
        )
        for issue in errors.issues[:_MAX_ISSUES]
    ]
    if rows:
        title = f"The {len(rows)} surest" if len(errors.issues) > len(rows) else ""
        terminal.table(title, ("where", "label", "suggested", "similar texts agree", "text"), rows)


def _brief(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MAX_TEXT else f"{line[: _MAX_TEXT - 1]}\u2026"


def _tokens(family: str | None, terminal: Terminal) -> TokenCounter:
    """Find the tokenizer of a family; where its encoder is not here and cannot be fetched, count words."""
    from textwright.data.lengths import DEFAULT_TOKENS, word_tokens

    if family is None:  # needs no torch, and so no second more
        return DEFAULT_TOKENS
    require("train", what="the tokenizer of a family")
    from textwright.models.token_counts import family_tokens

    try:
        return family_tokens(family)
    except AssetError as error:
        terminal.note(f"! words are counted in place of the tokens of {family}: {error}")
        return word_tokens(family)


def _show(terminal: Terminal, report: DataReport) -> None:
    splits = ", ".join(f"{name} {count:,}" for name, count in report.splits.items())
    origin = "given" if report.splits_are_given else "drawn"
    lengths = report.lengths
    scripts = ", ".join(
        f"{name} {percent(count / report.num_rows, digits=0)}" for name, count in report.scripts.items()
    )
    facts = [
        ("rows", f"{report.num_rows:,}"),
        *((f"rows {problem}", _count(finding, report.source)) for problem, finding in report.unusable.items()),
        ("task", f"{report.task}, {len(report.labels)} labels"),
        ("labels from", report.layout),
        ("splits", f"{splits} ({origin})" if splits else "cannot be drawn"),
        ("scripts of the texts", scripts),
        (
            f"{report.token_unit} per text",
            f"median {lengths.median}, 95 % {lengths.percentile_95}, longest {lengths.longest}",
        ),
        (f"longer than {report.max_length} {report.token_unit}", _count(report.truncated, report.source)),
        ("empty texts", _count(report.empty, report.source)),
        ("exact duplicates", _count(report.exact_duplicates, report.source)),
        ("near duplicates", _count(report.near_duplicates, report.source)),
        ("duplicates across splits", _count(report.across_splits, report.source)),
        ("conflicting labels", _count(report.conflicts, report.source)),
        ("near duplicates, other label", _count(report.near_conflicts, report.source)),
        ("repaired lines", f"{report.repaired:,}"),
        ("damaged texts", _count(report.damaged, report.source)),
        ("not composed (NFC)", _count(report.decomposed, report.source)),
    ]
    terminal.table(report.source, ("", ""), facts)
    _show_labels(terminal, report)
    for sentence in (*report.dropped, *report.warnings):
        terminal.say(f"! {sentence}")


def _show_labels(terminal: Terminal, report: DataReport) -> None:
    rows = [(name, count, percent(count / report.num_rows)) for name, count in report.labels.items()]
    if report.is_multi_label:
        rows.append(("(none of them)", report.num_without_labels, percent(report.num_without_labels / report.num_rows)))
    title = "Labels"
    if len(rows) > _MAX_LABELS:
        rows = sorted(rows, key=lambda row: -row[1])[:_MAX_LABELS]
        title = f"Labels, the {_MAX_LABELS} most frequent of {len(report.labels):,}; all with --json"
    terminal.table(title, ("label", "rows", "share"), rows)


def _count(finding: Finding, source: str) -> str:
    """Say how many, and where the first three are; the source's own name is not repeated."""
    places = "; ".join(place.removeprefix(f"{source}, ") for place in finding.places[:3])
    more = "; ..." if finding.count > 3 else ""
    return f"{finding.count:,}" + (f"  ({places}{more})" if finding.count else "")
