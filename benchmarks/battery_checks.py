"""Which bars does the battery meet? Of the result file alone."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

BASELINE: Final = "tuned tf-idf"
FLOOR: Final = "majority"
_RIVALS: Final = (BASELINE, FLOOR, "SetFit", "fastText")
_WITHIN, _NOWHERE_BELOW = 0.5, 3.0
"""Points that `linear` may be below the baseline, and that the word families may be anywhere."""
_FEWEST_TRAINING_ROWS, _FEW_ROWS = 300, 1_000
_VECTORS_COVER: Final = ("English",)
_Sources = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Check:
    """One bar.

    Args:
        bar: What is asked for.
        num_rows: Rows that it was applied to.
        misses: The rows that miss it, with their numbers.
    """

    bar: str
    num_rows: int
    misses: tuple[str, ...]


def check(content: Mapping[str, Any]) -> list[Check]:
    """Apply every bar.

    Args:
        content: The result file.

    Returns:
        One entry per bar, in the order of the issue; one that no row was measured for has no rows.
    """
    sources = content["sources"]
    checks = [
        _near("linear", sources, _WITHIN, lambda _: True, f"within {_WITHIN} points of the tuned baseline"),
    ]
    for family, covers in (("bow", _always), ("bow-glove", _is_covered)):
        text = f"at most {_NOWHERE_BELOW:g} points below the tuned baseline from {_FEWEST_TRAINING_ROWS} training rows"
        checks.append(_near(family, sources, _NOWHERE_BELOW, lambda it, c=covers: c(it) and _is_large(it), text))  # type: ignore[misc]
        checks.append(_on_average(family, sources, covers))
    checks.append(_near("frozen-bert", sources, 0.0, _is_few_english, "not below it on at most 1,000 English rows"))
    checks.append(_above_floor(sources))
    checks.append(_none_fails(sources))
    return checks


def print_checks(content: Mapping[str, Any]) -> None:
    """Print each bar and the rows that miss it."""
    for one in check(content):
        verdict = "not measured" if not one.num_rows else "misses" if one.misses else "holds"
        print(f"{verdict}: {one.bar} ({one.num_rows - len(one.misses)} of {one.num_rows} rows)")
        for miss in one.misses:
            print(f"    {miss}")


def points(source: Mapping[str, Any], row: str, metric: str = "") -> float | None:
    """Tell how many points a row is above the tuned baseline; None where one of the two was not measured.

    Args:
        source: One source of the result file.
        row: Name of the row.
        metric: Name of the metric; empty takes accuracy, or exact match for a multi-label source.
    """
    metric = metric or source["primary_metric"]
    values = [source["rows"].get(name, {}).get("metrics", {}).get(metric) for name in (row, BASELINE)]
    if None in values:
        return None
    return 100 * float(values[0]["value"] - values[1]["value"])


def _near(
    family: str, sources: _Sources, allowed: float, applies: Callable[[Mapping[str, Any]], bool], text: str
) -> Check:
    found = []
    for name, source in sources.items():
        if applies(source) and (by := points(source, family)) is not None:
            by_f1 = points(source, family, "macro_f1")
            found.append((f"{name}: {by:+.1f} points, macro-F1 {by_f1 or 0:+.1f}", min(by, by_f1 or 0.0)))
    misses = tuple(line for line, worst in found if worst < -allowed)
    return Check(f"{family} {text}, in accuracy and macro-F1", len(found), misses)


def _on_average(family: str, sources: _Sources, applies: Callable[[Mapping[str, Any]], bool]) -> Check:
    """Average over all rows of the battery that the family is for."""
    of_family = [source for source in sources.values() if applies(source)]
    misses = []
    for metric, title in (("", "accuracy"), ("macro_f1", "macro-F1")):
        by = [value for source in of_family if (value := points(source, family, metric)) is not None]
        if by and statistics.fmean(by) < 0:
            misses.append(f"{title}: {statistics.fmean(by):+.2f} points over {len(by)} sources")
    num_rows = 2 * any(points(source, family) is not None for source in of_family)
    return Check(f"{family} not below the tuned baseline on average", num_rows, tuple(misses))


def _above_floor(sources: _Sources) -> Check:
    """Find families whose accuracy is not above the interval of the most frequent label's."""
    found, misses = 0, []
    for name, source, row, metrics in _families(sources):
        floor = source["rows"].get(FLOOR, {}).get("metrics", {}).get(source["primary_metric"])
        if metrics and floor:
            found += 1
            value = metrics[source["primary_metric"]]["value"]
            if value <= floor["high"]:
                misses.append(f"{name}: {row} {100 * value:.1f}, majority up to {100 * floor['high']:.1f}")
    return Check("every family above majority and its interval (else `train` has to warn)", found, tuple(misses))


def _none_fails(sources: _Sources) -> Check:
    rows = [(name, row, source["rows"][row]) for name, source, row, _ in _families(sources)]
    failed = tuple(f"{name}: {row}: {found['failed']}" for name, row, found in rows if "failed" in found)
    return Check("no family fails", len(rows), failed)


def _families(sources: _Sources) -> Iterator[tuple[str, Mapping[str, Any], str, Mapping[str, Any]]]:
    for name, source in sources.items():
        for row, found in source["rows"].items():
            if row not in _RIVALS:
                yield name, source, row, found.get("metrics", {})


def _always(_source: Mapping[str, Any]) -> bool:
    return True


def _is_covered(source: Mapping[str, Any]) -> bool:
    return source["language"] in _VECTORS_COVER


def _is_large(source: Mapping[str, Any]) -> bool:
    return int(source["num_examples"]["train"]) >= _FEWEST_TRAINING_ROWS


def _is_few_english(source: Mapping[str, Any]) -> bool:
    return _is_covered(source) and int(source["num_examples"]["train"]) <= _FEW_ROWS
