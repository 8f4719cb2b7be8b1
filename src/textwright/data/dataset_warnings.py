"""Say in words what of a data report deserves a look; called by :mod:`textwright.data.check`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from textwright.core.percent import percent
from textwright.data.encoders import advice_for_scripts
from textwright.data.label_variants import suspicious_labels
from textwright.data.scripts import WITHOUT_SPACES
from textwright.family_catalog import reads_windows

if TYPE_CHECKING:
    from textwright.data.check import DataReport

_FEW: Final = 20
"""Examples of a label below which a measured accuracy says little about it."""
_IMBALANCE: Final = 20
"""How many times as frequent the most frequent label is when accuracy alone misleads."""
_DOMINANT_SHARE: Final = 0.8
"""Share of the rows from which on one constant answer has an accuracy that looks good."""
_MANY: Final = 0.05
"""Share of the rows from which on duplicates or cut texts are worth a sentence."""
_LONG_TOKEN: Final = 6.0
"""Characters per token from which on a text without spaces has not been cut into words."""
_MAX_SHOWN: Final = 10


def remarks(report: DataReport) -> DataReport:
    """Add warnings to a report.

    Args:
        report: The counts.

    Returns:
        The same report with ``warnings`` filled in.
    """
    warnings = [*_texts(report), *_scripts(report), *_labels(report), *_imbalance(report), *_duplicates(report)]
    return replace(report, warnings=tuple(warnings))


def _texts(report: DataReport) -> list[str]:
    warnings = []
    if report.empty.count:
        warnings.append(f"{report.empty.count:,} texts are empty; remove them, a model can only guess their label")
    if report.repaired:
        warnings.append(f"bytes of another encoding were repaired, lines: {report.repaired:,}; look at some of them")
    if report.damaged.count:
        warnings.append(
            f"{report.damaged.count:,} texts look damaged by a wrong encoding; write the file again as UTF-8 from its "
            "origin"
        )
    if report.truncated.count > _MANY * report.num_rows:
        in_windows = ", read them in windows (--model.long-texts windows)" if reads_windows(report.family) else ""
        warnings.append(
            f"{report.truncated.count:,} texts ({percent(report.truncated.count / report.num_rows, digits=0)}) are "
            f"longer than {report.max_length} {report.token_unit}, and {report.family} does not read their end; raise "
            f"--max-length in training{in_windows}, or cut them where it matters"
        )
    return warnings


def _scripts(report: DataReport) -> list[str]:
    warnings = []
    if advice := advice_for_scripts(report.scripts, report.family):
        warnings.append(advice)
    if report.without_spaces.count and report.characters_per_token > _LONG_TOKEN:
        names = ", ".join(name for name in report.scripts if name in WITHOUT_SPACES)
        warnings.append(
            f"{report.without_spaces.count:,} texts are in a script without spaces between words ({names}), which "
            f"{report.family} does not cut into words: its tokens have {report.characters_per_token:.0f} characters "
            "there; take a family that reads characters or word pieces of that language"
        )
    if report.decomposed.count:
        warnings.append(
            f"{report.decomposed.count:,} texts are not in Unicode's composed form (first: "
            f"{report.decomposed.places[0]}): an accented letter may stand in two spellings; normalize the file to NFC"
        )
    return warnings


def _labels(report: DataReport) -> list[str]:
    warnings = list(suspicious_labels(report.labels))
    few = [f"{name!r} ({count})" for name, count in report.labels.items() if count < _FEW]
    if few:
        more = f" and {len(few) - _MAX_SHOWN} more" if len(few) > _MAX_SHOWN else ""
        warnings.append(
            f"fewer than {_FEW} examples of {', '.join(few[:_MAX_SHOWN])}{more}; what is measured of them will be "
            "uncertain"
        )
    num_applied = sum(report.labels.values())
    if report.is_multi_label and num_applied == report.num_rows and not report.num_without_labels:
        warnings.append(
            "every row has exactly one label; if no text can have two, write its name into one column: a single-label "
            "task is easier to learn"
        )
    return warnings


def _imbalance(report: DataReport) -> list[str]:
    counts = report.labels
    if not counts or not report.num_rows:
        return []
    if report.is_multi_label:
        share = report.num_without_labels / report.num_rows
        constant = f"a model that never names one has an exact match of {percent(share)}"
        return [f"{percent(share)} of the rows have none of the labels: {constant}; read macro-F1"] * (
            share >= _DOMINANT_SHARE
        )
    largest = max(counts, key=counts.__getitem__)
    share = counts[largest] / report.num_rows
    if share >= _DOMINANT_SHARE and len(counts) > 1:
        constant = f"always giving it has an accuracy of {percent(share)}, so accuracy says little"
        advice = "read macro-F1 and each label's recall"
        return [f"{percent(share)} of the rows have the label {largest!r}: {constant}; {advice}"]
    if counts[largest] > _IMBALANCE * max(min(counts.values()), 1):
        return ["the most frequent label has more than 20 times the examples of the rarest; read macro-F1"]
    return []


def _counted(count: int, singular: str = "", plural: str = "") -> str:
    """Write "1 text is" or "2 texts are"."""
    return f"1 text {singular}".strip() if count == 1 else f"{count:,} texts {plural}".strip()


def _duplicates(report: DataReport) -> list[str]:
    warnings = []
    if report.conflicts.count:
        warnings.append(
            f"{_counted(report.conflicts.count)} came before with another label (first: {report.conflicts.places[0]}); "
            "decide which is right"
        )
    if report.near_conflicts.count:
        warnings.append(
            f"{_counted(report.near_conflicts.count, 'is', 'are')} nearly the same as one with another label (first: "
            f"{report.near_conflicts.places[0]}); decide which is right"
        )
    if report.across_splits.count:
        warnings.append(
            f"{_counted(report.across_splits.count, 'has', 'have')} a duplicate in an earlier split (first: "
            f"{report.across_splits.places[0]}), so results on them flatter; given splits are used as they are, drop "
            "the split column to have splits drawn around duplicates"
        )
    num_duplicates = report.exact_duplicates.count + report.near_duplicates.count
    if num_duplicates > _MANY * report.num_rows:
        warnings.append(f"{num_duplicates:,} texts are exact or near duplicates; drawn splits keep them on one side")
    return warnings
