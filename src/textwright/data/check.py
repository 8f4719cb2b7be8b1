"""Look at a labelled source before training on it: ``textwright data check``.

A source that cannot be read is refused as in training; everything else is counted, with the places of the first cases,
and what deserves a look is said in words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from textwright.core.labels import Labels
from textwright.core.types import Bools, Ints
from textwright.data.assign import are_given, assign_splits
from textwright.data.collect import SPLITS, Collected
from textwright.data.dataset import Examples, label_counts
from textwright.data.download import Progress
from textwright.data.duplicates import Duplicates, find_duplicates
from textwright.data.load import DEFAULT_SETTINGS, fingerprint, read_source
from textwright.data.remarks import remarks
from textwright.data.settings import DataSettings
from textwright.errors import DataError

MAX_LENGTH: Final = 512
_MAX_PLACES: Final = 5
_TOKEN: Final = re.compile(r"\w+|[^\w\s]")
_MOJIBAKE: Final = re.compile("\ufffd|[\u00c2\u00c3][\u0080-\u00bf]|\u00e2\u20ac")
"""The replacement character, and UTF-8 that was once read as Windows-1252."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Rows with something to look at.

    Args:
        count: How many.
        places: Where the first of them stand.
    """

    count: int
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long the texts are, in words and punctuation marks.

    That is what the word-level tokenizers count; word pieces are about 1.3 times as many.
    """

    median: int
    percentile_95: int
    longest: int


@dataclass(frozen=True, slots=True)
class DataReport:
    """What a labelled source holds.

    Args:
        source: What the user called it.
        task: "single-label" or "multi-label".
        num_rows: Examples in all.
        labels: Label name -> examples.
        splits: Split name -> examples, given or as they would be drawn; empty if they cannot be drawn.
        splits_are_given: True if the source brings its splits.
        lengths: Of the texts.
        max_length: The length that ``truncated`` refers to.
        empty: Texts without a visible character.
        exact_duplicates: Texts that came before but for case and white space.
        near_duplicates: Further texts that came before but for a few words.
        across_splits: Texts of one split with a duplicate in a split before it (train, validation, test).
        conflicts: Exact duplicates whose label differs from that of the first.
        repaired: Lines whose bytes did not fit the encoding and were mended.
        damaged: Texts that look damaged by a wrong encoding before they came here.
        truncated: Texts longer than ``max_length``, whose end a model would not read.
        fingerprint: sha256 over every text and label in order.
        problems: Why this source cannot be trained on; empty if it can.
        warnings: What deserves a look.
    """

    source: str
    task: str
    num_rows: int
    labels: Mapping[str, int]
    splits: Mapping[str, int]
    splits_are_given: bool
    lengths: Lengths
    max_length: int
    empty: Finding
    exact_duplicates: Finding
    near_duplicates: Finding
    across_splits: Finding
    conflicts: Finding
    repaired: int
    damaged: Finding
    truncated: Finding
    fingerprint: str
    problems: tuple[str, ...]
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return asdict(self)


def check(
    source: str,
    settings: DataSettings = DEFAULT_SETTINGS,
    *,
    max_length: int = MAX_LENGTH,
    progress: Progress | None = None,
) -> DataReport:
    """Report what a labelled source holds.

    Args:
        source: As for :func:`textwright.data.load.load_dataset`.
        settings: Columns, encoding, fractions and seed.
        max_length: Words and punctuation marks from which on a text counts as truncated, >= 1.
        progress: Told (bytes there, bytes in all) while a built-in source is fetched.

    Returns:
        The report; its problems are the errors that training would end with.

    Raises:
        NotFoundError: If there is no such source.
        DataError: If it cannot be read; names the file, the line and the cure.
    """
    collected = read_source(source, settings, progress=progress)
    labels, problems = _labels(collected)
    targets = collected.targets(labels) if labels is not None else np.zeros(len(collected), dtype=np.int64)
    duplicates = find_duplicates(collected.texts)
    splits, problem = _splits(collected, labels, targets, settings, duplicates)
    report = _report(collected, labels, targets, duplicates, splits, max_length, (*problems, *problem))
    return remarks(report)


def _labels(collected: Collected) -> tuple[Labels | None, tuple[str, ...]]:
    try:
        return collected.labels(), ()
    except DataError as error:
        return None, (str(error),)


def _splits(
    collected: Collected, labels: Labels | None, targets: Ints | Bools, settings: DataSettings, duplicates: Duplicates
) -> tuple[Ints | None, tuple[str, ...]]:
    if labels is None:
        return None, ()
    try:
        return assign_splits(collected, labels, targets, settings, duplicates.near), ()
    except DataError as error:
        return None, (str(error),)


def _report(
    collected: Collected,
    labels: Labels | None,
    targets: Ints | Bools,
    duplicates: Duplicates,
    splits: Ints | None,
    max_length: int,
    problems: tuple[str, ...],
) -> DataReport:
    lengths = _lengths(collected.texts)
    rows = np.arange(len(collected))
    is_exact, is_grouped = duplicates.exact != rows, duplicates.near != rows
    given = np.array(collected.splits) if are_given(collected) else np.zeros(len(rows), dtype=np.int64)

    def finding(flags: Bools) -> Finding:
        found = np.flatnonzero(flags)
        return Finding(len(found), tuple(collected.at(row) for row in found[:_MAX_PLACES].tolist()))

    return DataReport(
        source=collected.source,
        task=collected.task,
        num_rows=len(rows),
        labels=_counts(collected, labels, targets),
        splits={} if splits is None else dict(zip(SPLITS, np.bincount(splits, minlength=3).tolist(), strict=True)),
        splits_are_given=are_given(collected),
        lengths=Lengths(int(np.median(lengths)), int(np.percentile(lengths, 95)), int(lengths.max())),
        max_length=max_length,
        empty=finding(_flags(not text.strip() for text in collected.texts)),
        exact_duplicates=finding(is_exact),
        near_duplicates=finding(is_grouped & ~is_exact),
        across_splits=finding(_across(duplicates.near, given)),
        conflicts=finding(_conflicts(targets, duplicates.exact)),
        repaired=collected.num_repaired,
        damaged=finding(_flags(not text.isascii() and bool(_MOJIBAKE.search(text)) for text in collected.texts)),
        truncated=finding(lengths > max_length),
        fingerprint=fingerprint(collected.texts, targets, labels) if labels is not None else "",
        problems=problems,
    )


def _lengths(texts: list[str]) -> Ints:
    return np.fromiter((len(_TOKEN.findall(text)) for text in texts), dtype=np.int64, count=len(texts))


def _flags(values: Iterable[bool]) -> Bools:
    return np.fromiter(values, dtype=np.bool_)


def _counts(collected: Collected, labels: Labels | None, targets: Ints | Bools) -> dict[str, int]:
    if labels is None:
        return dict.fromkeys(collected.names, len(collected))
    counts = label_counts(Examples(collected.texts, targets), labels).tolist()
    return dict(zip(labels.names, counts, strict=True))


def _across(groups: Ints, splits: Ints) -> Bools:
    """Flag rows whose group has a row in an earlier split."""
    earliest = np.full(len(groups), len(SPLITS), dtype=np.int64)
    np.minimum.at(earliest, groups, splits)
    return np.asarray(splits > earliest[groups], dtype=np.bool_)


def _conflicts(targets: Ints | Bools, groups: Ints) -> Bools:
    differs = targets != targets[groups]
    return np.asarray(differs if differs.ndim == 1 else differs.any(axis=1), dtype=np.bool_)
