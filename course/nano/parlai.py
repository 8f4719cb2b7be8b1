r"""ParlAI, 2017: every task is a conversation, in one text format, listed in one registry, dealt out by one teacher.

::

    text:How are you?<TAB>labels:Fine.|Good!<TAB>label_candidates:Fine.|Good!|At noon.
    text:What is up?<TAB>labels:Nothing.<TAB>label_candidates:Nothing.|Good!<TAB>episode_done:True

A line is a turn: what is said to the model, how it may be answered, and replies to choose from, if there are any. Turns
belong to one *episode* up to the line that has ``episode_done``; a model remembers them to there. A line break in a
text is written ``\n``, a tab ``\t`` and a bar ``__PIPE__``. A fold is a file: ``NAME_train.txt``, ``NAME_valid.txt``,
``NAME_test.txt``.

Source: Miller et al., 2017, https://arxiv.org/abs/1705.06476. What is written here is read by ParlAI 1.7.2 itself, and
what the teacher reports is what ParlAI's own does: ``tests/parlai``.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Final, Protocol, TypedDict

FOLDS: Final = {"train": "train", "valid": "validation", "test": "test"}
"""ParlAI's name of a fold -> Textwright's name of that split."""
ESCAPES: Final = {"\t": r"\t", "\n": r"\n", "|": "__PIPE__"}
"""What a field cannot hold -> what is written for it, in ParlAI's order."""
_PUNCTUATION: Final = re.compile(r"[!\"#$%&()*+,\-./:;<=>?@\[\]\\^`{|}~_']")
_ARTICLES: Final = re.compile(r"\b(a|an|the)\b")


class Task(TypedDict):
    """A row of the registry, with the keys of ParlAI's own list."""

    id: str
    display_name: str
    task: str
    tags: list[str]
    description: str


TASKS: Final[list[Task]] = [
    Task(id="ChitchatBYU", display_name="BYU Chitchat", task="chitchat", tags=["ChitChat"],
         description="Conversations of two people about anything. Reply as the other one did."),
    Task(id="MovieReviews", display_name="Movie Reviews", task="movie-reviews", tags=["QA", "Sentiment"],
         description="Sentences of film critics. Say whether one praises or blames."),
    Task(id="AirlineTweets", display_name="Airline Tweets", task="airline-tweets", tags=["QA", "Sentiment"],
         description="Tweets to six airlines. Say whether the writer is pleased, angry or neither."),
    Task(id="BBCNews", display_name="BBC News", task="bbc-news", tags=["QA", "Topic"],
         description="Whole articles of 2004 and 2005. Name the section that each was printed in."),
    Task(id="Numbers", display_name="Numbers", task="numbers", tags=["Math"],
         description="Numbers below a million in digits. Write each in words; there is nothing to choose from."),
]  # fmt: skip
"""Our tasks, listed as ParlAI lists its own: a tag may belong to several, and is no task's id."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One line: what is said, and how it may be answered.

    Args:
        text: Said to the model.
        labels: Right answers, at least one.
        candidates: What to choose from, the right ones among them; empty where the model has to find words itself.
    """

    text: str
    labels: tuple[str, ...]
    candidates: tuple[str, ...] = ()


Episode = Sequence[Turn]
"""At least one turn, each after those that it builds on."""
Message = dict[str, str | bool | list[str]]
"""A turn as a teacher says it: ``text``, ``labels`` or ``eval_labels``, ``episode_done``, and the candidates if any."""


