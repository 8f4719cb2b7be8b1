"""Look at a labeled source before training on it: ``textwright data check``.

Everything is counted in one pass, with the places of the first cases: also the rows at which training would end. What
deserves a look is said in words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final
from unicodedata import is_normalized

import numpy as np

from textwright.core.labels import Labels, Task
from textwright.core.types import Bools, Ints
from textwright.data.dataset import Examples, label_counts
from textwright.data.dataset_warnings import remarks
from textwright.data.download import Progress
from textwright.data.duplicates import Duplicates, find_duplicates
from textwright.data.lengths import DEFAULT_TOKENS, TokenCounter
from textwright.data.load import DEFAULT_SETTINGS, fingerprint, read_source
from textwright.data.rare_labels import dropped
from textwright.data.reader import SPLITS, Collected
from textwright.data.row_errors import MAX_PLACES, Finding, RowErrorCounts
from textwright.data.scripts import SCRIPTS, WITHOUT_SPACES, count_scripts, main_scripts
from textwright.data.settings import DataSettings
from textwright.data.split_assignment import are_given, assign_splits
from textwright.errors import DataError

_MOJIBAKE: Final = re.compile("\ufffd|[\u00c2\u00c3][\u0080-\u00bf]|\u00e2\u20ac")
"""The replacement character, and UTF-8 that was once read as Windows-1252."""


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long the texts are, in tokens of the family's tokenizer."""

    median: int
    percentile_95: int
    longest: int


