"""Which labels are suspected to be wrong: ``textwright data clean``.

A linear model says of each text, without having learned from it, how probable each label is. A label is suspected where
the model is surer of another one than it is on average of that other label's own texts, and where the counts of such
texts, label by label, leave room for it (confident learning). Suspicion is no proof: a person decides.

Source:
    Northcutt, Jiang & Chuang, 2021, "Confident Learning: Estimating Uncertainty in Dataset Labels"; cleanlab is its
    authors' library.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np

from textwright.core.callbacks import Callback
from textwright.core.labels import Labels, Task
from textwright.core.types import Bools, Float32s, Ints
from textwright.data.duplicates import find_duplicates
from textwright.data.load import read_source
from textwright.data.reader import Collected
from textwright.data.settings import DataSettings
from textwright.errors import DataError
from textwright.optional_deps import require
from textwright.report.base import Report
from textwright.review.out_of_fold import OutOfFold
from textwright.review.settings import CleanSettings
from textwright.review.text_features import TextFeatures

STRENGTH: Final = 10.0
"""Inverse strength C of the regularization, the middle of what the family tries: no search, which wrong labels lead."""
_FILTER: Final = "prune_by_class"
"""The paper's rule: of each label as many texts as are estimated to be wrong, those least probable to have it."""
_PAGE_ISSUES: Final = 200
"""Suspected labels on the page, the surest first; all are in the file and in the JSON."""


@dataclass(frozen=True, slots=True)
class Neighbor:
    """A similar text.

    Args:
        place: Where it stands: file and line.
        text: Its text.
        labels: Its labels, as given.
        similarity: Cosine of the two texts' n-grams, in [0, 1].
    """

    place: str
    text: str
    labels: tuple[str, ...]
    similarity: float


@dataclass(frozen=True, slots=True)
class LabelIssue:
    """A label that is suspected to be wrong.

    Args:
        file: Where the text stands.
        line: Its line there, or row, or article.
        unit: What is counted: "line".
        text: Its text.
        labels: Its labels, as given; empty where none applies.
        suggested: The labels that the model would give it.
        probability: Of what was given, out of fold; for a multi-label task of the label that is most in doubt.
        suggested_probability: Of what is suggested.
        neighbors: The most similar texts, the most similar first.
    """

    file: str
    line: int
    unit: str
    text: str
    labels: tuple[str, ...]
    suggested: tuple[str, ...]
    probability: float
    suggested_probability: float
    neighbors: tuple[Neighbor, ...]

    @property
    def place(self) -> str:
        """File and line, for a message."""
        return f"{self.file}, {self.unit} {self.line}"

    @property
    def num_agreeing(self) -> int:
        """How many of the neighbors have the suggested labels."""
        return sum(neighbor.labels == self.suggested for neighbor in self.neighbors)


@dataclass(frozen=True, slots=True)
class LabelErrors(Report):
    """The labels of a source that are suspected to be wrong.

    Args:
        source: What the user called it.
        task: "single-label" or "multi-label".
        num_rows: Texts.
        accuracy: Share of the texts whose given labels the model, which had not seen them, predicts.
        num_folds: Folds.
        labels: All labels of the source.
        issues: What is suspected, the surest first.
    """

    NAME: ClassVar[str] = "label-errors"
    source: str
    task: str
    num_rows: int
    accuracy: float
    num_folds: int
    labels: tuple[str, ...]
    issues: tuple[LabelIssue, ...]

    @property
    def share(self) -> float:
        """Share of the texts that are suspected."""
        return len(self.issues) / self.num_rows

    @property
    def confusions(self) -> list[tuple[str, str, int]]:
        """Given labels, suggested labels, and how many, the most frequent first."""
        counts = Counter((in_words(issue.labels), in_words(issue.suggested)) for issue in self.issues)
        return sorted(((*pair, count) for pair, count in counts.items()), key=lambda row: (-row[2], row))

    def page_values(self) -> Mapping[str, Any]:
        """Give the page the surest issues, and how labels are written."""
        return {"shown": self.issues[:_PAGE_ISSUES], "in_words": in_words}


def in_words(labels: Sequence[str]) -> str:
    """Write labels for people."""
    return ", ".join(labels) or "(none)"


def find_label_errors(
    source: str,
    data: DataSettings,
    settings: CleanSettings | None = None,
    callback: Callback | None = None,
) -> LabelErrors:
    """Find labels that are suspected to be wrong.

    Args:
        source: A built-in name, a file, a folder of them or a hub id.
        data: How it is read; every row is looked at, whatever its split.
        settings: Folds and neighbors; None takes the defaults.
        callback: Told of the stages and of the folds.

    Returns:
        What is suspected; the same source and settings give the same.

    Raises:
        NotFoundError: If there is no such source.
        DataError: If it cannot be used, or has too few texts to learn from.
        MissingExtraError: If cleanlab or what training needs is not installed.
    """
    require("train", what="finding label errors")
    require("review", what="finding label errors")
    settings, callback = settings or CleanSettings(), callback or Callback()
    collected = read_source(source, data)
    labels = collected.labels()
    targets = collected.targets(labels)
    callback.on_stage_begin(f"counting the n-grams of {len(collected):,} texts")
    features = TextFeatures.of(collected.texts, len(labels))
    probabilities, is_suspect = suspect(features, collected.texts, targets, labels, settings, callback)
    callback.on_stage_begin("looking for similar texts")
    predicted = _predicted(probabilities, labels)
    return LabelErrors(
        source=source,
        task=labels.task,
        num_rows=len(collected),
        accuracy=float((predicted == targets).reshape(len(targets), -1).all(axis=1).mean()),
        num_folds=settings.num_folds,
        labels=tuple(labels.names),
        issues=tuple(_issues(collected, labels, targets, probabilities, is_suspect, features, settings)),
    )


