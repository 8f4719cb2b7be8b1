"""Word lists of the edits, all English: names, places, evaluating words; and which labels speak of sentiment.

The names are frequent given names of several origins that are no words otherwise ("Will", "Grace" and "Mark" are not
here); the places likewise ("Reading" and "Nice" are not).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from textwright.core.labels import Labels, Task

# fmt: off
NAMES: Final = (
    "James", "Mary", "Robert", "Patricia", "Michael", "Jennifer", "David", "Linda", "William", "Elizabeth", "Richard",
    "Barbara", "Joseph", "Susan", "Thomas", "Jessica", "Charles", "Sarah", "Daniel", "Karen", "Matthew", "Lisa",
    "Anthony", "Nancy", "Steven", "Sandra", "Paul", "Ashley", "Andrew", "Emily", "Kevin", "Maria", "Brian", "Anna",
    "George", "Laura", "Ahmed", "Fatima", "Mohammed", "Aisha", "Carlos", "Lucia", "Juan", "Priya", "Wei", "Olga",
)
PLACES: Final = (
    "London", "Paris", "Berlin", "Tokyo", "Madrid", "Rome", "Moscow", "Chicago", "Boston", "Seattle", "Houston",
    "Toronto", "Sydney", "Dublin", "Vienna", "Cairo", "Mumbai", "Delhi", "Lagos", "Nairobi", "Lima", "Seoul",
    "America", "Canada", "Mexico", "Brazil", "France", "Germany", "Italy", "Spain", "Russia", "India", "Japan",
    "Australia", "Egypt", "Nigeria", "Kenya", "Poland", "Sweden", "Norway",
)
GOOD: Final = (
    "good", "great", "excellent", "wonderful", "fantastic", "amazing", "brilliant", "beautiful", "enjoyable", "funny",
    "fun", "interesting", "impressive", "charming", "entertaining", "superb", "delightful", "helpful", "friendly",
    "reliable", "comfortable", "perfect", "nice", "worthwhile", "engaging",
)
BAD: Final = (
    "bad", "terrible", "awful", "horrible", "boring", "dull", "poor", "disappointing", "annoying", "stupid", "useless",
    "ugly", "tedious", "predictable", "ridiculous", "painful", "mediocre", "rude", "unpleasant", "unreliable",
    "dreadful", "pathetic", "forgettable", "lame", "weak",
)
FUNCTION_WORDS: Final = frozenset({
    "the", "a", "an", "and", "or", "of", "to", "in", "is", "it", "that", "this", "for", "with", "as", "was", "are",
    "but", "not", "on", "you", "i", "be", "have", "has", "my", "at", "so",
})
# fmt: on
SENTENCES: Final = tuple(f"It is {word}." for word in (*GOOD, *BAD))
"""Texts of one evaluation each."""
_GOOD_LABELS: Final = frozenset({"positive", "pos", "good", "favorable", "recommended"})
_BAD_LABELS: Final = frozenset({"negative", "neg", "bad", "unfavorable", "not recommended"})
_LEAST_ENGLISH: Final = 0.5


class Poles(NamedTuple):
    """The labels of a sentiment task.

    Args:
        good: The label of praise.
        bad: The label of blame.
    """

    good: str
    bad: str


def find_poles(labels: Labels) -> Poles | None:
    """Say which labels are praise and blame; None if the task is not one of sentiment."""
    if labels.task is not Task.SINGLE_LABEL:
        return None
    good = [name for name in labels.names if name.strip().lower() in _GOOD_LABELS]
    bad = [name for name in labels.names if name.strip().lower() in _BAD_LABELS]
    return Poles(good[0], bad[0]) if len(good) == len(bad) == 1 else None


def are_english(texts: Sequence[str]) -> bool:
    """Guess from the function words whether the word lists fit the texts."""
    hits = sum(not FUNCTION_WORDS.isdisjoint(text.lower().split()) for text in texts)
    return hits >= _LEAST_ENGLISH * max(len(texts), 1)
