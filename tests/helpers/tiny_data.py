"""Tiny datasets with a rule that can be learned: "good" and "bad" words decide the label."""

from __future__ import annotations

import numpy as np

from textwright.core.labels import Labels, Task
from textwright.data.dataset import Dataset, Examples

GOOD = ("good", "great", "fine", "moving")
BAD = ("bad", "awful", "dull", "flat")
NEUTRAL = tuple(f"word{index}" for index in range(30))
TOPICS = ("music", "plot", "acting")


def make_examples(num_examples: int, seed: int) -> Examples:
    """Texts of 2 to 12 words; the label is 1 when the words hold one of GOOD, 0 when one of BAD."""
    generator = np.random.default_rng(seed)
    targets = generator.integers(0, 2, num_examples)
    texts = []
    for target in targets:
        words = list(generator.choice(NEUTRAL, generator.integers(1, 12)))
        words.insert(generator.integers(0, len(words) + 1), generator.choice(GOOD if target else BAD))
        texts.append(" ".join(words))
    return Examples(texts, targets.astype(np.int64))


def make_multilabel_examples(num_examples: int, seed: int) -> Examples:
    """Texts that name each of three topics or not."""
    generator = np.random.default_rng(seed)
    targets = generator.integers(0, 2, (num_examples, len(TOPICS))).astype(bool)
    texts = [
        " ".join([*generator.choice(NEUTRAL, 3), *(topic for topic, holds in zip(TOPICS, row, strict=True) if holds)])
        for row in targets
    ]
    return Examples(texts, targets)


def make_dataset(num_train: int = 240, *, task: Task = Task.SINGLE_LABEL) -> Dataset:
    make = make_examples if task is Task.SINGLE_LABEL else make_multilabel_examples
    names = ("negative", "positive") if task is Task.SINGLE_LABEL else TOPICS
    return Dataset(
        source="made-up",
        labels=Labels(names, task),
        train=make(num_train, 1),
        validation=make(60, 2),
        test=make(60, 3),
        fingerprint="0" * 64,
        splits_are_given=False,
    )
