"""Words of the tiny models in ``conftest``: what each adds to the logits."""

from __future__ import annotations

from collections.abc import Mapping

from textwright.core.labels import Labels, Task

SENTIMENT = Labels(("negative", "positive"))
SENTIMENT_WORDS: Mapping[str, tuple[float, ...]] = {
    "good": (-2.0, 2.0),
    "bad": (2.0, -2.0),
    "great": (-3.0, 3.0),
    "awful": (3.0, -3.0),
    "the": (0.0, 0.0),
    "a": (0.0, 0.0),
    "film": (0.0, 0.0),
    "is": (0.0, 0.0),
}
SUBTLE_WORDS: Mapping[str, tuple[float, ...]] = {
    "subtle": (-6.0, 6.0),
    "loud": (6.0, -6.0),
    **{word: (2 * negative, 2 * positive) for word, (negative, positive) in reversed(SENTIMENT_WORDS.items())},
}
"""The default model's words for another one: it knows two more, and each has another id."""

TOPICS = Labels(("music", "plot", "acting"), Task.MULTI_LABEL)
TOPICS_BIAS = (-1.0, -1.0, -1.0)
TOPICS_WORDS: Mapping[str, tuple[float, ...]] = {
    "song": (8.0, 0.0, 0.0),
    "story": (0.0, 8.0, 0.0),
    "actor": (0.0, 0.0, 8.0),
    "the": (0.0, 0.0, 0.0),
    "and": (0.0, 0.0, 0.0),
}
