"""Texts as n-grams of words and of characters, weighed by TF-IDF; what the linear baseline reads.

Called by :mod:`textwright.evaluate.linear`. scikit-learn is imported only when something is counted.
"""

from __future__ import annotations

import unicodedata
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import Any, Final, TypeAlias

import numpy as np

from textwright.core.labels import Labels, Task
from textwright.core.types import Bools

Matrix: TypeAlias = Any
"""A sparse matrix of scipy, which has no types that mypy reads here."""

NGRAMS: Final = {"words": (1, 2), "characters": (1, 5)}
_MAX_WEIGHTS: Final = 4_000_000
"""Features times outputs; the solver keeps some twenty vectors of that size."""
_MIN_FEATURES: Final = 5_000


class FeatureKinds(StrEnum):
    """What a linear model counts."""

    WORDS = "words"
    CHARACTERS = "characters"
    BOTH = "words and characters"

    @property
    def kinds(self) -> tuple[str, ...]:
        """Names in :data:`NGRAMS`."""
        return ("words", "characters") if self is FeatureKinds.BOTH else (self.value,)


def num_outputs(labels: Labels) -> int:
    """Count the columns of weights that a linear model of these labels has."""
    return 1 if labels.task is Task.SINGLE_LABEL and len(labels) <= 2 else len(labels)


def _normalize(text: str) -> str:
    """Compose accents and lower-case, so that one letter is one character."""
    return unicodedata.normalize("NFC", text).lower()


def _vectorizer_settings(kind: str, labels: Labels) -> dict[str, Any]:
    limit = max(_MAX_WEIGHTS // num_outputs(labels), _MIN_FEATURES)
    analyzer = "word" if kind == "words" else "char"
    return {"analyzer": analyzer, "ngram_range": NGRAMS[kind], "preprocessor": _normalize, "max_features": limit}


class NgramMatrices:
    """How often each text has each n-gram.

    Args:
        texts: N texts.
        candidates: What may be counted; what no text has is left out.
        labels: Their number bounds that of the n-grams.
    """

    def __init__(self, texts: Sequence[str], candidates: Sequence[FeatureKinds], labels: Labels) -> None:
        from sklearn.feature_extraction.text import CountVectorizer  # type: ignore[import-untyped]

        self.vectorizers: dict[str, Any] = {}
        self.matrices: dict[str, Matrix] = {}  # (N, D) each
        for kind in dict.fromkeys(kind for features in candidates for kind in features.kinds):
            vectorizer = CountVectorizer(**_vectorizer_settings(kind, labels), dtype=np.float64)
            try:
                with quiet():
                    self.matrices[kind] = vectorizer.fit_transform(texts)
            except ValueError:  # an empty vocabulary: no text has a word
                continue
            self.vectorizers[kind] = vectorizer
        self.features = [features for features in candidates if all(kind in self.matrices for kind in features.kinds)]


def weigh_without(counts: Matrix, rows: Bools) -> tuple[Matrix, Matrix]:
    """Weigh counts by TF-IDF as if the held-out rows had never been seen: neither their n-grams nor their counts."""
    from sklearn.feature_extraction.text import TfidfTransformer

    learned, held_out = counts[~rows], counts[rows]
    known = np.flatnonzero(np.bincount(learned.indices, minlength=counts.shape[1]))
    weight = TfidfTransformer(sublinear_tf=True)
    return weight.fit_transform(learned[:, known]), weight.transform(held_out[:, known])


def side_by_side(parts: Sequence[Matrix]) -> Matrix:
    """Join the columns of several matrices, (N, D) each."""
    from scipy.sparse import hstack  # type: ignore[import-untyped]

    return parts[0] if len(parts) == 1 else hstack(parts, format="csr")


@contextmanager
def quiet() -> Iterator[None]:
    """Silence what scikit-learn warns of: constant labels and steps that ran out are no concern of a baseline."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
