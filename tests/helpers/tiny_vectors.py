"""A tiny file of word vectors in which words of like meaning lie near each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np


def save_tiny_vectors(path: Path, groups: Mapping[str, Sequence[str]], *, dim: int = 8, seed: int = 0) -> Path:
    """Write a text file of vectors: the words of a group lie close around a point of their own."""
    generator = np.random.default_rng(seed)
    lines = []
    for words in groups.values():
        center = generator.normal(size=dim)
        lines += [f"{word} {_numbers(center + 0.2 * generator.normal(size=dim))}" for word in words]
    path.write_text("\n".join(lines) + "\n")
    return path


def _numbers(vector: np.ndarray) -> str:
    return " ".join(f"{number:.4f}" for number in vector)