def suspect(
    features: TextFeatures,
    texts: Sequence[str],
    targets: Ints | Bools,
    labels: Labels,
    settings: CleanSettings,
    callback: Callback,
) -> tuple[Float32s, Bools]:
    """Say which labels are suspected.

    Args:
        features: Of N texts.
        texts: The texts.
        targets: (N,) or (N, K).
        labels: Label names with the task.
        settings: Folds and seed.
        callback: Told of the folds.

    Returns:
        Out-of-fold probabilities, (N, K), and what is suspected, of the shape of the targets.

    Raises:
        DataError: If there are too few texts to learn from.
    """
    groups = find_duplicates(texts).near
    folds = OutOfFold.draw(
        features, targets, groups, labels, num_folds=settings.num_folds, strength=STRENGTH, seed=settings.seed
    )
    probabilities = folds.probabilities(targets, np.ones(len(texts), dtype=np.bool_), callback)
    return probabilities, confident_errors(probabilities, targets)


def confident_errors(probabilities: Float32s, targets: Ints | Bools) -> Bools:
    """Apply confident learning; a multi-label task is one question of yes or no for each label.

    Args:
        probabilities: Out of fold, (N, K).
        targets: (N,) or (N, K).

    Returns:
        What is suspected, of the shape of the targets.

    Raises:
        DataError: If fewer than two labels are given to any text.
    """
    if targets.ndim == 1:
        return _confident(probabilities, np.asarray(targets, dtype=np.int64))
    columns = [
        _confident(np.stack([1 - column, column], axis=1), held.astype(np.int64))
        if 0 < held.sum() < len(held)
        else np.zeros(len(held), dtype=np.bool_)
        for column, held in zip(probabilities.T, targets.T, strict=True)
    ]
    return np.stack(columns, axis=1)


def _confident(probabilities: Float32s, targets: Ints) -> Bools:
    """Ask cleanlab; labels that no text has are left out, since it expects each to have one."""
    from cleanlab.filter import find_label_issues

    present, dense = np.unique(targets, return_inverse=True)
    if len(present) < 2:
        raise DataError("all texts have one label, so none can be compared with another; add texts of a second label")
    known = probabilities[:, present].astype(np.float64)
    known /= known.sum(axis=1, keepdims=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a label of one text, of which it suspects none
        return np.asarray(find_label_issues(dense, known, filter_by=_FILTER, n_jobs=1), dtype=np.bool_)


def _predicted(probabilities: Float32s, labels: Labels) -> Ints | Bools:
    is_multi = labels.task is Task.MULTI_LABEL
    return np.asarray(probabilities >= 0.5 if is_multi else probabilities.argmax(axis=1))


def _issues(
    collected: Collected,
    labels: Labels,
    targets: Ints | Bools,
    probabilities: Float32s,
    is_suspect: Bools,
    features: TextFeatures,
    settings: CleanSettings,
) -> list[LabelIssue]:
    """Describe what is suspected, the largest difference of probability first."""
    suggested, given, better = _judged(targets, probabilities, is_suspect)
    rows = np.flatnonzero(is_suspect.reshape(len(targets), -1).any(axis=1))
    rows = rows[np.argsort(given[rows] - better[rows], kind="stable")]
    places, similarities = features.nearest(rows, settings.num_neighbors)

    def names(target: Any) -> tuple[str, ...]:  # noqa: ANN401  one label index, or which labels hold
        return tuple(labels.names[index] for index in (np.flatnonzero(target) if np.ndim(target) else [int(target)]))

    def neighbor(row: int, similarity: float) -> Neighbor:
        return Neighbor(collected.at(row), collected.texts[row], names(targets[row]), round(similarity, 4))

    issues = []
    for row, near, alike in zip(rows.tolist(), places.tolist(), similarities.tolist(), strict=True):
        file, unit, line = collected.place(row)
        issues.append(
            LabelIssue(
                file=file,
                line=line,
                unit=unit,
                text=collected.texts[row],
                labels=names(targets[row]),
                suggested=names(suggested[row]),
                probability=round(float(given[row]), 4),
                suggested_probability=round(float(better[row]), 4),
                neighbors=tuple(neighbor(*pair) for pair in zip(near, alike, strict=True)),
            )
        )
    return issues


def _judged(
    targets: Ints | Bools, probabilities: Float32s, is_suspect: Bools
) -> tuple[Ints | Bools, Float32s, Float32s]:
    """Say for each text what is suggested, how probable what was given is, and how probable what is suggested is."""
    if targets.ndim == 1:
        suggested = np.where(is_suspect, probabilities.argmax(axis=1), targets)
        rows = np.arange(len(targets))
        return suggested, probabilities[rows, targets], probabilities[rows, suggested]
    of_given = np.where(targets, probabilities, 1 - probabilities)  # (N, K)
    lowest = np.where(is_suspect, of_given, 1).min(axis=1)
    return targets ^ is_suspect, lowest, 1 - lowest