def save(path: Path, episodes: Iterable[Episode]) -> None:
    """Write a fold under a temporary name, then rename it.

    Raises:
        ValueError: If a turn has no label, or a text that the format cannot hold; names the line.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with part.open("w", encoding="utf-8", newline="\n") as file:
            for number, (turn, is_last) in enumerate(_turns(episodes), start=1):
                file.write(f"{_line(turn, is_last, f'{path.name}, line {number}')}\n")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def load(path: Path) -> list[Episode]:
    """Read a fold; fields that a :class:`Turn` does not have are left out, and empty lines too.

    Raises:
        ValueError: If a line is not of the format; names the file, the line and the cure.
    """
    episodes: list[Episode] = []
    turns: list[Turn] = []
    with path.open(encoding="utf-8", newline="\n") as file:  # a carriage return is part of a text
        for number, line in enumerate(file, start=1):
            if line != "\n":
                turn, is_last = _turn(line.removesuffix("\n"), f"{path.name}, line {number}")
                turns.append(turn)
                if is_last:
                    episodes.append(turns)
                    turns = []
    return [*episodes, turns] if turns else episodes


def holds(text: str) -> bool:
    """Tell whether the format gives a text back as it was: not if an escape stands in the text itself."""
    return _unescaped(_replaced(text)) == text


def fold_path(folder: Path, task: str, fold: str) -> Path:
    """Name the file of a fold, a key of :data:`FOLDS`."""
    return folder / f"{task}_{fold}.txt"


def tasks_of(name: str) -> list[Task]:
    """Find tasks as ParlAI's ``--task`` does: "movie-reviews", "#MovieReviews", or "#Sentiment" for all with a tag.

    Raises:
        ValueError: If there is none; names those that are there.
    """
    wanted, by_tag = _folded(name.removeprefix("#")), name.startswith("#")
    names = [[*map(_folded, [row["id"], *row["tags"]])] if by_tag else [_folded(row["task"])] for row in TASKS]
    found = [row for row, known in zip(TASKS, names, strict=True) if wanted in known]
    if not found:
        there = [row["task"] for row in TASKS] + sorted({f"#{tag}" for row in TASKS for tag in row["tags"]})
        raise ValueError(f"there is no task {name!r}; there are {', '.join(there)}")
    return found


class Agent(Protocol):
    """What is taught and graded."""

    def observe(self, message: Message) -> None:
        """Hear what is said; with ``episode_done`` it is the last of its episode."""

    def act(self) -> str:
        """Reply to it."""


class Teacher:
    """Says the turns of a fold one after the other, and grades the replies.

    Args:
        episodes: Of the fold.
        fold: A key of :data:`FOLDS`. Outside "train" the answers have another key, so that no agent learns from them.
    """

    def __init__(self, episodes: Iterable[Episode], fold: str) -> None:
        self._turns = list(_turns(episodes))
        self._key = "labels" if fold == "train" else "eval_labels"
        self._num_said, self._grades = 0, list[tuple[bool, float]]()

    def __len__(self) -> int:
        return len(self._turns)

    def act(self) -> Message:
        """Say the next turn."""
        turn, is_last = self._turns[self._num_said]
        self._num_said += 1
        candidates = {"label_candidates": list(turn.candidates)} if turn.candidates else {}
        return {"text": turn.text, self._key: list(turn.labels), **candidates, "episode_done": is_last}

    def observe(self, reply: str) -> None:
        """Grade the reply to the turn that was said last."""
        labels = self._turns[self._num_said - 1][0].labels
        is_right = normalized(reply) in map(normalized, labels)
        self._grades.append((is_right, max(f1(reply, label) for label in labels)))

    def report(self) -> dict[str, float]:
        """Average the grades to four decimals: ``exs`` replies, ``accuracy``, and the words in common, ``f1``."""
        accuracy, overlap = (sum(column) / len(self._grades) for column in zip(*self._grades, strict=True))
        return {"exs": len(self._grades), "accuracy": round(accuracy, 4), "f1": round(overlap, 4)}


def parley(teacher: Teacher, agent: Agent) -> dict[str, float]:
    """Let an agent hear and answer a whole fold: one loop for all tasks."""
    for _ in range(len(teacher)):
        agent.observe(teacher.act())
        teacher.observe(agent.act())
    return teacher.report()


def normalized(text: str) -> str:
    """Write an answer so that case, punctuation, articles and spaces do not count, as ParlAI does."""
    return " ".join(_ARTICLES.sub(" ", _PUNCTUATION.sub(" ", text.lower())).split())


def f1(reply: str, label: str) -> float:
    """Compare the words of a reply with those of a label: harmonic mean of precision and recall, 0 to 1."""
    ours, theirs = (Counter(normalized(text).split()) for text in (reply, label))
    return 2 * (ours & theirs).total() / max(1, ours.total() + theirs.total())


def _turns(episodes: Iterable[Episode]) -> Iterator[tuple[Turn, bool]]:
    """Yield each turn, and whether it is the last of its episode."""
    for each in episodes:
        for place, turn in enumerate(each, start=1):
            yield turn, place == len(each)


def _line(turn: Turn, is_last: bool, place: str) -> str:
    if not turn.labels:
        raise ValueError(f"{place}: {turn.text[:80]!r} has no label, and ParlAI needs one; leave the turn out")
    lists = {"labels": turn.labels} | ({"label_candidates": turn.candidates} if turn.candidates else {})
    fields = [f"text:{_escaped(turn.text, place)}"]
    fields += [f"{key}:{'|'.join(_escaped(each, place) for each in values)}" for key, values in lists.items()]
    return "\t".join([*fields, "episode_done:True"] if is_last else fields)


def _turn(line: str, place: str) -> tuple[Turn, bool]:
    parts = [field.partition(":") for field in line.split("\t")]
    if odd := [key for key, colon, _ in parts if not (colon and key.isidentifier())]:
        raise ValueError(rf"{place} has the field {odd[0][:80]!r} without a name; in a text, a tab is written \t")
    fields = {key: value for key, _, value in parts}
    if not {"text", "labels"} <= set(fields):
        raise ValueError(f"{place} has the fields {', '.join(fields)}; it needs text and labels")
    if (done := fields.get("episode_done", "True")) != "True":  # ParlAI takes any word for a yes
        raise ValueError(f"{place} has episode_done:{done}; leave the field out where more turns follow")
    lists = [fields[key].split("|") if key in fields else [] for key in ("labels", "label_candidates")]
    labels, candidates = (tuple(map(_unescaped, each)) for each in lists)
    return Turn(_unescaped(fields["text"]), labels, candidates), "episode_done" in fields


def _escaped(text: str, place: str) -> str:
    written = _replaced(text)
    if (back := _unescaped(written)) != text:
        first = next(n for n, (ours, theirs) in enumerate(zip_longest(text, back)) if ours != theirs)
        part = text[max(0, first - 20) : first + 20]
        raise ValueError(rf"{place}: ParlAI would read {part!r} otherwise; reword its \t, \n or __PIPE__")
    return written


def _replaced(text: str) -> str:
    for plain, escape in ESCAPES.items():
        text = text.replace(plain, escape)
    return text


def _unescaped(written: str) -> str:
    for plain, escape in ESCAPES.items():
        written = written.replace(escape, plain)
    return written


def _folded(name: str) -> str:
    return name.lower().replace("-", "")
