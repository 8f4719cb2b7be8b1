"""Labeled texts made of a few words, some with a wrong label: what is wrong is known."""

from __future__ import annotations

import csv
import random
from pathlib import Path

WORDS = {
    "negative": ["awful", "boring", "cold", "dull", "poor"],
    "positive": ["great", "lovely", "superb", "touching", "warm"],
}
FILLERS = ["film", "story", "cast", "scene", "plot", "actor", "music", "the", "a", "of"]


def rows_of_words(num_rows: int, *, wrong_every: int, seed: int = 0) -> list[tuple[str, str, bool]]:
    """Return texts, labels, and whether the label is wrong: that of every so many rows is."""
    draw = random.Random(seed)
    rows = []
    for number in range(num_rows):
        label = draw.choice(list(WORDS))
        words = draw.sample(WORDS[label], k=4) + draw.sample(FILLERS, k=3)
        is_wrong = number % wrong_every == 0
        other = next(name for name in WORDS if name != label)
        rows.append((f"{' '.join(words)} {number}", other if is_wrong else label, is_wrong))
    return rows


def write_rows(path: Path, rows: list[tuple[str, str, bool]]) -> Path:
    """Write texts and labels as a CSV file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "label"), *(row[:2] for row in rows)])
    return path
