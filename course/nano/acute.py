"""A blind comparison of two bots by a reader: pairs of replies, a question, and an interval at the end.

::

    prompt    how was your weekend?
    1         i don't know              2         it was great! i went hiking          which one ... ?

The reader does not see which bot wrote what, and sides change by a coin. What comes out is a share of preferences with
its 95 % interval; where one half is inside, no preference was shown.

Source: Li, Weston & Roller, 2019, ACUTE-Eval, https://arxiv.org/abs/1909.03087, whose questions are these and who show
whole dialogues side by side; the interval: Wilson, 1927, https://doi.org/10.1080/01621459.1927.10502953.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

QUESTIONS = {
    "engagingness": "Who would you prefer to talk to for a long conversation?",
    "humanness": "Which speaker sounds more human?",
}


@dataclass(frozen=True, slots=True)
class Trial:
    """One decision of a reader.

    Args:
        prompt: What both bots replied to.
        replies: On the left and on the right.
        left: Which bot is on the left: 0 or 1.
    """

    prompt: str
    replies: tuple[str, str]
    left: int


def trials(prompts: Sequence[str], first: Sequence[str], second: Sequence[str], seed: int = 0) -> list[Trial]:
    """Put the replies of two bots side by side, in an order and on sides that a seed draws.

    Prompts to which both say the same are left out, as there is nothing to decide.

    Args:
        prompts: N texts.
        first: Replies of bot 0.
        second: Replies of bot 1.
        seed: Of the order and the sides.
    """
    generator, drawn = random.Random(seed), []  # noqa: S311  no secret
    for prompt, *replies in zip(prompts, first, second, strict=True):
        left = generator.randrange(2)
        if replies[0] != replies[1]:
            drawn.append(Trial(prompt, (replies[left], replies[1 - left]), left))
    generator.shuffle(drawn)
    return drawn


def page(drawn: Sequence[Trial], names: tuple[str, str], question: str = QUESTIONS["engagingness"]) -> str:
    """Write a page that puts the trials to a reader, one after the other, and reports at the end; it asks no server.

    Args:
        drawn: From :func:`trials`.
        names: Of bots 0 and 1; not shown before the end.
        question: What the reader decides.

    Raises:
        ValueError: If there is no trial: both bots say the same.
    """
    if not drawn:
        raise ValueError("there are 0 trials, and a comparison needs 1 or more: take bots that do not always agree")
    data = {"trials": [asdict(each) for each in drawn], "names": names, "question": question}
    content = json.dumps(data).replace("<", "\\u003c")  # no reply can end the script
    template = (Path(__file__).parent / "acute.html").read_text(encoding="utf-8")
    return template.replace("/*DATA*/", content)


def interval(wins: int, decisions: int, z: float = 1.96) -> tuple[float, float]:
    """Return the 95 % interval of a share, Wilson's: right for few decisions and for shares near 0 and 1.

    Args:
        wins: Decisions for one of two bots.
        decisions: Of both; 0 tells nothing, and gives 0 to 1.
        z: 1.96 for 95 %.
    """
    if decisions == 0:
        return 0.0, 1.0
    share, weight = wins / decisions, z * z / decisions
    middle = (share + weight / 2) / (1 + weight)
    half = z * math.sqrt(share * (1 - share) / decisions + weight / decisions / 4) / (1 + weight)
    return max(0.0, middle - half), min(1.0, middle + half)
