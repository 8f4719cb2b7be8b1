"""Say which writing system a text is in, by the Unicode blocks of its characters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from textwright.core.types import Ints
from textwright.data.duplicates import batches

# fmt: off
_BLOCKS: Final = (
    ("Latin", 0x41, 0x5A), ("Latin", 0x61, 0x7A), ("Latin", 0xAA, 0xAA), ("Latin", 0xBA, 0xBA), ("Latin", 0xC0, 0xD6),
    ("Latin", 0xD8, 0xF6), ("Latin", 0xF8, 0x24F), ("Greek", 0x370, 0x3FF), ("Cyrillic", 0x400, 0x52F),
    ("Armenian", 0x530, 0x58F), ("Hebrew", 0x590, 0x5FF), ("Arabic", 0x600, 0x6FF), ("Arabic", 0x750, 0x77F),
    ("Arabic", 0x8A0, 0x8FF), ("Devanagari", 0x900, 0x97F), ("Bengali", 0x980, 0x9FF), ("Gurmukhi", 0xA00, 0xA7F),
    ("Gujarati", 0xA80, 0xAFF), ("Odia", 0xB00, 0xB7F), ("Tamil", 0xB80, 0xBFF), ("Telugu", 0xC00, 0xC7F),
    ("Kannada", 0xC80, 0xCFF), ("Malayalam", 0xD00, 0xD7F), ("Sinhala", 0xD80, 0xDFF), ("Thai", 0xE00, 0xE7F),
    ("Lao", 0xE80, 0xEFF), ("Tibetan", 0xF00, 0xFFF), ("Myanmar", 0x1000, 0x109F), ("Georgian", 0x10A0, 0x10FF),
    ("Hangul", 0x1100, 0x11FF), ("Ethiopic", 0x1200, 0x139F), ("Khmer", 0x1780, 0x17FF), ("Latin", 0x1E00, 0x1EFF),
    ("Greek", 0x1F00, 0x1FFF), ("Han", 0x2E80, 0x2FDF), ("Hiragana", 0x3041, 0x309F), ("Katakana", 0x30A0, 0x30FF),
    ("Hangul", 0x3130, 0x318F), ("Katakana", 0x31F0, 0x31FF), ("Han", 0x3400, 0x4DBF), ("Han", 0x4E00, 0x9FFF),
    ("Hangul", 0xAC00, 0xD7AF), ("Han", 0xF900, 0xFAFF), ("Arabic", 0xFB50, 0xFDFF), ("Arabic", 0xFE70, 0xFEFE),
    ("Latin", 0xFF21, 0xFF3A), ("Latin", 0xFF41, 0xFF5A), ("Katakana", 0xFF66, 0xFF9F), ("Han", 0x20000, 0x3FFFF),
)
# fmt: on
NO_SCRIPT: Final = "no letters"
SCRIPTS: Final = (NO_SCRIPT, *dict.fromkeys(name for name, _, _ in _BLOCKS))
"""Names of the scripts; the first stands for texts without a letter of any of them."""
WITHOUT_SPACES: Final = frozenset(("Han", "Hiragana", "Katakana", "Thai", "Lao", "Khmer", "Myanmar", "Tibetan"))
"""Scripts that do not put spaces between words."""

_LATIN: Final = SCRIPTS.index("Latin")
_STARTS: Final = np.array([edge for _, first, last in _BLOCKS for edge in (first, last + 1)], dtype=np.uint32)
_SCRIPT_AFTER: Final = np.array([0] + [number for name, _, _ in _BLOCKS for number in (SCRIPTS.index(name), 0)])
"""Script of the characters before the first edge, and from each edge to the next."""


def main_scripts(texts: Sequence[str]) -> Ints:
    """Find the script of most letters of each text.

    Args:
        texts: N texts.

    Returns:
        Position in ``SCRIPTS``, (N,); 0 for a text without letters.
    """
    scripts = np.zeros(len(texts), dtype=np.int64)
    rows = []
    for row, text in enumerate(texts):
        if not text.isascii():
            rows.append(row)
        elif text.lower() != text.upper():
            scripts[row] = _LATIN
    others = [texts[row] for row in rows]
    if others:
        parts = [_most_frequent(others[start:stop]) for start, stop in batches(others)]
        scripts[rows] = np.concatenate(parts)
    return scripts


def count_scripts(scripts: Ints) -> dict[str, int]:
    """Count texts by script, the most frequent first.

    Args:
        scripts: As :func:`main_scripts` gives them.
    """
    counts = np.bincount(scripts, minlength=len(SCRIPTS))
    return {SCRIPTS[number]: int(counts[number]) for number in np.argsort(-counts, kind="stable") if counts[number]}


def _most_frequent(texts: Sequence[str]) -> Ints:
    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    scripts = _SCRIPT_AFTER[np.searchsorted(_STARTS, codes, side="right")]
    rows = np.repeat(np.arange(len(texts)), np.fromiter(map(len, texts), dtype=np.int64, count=len(texts)))
    cells = rows * len(SCRIPTS) + scripts
    counts = np.bincount(cells, minlength=len(texts) * len(SCRIPTS)).reshape(-1, len(SCRIPTS))
    counts[:, 0] = 0
    return np.asarray(counts.argmax(axis=1), dtype=np.int64)
