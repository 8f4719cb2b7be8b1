"""Sources for a search: a rule in a few words, in one of several forms."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path
from typing import Final

WORDS: Final = {
    "english": (("superb", "touching", "warm"), ("awful", "boring", "dull"), "film story cast scene plot actor music"),
    "spanish": (
        ("magnífica", "emocionante", "cálida"),
        ("pésima", "aburrida", "fría"),
        "película historia niño escena canción año corazón",
    ),
}


def write_reviews(path: Path, num_rows: int, *, language: str = "english", one_in: int = 2, noise: float = 0.1) -> Path:
    """Write a CSV file of reviews; one in so many is positive, and a share of the labels is wrong."""
    draw = random.Random(0)
    good, bad, others = WORDS[language]
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("text", "label"))
        for number in range(num_rows):
            is_good = number % one_in == 0
            words = [*draw.choices(others.split(), k=6), draw.choice(good if is_good else bad), f"n{number}"]
            draw.shuffle(words)
            is_good ^= draw.random() < noise
            rows.writerow((" ".join(words), "positive" if is_good else "negative"))
    return path


def write_topics(path: Path, num_rows: int) -> Path:
    """Write JSON lines whose texts name each of three topics or not, with a list of labels each."""
    draw = random.Random(0)
    topics = ("music", "plot", "acting")
    with path.open("w", encoding="utf-8") as file:
        for number in range(num_rows):
            labels = [topic for topic in topics if draw.random() < 0.5]
            words = [*draw.choices(WORDS["english"][2].split(), k=5), *labels, f"n{number}"]
            file.write(json.dumps({"text": " ".join(words), "label": labels}) + "\n")
    return path