@dataclass(frozen=True, slots=True)
class DataReport:
    """What a labeled source holds.

    Args:
        source: What the user called it.
        task: "single-label" or "multi-label".
        layout: How the labels are written, in words.
        num_rows: Examples in all.
        labels: Label name -> examples.
        num_without_labels: Rows to which none of the labels applies; 0 in a single-label source.
        unusable: Problem -> rows that cannot be used because of it; they are in none of the other counts.
        dropped: What the settings dropped, in sentences.
        splits: Split name -> examples, given or as they would be drawn; empty if they cannot be drawn.
        splits_are_given: True if the source brings its splits.
        family: The family whose tokenizer counts the tokens.
        token_unit: What a token is, in the plural.
        lengths: Of the texts, in tokens.
        max_length: The length that ``truncated`` refers to, in tokens.
        scripts: Writing system -> texts that are mainly in it.
        without_spaces: Texts in a script that puts no spaces between words.
        characters_per_token: Of those texts, as the family cuts them; 0 if there are none.
        empty: Texts without a visible character.
        exact_duplicates: Texts that came before but for case and white space.
        near_duplicates: Further texts that came before but for a few words.
        across_splits: Texts of one split with a duplicate in a split before it (train, validation, test).
        conflicts: Exact duplicates whose label differs from that of the first.
        near_conflicts: Near duplicates whose label differs from that of the first.
        repaired: Lines whose bytes did not fit the encoding and were mended.
        damaged: Texts that look damaged by a wrong encoding before they came here.
        decomposed: Texts that are not in Unicode's composed form (NFC): letters and their accents are apart.
        truncated: Texts longer than ``max_length``, whose end a model would not read.
        fingerprint: sha256 over every text and label in order.
        problems: Why this source cannot be trained on; empty if it can.
        warnings: What deserves a look.
    """

    source: str
    task: str
    layout: str
    num_rows: int
    labels: Mapping[str, int]
    num_without_labels: int
    unusable: Mapping[str, Finding]
    dropped: tuple[str, ...]
    splits: Mapping[str, int]
    splits_are_given: bool
    family: str
    token_unit: str
    lengths: Lengths
    max_length: int
    scripts: Mapping[str, int]
    without_spaces: Finding
    characters_per_token: float
    empty: Finding
    exact_duplicates: Finding
    near_duplicates: Finding
    across_splits: Finding
    conflicts: Finding
    near_conflicts: Finding
    repaired: int
    damaged: Finding
    decomposed: Finding
    truncated: Finding
    fingerprint: str
    problems: tuple[str, ...]
    warnings: tuple[str, ...] = ()

    @property
    def is_multi_label(self) -> bool:
        """Whether a text may have several labels, or none."""
        return self.task == Task.MULTI_LABEL

    def to_json(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return asdict(self)


def check(
    source: str,
    settings: DataSettings = DEFAULT_SETTINGS,
    *,
    tokens: TokenCounter = DEFAULT_TOKENS,
    max_length: int | None = None,
    progress: Progress | None = None,
) -> DataReport:
    """Report what a labeled source holds.

    Args:
        source: As for :func:`textwright.data.load.load_dataset`.
        settings: Columns, encoding, fractions and seed.
        tokens: How the family that will be trained counts tokens; by default in words.
        max_length: Tokens from which on a text counts as truncated, >= 1; None takes what the family reads.
        progress: Told (bytes there, bytes in all) while a built-in source is fetched.

    Returns:
        The report; its problems are the errors that training would end with, all of them.

    Raises:
        NotFoundError: If there is no such source.
        DataError: If it cannot be read, or no row of it can be used; names the file, the line and the cure.
    """
    row_errors = RowErrorCounts()
    collected = read_source(source, settings, progress=progress, row_errors=row_errors)
    labels, problems = _labels(collected)
    targets = collected.targets(labels) if labels is not None else np.zeros(len(collected), dtype=np.int64)
    duplicates = find_duplicates(collected.texts)
    splits, problem = _splits(collected, labels, targets, settings, duplicates)
    report = _report(
        collected,
        labels,
        targets,
        duplicates,
        splits,
        replace(tokens, max_length=max_length or tokens.max_length),
        row_errors.findings(),
        (*row_errors.sentences(), *problems, *problem),
    )
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
    tokens: TokenCounter,
    unusable: Mapping[str, Finding],
    problems: tuple[str, ...],
) -> DataReport:
    lengths = tokens.count(collected.texts)
    scripts = main_scripts(collected.texts)
    is_spaceless = np.isin(scripts, [number for number, name in enumerate(SCRIPTS) if name in WITHOUT_SPACES])
    rows = np.arange(len(collected))
    is_empty = _flags(not text.strip() for text in collected.texts)
    is_exact, is_grouped = duplicates.exact != rows, duplicates.near != rows
    given_splits = np.array(collected.splits) if are_given(collected) else np.zeros(len(rows), dtype=np.int64)

    def finding(flags: Bools) -> Finding:
        rows_of_finding = np.flatnonzero(flags)
        return Finding(len(rows_of_finding), tuple(collected.at(row) for row in rows_of_finding[:MAX_PLACES].tolist()))

    return DataReport(
        source=collected.source,
        task=collected.task,
        layout=collected.layout,
        num_rows=len(rows),
        labels=_counts(collected, labels, targets),
        num_without_labels=0 if targets.ndim == 1 else int((~targets.any(axis=1)).sum()),
        unusable=unusable,
        dropped=tuple(dropped(collected)),
        splits={} if splits is None else dict(zip(SPLITS, np.bincount(splits, minlength=3).tolist(), strict=True)),
        splits_are_given=are_given(collected),
        family=tokens.family,
        token_unit=tokens.unit,
        lengths=Lengths(int(np.median(lengths)), int(np.percentile(lengths, 95)), int(lengths.max())),
        max_length=tokens.max_length,
        scripts=count_scripts(scripts),
        without_spaces=finding(is_spaceless),
        characters_per_token=_characters_per_token(collected.texts, lengths, np.flatnonzero(is_spaceless)),
        empty=finding(is_empty),
        exact_duplicates=finding(is_exact),
        near_duplicates=finding(is_grouped & ~is_exact),
        across_splits=finding(_across(duplicates.near, given_splits)),
        conflicts=finding(_conflicts(targets, duplicates.exact) & ~is_empty),
        near_conflicts=finding(_conflicts(targets, duplicates.near) & ~is_exact),
        repaired=collected.num_repaired,
        damaged=finding(_flags(not text.isascii() and bool(_MOJIBAKE.search(text)) for text in collected.texts)),
        decomposed=finding(_flags(not is_normalized("NFC", text) for text in collected.texts)),
        truncated=finding(lengths > tokens.max_length),
        fingerprint=fingerprint(collected.texts, targets, labels) if labels is not None else "",
        problems=problems,
    )


def _characters_per_token(texts: Sequence[str], lengths: Ints, rows: Ints) -> float:
    if not len(rows):
        return 0.0
    return sum(len(texts[row]) for row in rows.tolist()) / max(int(lengths[rows].sum()), 1)


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
