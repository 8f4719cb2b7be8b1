"""Our data sets as episodes of ParlAI's kind: the rows of :data:`nano.parlai.TASKS`, filled."""

from __future__ import annotations

import random
from typing import Final

from nano.parlai import FOLDS, Episode, Turn, holds

QUESTIONS: Final = {
    "movie-reviews": "Is this review positive or negative?",
    "airline-tweets": "Is this tweet positive, neutral or negative?",
    "bbc-news": "Which section is this article from?",
}
"""What makes a turn of a labeled text."""


def episodes_of(task: str, fold: str) -> list[Episode]:
    """Turn one of our data sets into episodes.

    Args:
        task: Of a row of :data:`TASKS`.
        fold: A key of :data:`FOLDS`.
    """
    if task in {"chitchat", "numbers"}:
        return _conversations(fold) if task == "chitchat" else _numbers(fold)
    import textwright

    dataset = textwright.load_dataset(task)
    examples, names = getattr(dataset, FOLDS[fold]), dataset.labels.names
    texts = (f"{text}\n{QUESTIONS[task]}" for text in examples.texts)
    return [[Turn(text, (names[label],), names)] for text, label in zip(texts, examples.targets, strict=True)]


def _conversations(fold: str) -> list[Episode]:
    """Let one person of each conversation be the teacher; outside training there are 20 replies to choose from."""
    from nano import dialogue

    def is_usable(turn: str) -> bool:
        return dialogue.is_usable(turn) and holds(turn)

    talks = [zip(each.turns[::2], each.turns[1::2], strict=False) for each in getattr(dialogue.split(), FOLDS[fold])]
    episodes = [[pair for pair in talk if all(map(is_usable, pair))] for talk in talks]
    replies = sorted({reply for each in episodes for _, reply in each})
    draw = random.Random(0)  # noqa: S311  no secret

    def choices(reply: str) -> tuple[str, ...]:
        others = [each for each in draw.sample(replies, 20) if each != reply][:19]
        return tuple(draw.sample([reply, *others], 20))

    return [
        [Turn(prompt, (reply,), () if fold == "train" else choices(reply)) for prompt, reply in each]
        for each in episodes
        if each
    ]


def _numbers(fold: str) -> list[Episode]:
    """Draw numbers; one that is in a fold is in no other."""
    from nano.attention import spell

    numbers = random.Random(0).sample(range(1_000_000), 12_000)  # noqa: S311  no secret
    first, end = {"train": (0, 10_000), "valid": (10_000, 11_000), "test": (11_000, 12_000)}[fold]
    return [[Turn(str(number), (" ".join(spell(number)),))] for number in numbers[first:end]]
