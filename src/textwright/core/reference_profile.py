"""What the texts looked like that a model was validated on, as counts: what ``monitor`` compares later texts with.

An artifact holds it as ``profile.json``: some kB, and no text. It is optional: artifacts made before, and those of
several stages, have none. ``evaluate.profile`` makes it, ``monitor`` reads it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from textwright.core.artifact import PROFILE, Artifact
from textwright.core.labels import Task
from textwright.core.manifest_checks import is_number, is_text
from textwright.core.types import Floats, Ints
from textwright.core.word_sketch import NUM_BUCKETS
from textwright.errors import ArtifactFormatError

PROFILE_VERSION: Final = 1
MOST_SHIFT_LABELS: Final = 30
"""With more labels the shares of the labels are not estimated: their table would be large, and each label's row would
rest on a few texts."""
_LOGIT_RANGE: Final = 7.0
_LOGIT_STEP: Final = 0.1
NUM_CONFIDENCE_BINS: Final = 140
NUM_LENGTH_BINS: Final = 161
NUM_UNKNOWN_BINS: Final = 51
NUM_CALIBRATION_BINS: Final = 10


@dataclass(frozen=True, slots=True)
class ReferenceProfile:
    """Counts over N reference texts; K labels in the order of the manifest.

    Args:
        split: The split that the texts are of.
        num_texts: N.
        label_counts: Texts that have each label, (K,).
        predicted_counts: Texts for which each label was predicted, (K,).
        mean_probabilities: Mean probability of each label, a row for the texts of each true label, (K, K); of a
            multi-label task a row for the texts without the label and one for those with it, (2, K). Empty with more
            than 30 labels.
        probability_deviations: Standard deviations of the same, of the same shape.
        confidences: Texts by confidence, (140,); see :func:`confidence_bins`.
        lengths: Texts by number of tokens, (161,); see :func:`length_bins`.
        unknown_rates: Texts by the share of unknown tokens, (51,); see :func:`unknown_bins`.
        words: Texts in which each bucket of words occurs, (512,); see :mod:`textwright.core.word_sketch`.
        calibration: A row ``[label index, bin, decisions, right ones, mean confidence]`` for each predicted label (of a
            multi-label task each label) and tenth of confidence in which there is a decision.
    """

    split: str
    num_texts: int
    label_counts: Sequence[int]
    predicted_counts: Sequence[int]
    mean_probabilities: Sequence[Sequence[float]]
    probability_deviations: Sequence[Sequence[float]]
    confidences: Sequence[int]
    lengths: Sequence[int]
    unknown_rates: Sequence[int]
    words: Sequence[int]
    calibration: Sequence[Sequence[float]]

    def to_bytes(self) -> bytes:
        """Write ``profile.json``, a field on each line."""
        content = {"profile_version": PROFILE_VERSION, **asdict(self)}
        rows = (f"{json.dumps(name)}: {json.dumps(value, separators=(',', ':'))}" for name, value in content.items())
        return ("{\n" + ",\n".join(rows) + "\n}\n").encode()


def read_profile(artifact: Artifact) -> ReferenceProfile | None:
    """Read the reference profile of an artifact.

    Args:
        artifact: A verified artifact.

    Returns:
        The profile; None if the artifact has none.

    Raises:
        ArtifactFormatError: If the file is not of its form, or of a newer version.
    """
    if PROFILE not in artifact.files:
        return None
    path, labels = artifact.path / PROFILE, artifact.manifest.labels
    try:
        content = json.loads(path.read_bytes())
        version = content.pop("profile_version")
        if version != PROFILE_VERSION:
            raise ArtifactFormatError(f"{path}: profile version {version!r}; this textwright reads {PROFILE_VERSION}")
        profile = ReferenceProfile(**content)
        _check(profile, len(labels), is_multi_label=labels.task is Task.MULTI_LABEL)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ArtifactFormatError(f"{path}: not a reference profile: {error}; train the model again") from error
    return profile


def confidence_bins(confidences: Floats) -> Ints:
    """Number confidences by their logit in steps of 0.1, so that 0.99 and 0.999 stand apart: [0, 140)."""
    inside = np.clip(np.asarray(confidences, dtype=np.float64), 1e-9, 1 - 1e-9)
    logits = np.log(inside / (1 - inside))
    return _numbered((logits + _LOGIT_RANGE) / _LOGIT_STEP, NUM_CONFIDENCE_BINS)


def length_bins(num_tokens: Ints) -> Ints:
    """Number lengths by their logarithm, eight numbers for each doubling: [0, 161)."""
    return _numbered(8 * np.log2(1 + np.asarray(num_tokens, dtype=np.float64)) + 0.5, NUM_LENGTH_BINS)


def unknown_bins(rates: Floats) -> Ints:
    """Number shares of unknown tokens in steps of 0.02, 0 by itself: [0, 51)."""
    return _numbered(np.ceil(np.asarray(rates, dtype=np.float64) * (NUM_UNKNOWN_BINS - 1)), NUM_UNKNOWN_BINS)


def counts_of(bins: Ints, num_bins: int) -> list[int]:
    """Count how often each number occurs, (num_bins,)."""
    counts: list[int] = np.bincount(bins, minlength=num_bins).tolist()
    return counts


def _numbered(places: Floats, num_bins: int) -> Ints:
    return np.clip(np.floor(places), 0, num_bins - 1).astype(np.int64)


def _check(profile: ReferenceProfile, num_labels: int, *, is_multi_label: bool) -> None:
    lengths = {
        "label_counts": num_labels,
        "predicted_counts": num_labels,
        "confidences": NUM_CONFIDENCE_BINS,
        "lengths": NUM_LENGTH_BINS,
        "unknown_rates": NUM_UNKNOWN_BINS,
        "words": NUM_BUCKETS,
    }
    rows = 2 if is_multi_label else num_labels
    if not is_text(profile.split) or not _is_count(profile.num_texts) or profile.num_texts < 1:
        raise ValueError("split is a string and num_texts a whole number from 1")
    for name, length in lengths.items():
        values = getattr(profile, name)
        if not (isinstance(values, list) and len(values) == length and all(map(_is_count, values))):
            raise ValueError(f"{name} must be a list of {length} whole numbers")
    for name in ("mean_probabilities", "probability_deviations"):
        _check_matrix(name, getattr(profile, name), (rows if num_labels <= MOST_SHIFT_LABELS else 0, num_labels))
    _check_matrix("calibration", profile.calibration, (len(profile.calibration), 5))


def _check_matrix(name: str, values: Any, shape: tuple[int, int]) -> None:  # noqa: ANN401  JSON
    is_right = isinstance(values, list) and len(values) == shape[0]
    if not is_right or not all(isinstance(row, list) and len(row) == shape[1] for row in values):
        raise ValueError(f"{name} must be {shape[0]} lists of {shape[1]} numbers")
    if not all(is_number(value) for row in values for value in row):
        raise ValueError(f"{name} must hold finite numbers")


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
