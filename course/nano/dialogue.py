r"""Conversations between two people, cut into what a chat bot learns from: a prompt, what was said before, the reply.

::

    A: hello! | B: hi, how are you? | A: tired, I just had a nap | B: oh wow, so you still feel tired?
                                      \______ prompt _________/   \________ reply _______________/
       \________ history __________/

The asset ``chitchat`` has 7,168 of them, most about one of 36 questions. What is done to them, in this order:

1. Runs of white space become one space, and messages that a person sent in a row become one turn.
2. A conversation in which one person speaks and nobody answers is left out: 3,151 of them.
3. A turn is a prompt or a reply if it has 2 to 60 words, and no link, no mail address and no telephone number in it.
4. A reply that repeats its prompt is none, and a prompt with its reply counts once, however often they occur.

Whole conversations go to training, validation or test. A pair is never on the other side than its neighbor, whose reply
is its prompt.

Source: Myers, Etchart & Fulda, 2020, "Conversational Scaffolding: An Analogy-Based Approach to Response Prioritization
in Open-domain Dialogs", https://www.scitepress.org/Papers/2020/89399/; the data:
https://github.com/BYU-PCCL/chitchat-dataset.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

SHORTEST, LONGEST = 2, 60
"""Words of a prompt or a reply, cut at spaces."""
PRIVATE = re.compile(r"https?://|\bwww\.|\S@\S+\.\S|(?:\d[\s().-]*){7}", re.IGNORECASE)
"""Links, mail addresses, and seven digits in a row: not what a bot should say to strangers."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """What two people said, in turns.

    Args:
        key: Its name in the data.
        turns: Of the one and the other, by turns.
    """

    key: str
    turns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """A prompt and what a person replied.

    Args:
        conversation: Key of the conversation that it is from.
        history: Turns before the prompt, the oldest first; empty at the beginning.
        prompt: The turn that is replied to.
        reply: The turn after it, by the other person.
    """

    conversation: str
    history: tuple[str, ...]
    prompt: str
    reply: str


@dataclass(frozen=True, slots=True)
class Split:
    """Conversations to learn from, to choose settings with, and to measure with."""

    train: tuple[Conversation, ...]
    validation: tuple[Conversation, ...]
    test: tuple[Conversation, ...]


def conversations() -> list[Conversation]:
    """Read the 4,017 conversations of two people, fetching them when they are not in the cache."""
    import textwright

    content = (textwright.asset_path("chitchat") / "dataset.json").read_text(encoding="utf-8")
    every = (Conversation(key, _turns(each["messages"])) for key, each in json.loads(content).items())
    return [each for each in every if len(each.turns) > 1]


@cache
def split() -> Split:
    """Read the conversations and divide them: 80 % to train with, 10 % for validation, 10 % for the test."""
    return divide(conversations())


def divide(every: Iterable[Conversation]) -> Split:
    """Divide conversations by the hash of their key, so that none changes sides when others come or go."""
    parts: dict[str, list[Conversation]] = {"train": [], "validation": [], "test": []}
    for each in every:
        parts[side(each.key)].append(each)
    return Split(*map(tuple, parts.values()))


def side(key: str) -> str:
    """Say which part a conversation belongs to: "train", "validation" or "test"."""
    tenth = int(hashlib.sha256(key.encode()).hexdigest(), 16) % 10
    return {0: "test", 1: "validation"}.get(tenth, "train")


def pairs(every: Iterable[Conversation], max_history: int = 2) -> list[Pair]:
    """Cut conversations into prompts and replies; each pair once.

    Args:
        every: Conversations of one side.
        max_history: Turns before the prompt that a pair keeps.
    """
    first: dict[tuple[str, str], Pair] = {}
    for each in every:
        for pair in _pairs_of(each, max_history):
            first.setdefault((pair.prompt.lower(), pair.reply.lower()), pair)
    return list(first.values())


def some(every: Sequence[Conversation], num_pairs: int, seed: int = 0) -> list[Pair]:
    """Take whole conversations in an order drawn by lot, until there are enough pairs to learn from.

    The reply of one pair is the prompt of the next, so that few turns have to be read for many pairs.
    """
    result: list[Pair] = []
    for each in random.Random(seed).sample(every, len(every)):  # noqa: S311  no secret
        result += pairs([each])
        if len(result) >= num_pairs:
            break
    return result[:num_pairs]


def few_of_each(every: Sequence[Conversation], number: int, seed: int = 0) -> list[Pair]:
    """Draw pairs to measure with, at most ``number`` of a conversation, so that the longest do not decide."""
    drawn: dict[str, list[Pair]] = {}
    for pair in random.Random(seed).sample(whole := pairs(every), len(whole)):  # noqa: S311  no secret
        drawn.setdefault(pair.conversation, []).append(pair)
    return [pair for each in drawn.values() for pair in each[:number]]


def is_usable(turn: str) -> bool:
    """Tell whether a turn may be a prompt or a reply, rule 3."""
    return SHORTEST <= len(turn.split()) <= LONGEST and PRIVATE.search(turn) is None


def _pairs_of(conversation: Conversation, max_history: int) -> Iterator[Pair]:
    turns = conversation.turns
    for place, (prompt, reply) in enumerate(pairwise(turns)):
        if is_usable(prompt) and is_usable(reply) and prompt.lower() != reply.lower():
            yield Pair(conversation.key, turns[max(0, place - max_history) : place], prompt, reply)


def _turns(messages: Sequence[Sequence[dict[str, str]]]) -> tuple[str, ...]:
    """Join messages that one person sent in a row; messages without a word are dropped."""
    turns: list[tuple[str, str]] = []
    for message in (message for row in messages for message in row):
        sender, text = message["sender"], " ".join(message["text"].split())
        if text and turns and turns[-1][0] == sender:
            turns[-1] = (sender, f"{turns[-1][1]} {text}")
        elif text:
            turns.append((sender, text))
    return tuple(text for _, text in turns)
