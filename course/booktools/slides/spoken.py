"""What one says: paragraphs of a lesson, named by their bold words, and the reasons of its quiz."""

from __future__ import annotations

import re
from typing import Any, Final

from booktools.forms import quizzes
from booktools.lessons import Lesson
from booktools.slides.source import DeckError

_FENCE: Final = re.compile(r"^(```|:::).*?^\1$", re.DOTALL | re.MULTILINE)
_BLOCK: Final = re.compile(r"\n\s*\n|\n(?=(?:[-*]|\d+\.) )")
_BOLD: Final = re.compile(r"\*\*(.+?)\*\*", re.DOTALL)
_LINK: Final = re.compile(r"!?\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\([^)\s]*\)(?:\{[^}]*\})?")


def passage(lesson: Lesson, words: str) -> str:
    """Return the paragraph of a lesson that has these words at the beginning of something bold.

    Args:
        lesson: Whose prose.
        words: The first of the bold words.

    Returns:
        Markdown without links and emphasis; numbers are still named.

    Raises:
        DeckError: If no bold words of the lesson begin so, or those of several paragraphs do.
    """
    blocks = [" ".join(block.split()) for block in _BLOCK.split(_FENCE.sub("", lesson.prose))]
    fitting = [block for block in blocks if any(bold.startswith(words) for bold in _BOLD.findall(block))]
    if len(fitting) != 1:
        how = "nothing bold that begins" if not fitting else f"{len(fitting)} paragraphs whose bold words begin"
        raise DeckError(f"lesson {lesson.number} has {how} with {words!r}; {{say}} names bold words of one paragraph")
    return re.sub(r"^(?:[-*]|\d+\.) ", "", _LINK.sub(r"\1", fitting[0]).replace("**", ""))


def quiz_question(lesson: Lesson, place: int) -> dict[str, Any]:
    """Return a question of a lesson's quiz.

    Args:
        lesson: Whose quiz.
        place: From 1.

    Raises:
        DeckError: If the lesson's quiz has no such question.
    """
    questions = [one for quiz in quizzes(lesson.prose) for one in quiz]
    if not 1 <= place <= len(questions):
        raise DeckError(f"the quiz of lesson {lesson.number} has the questions 1 to {len(questions)}, not {place}")
    return questions[place - 1]
