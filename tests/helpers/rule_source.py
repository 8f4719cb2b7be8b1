"""A labeled file with a rule in it: one word of each text decides the label."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np


def write_source(path: Path, num: int, seed: int = 0) -> str:
    """Write texts of which a good or a bad word decides the label."""
    random = np.random.default_rng(seed)
    good, bad = ("good", "great", "fine", "moving"), ("bad", "awful", "dull", "flat")
    rows = []
    for number in range(num):
        words = [f"w{word}" for word in random.integers(400, size=6)]
        words.insert(3, str(random.choice(good if number % 2 else bad)))
        rows.append({"text": " ".join(words), "label": ("negative", "positive")[number % 2]})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)
