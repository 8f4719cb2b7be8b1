"""The book's own signs in Markdown, turned into what a page or Colab shows.

| a lesson writes | a page shows | Colab shows |
|---|---|---|
| ``{n}`NN.name``` | the committed number | the same |
| ``:::{hint} Title`` | a fold | the same |
| ``:::{note}``, ``tip``, ``warning`` | a box | a quotation |
| a fence ``{quiz}`` with YAML | a form that checks itself | questions with a fold each |
| ``[text](NN-name.md)`` | a link to that page | a link to that notebook |
| ``[text](../../docs/limits.md)`` | a link to that file of the repository | the same |
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any, Final, Literal

import yaml
from markdown_it import MarkdownIt

from booktools.layout import colab_url, file_url
from booktools.lessons import LessonError

_POWER: Final = re.compile(r"(-?\d+(?:\.\d+)?)e([+-])(\d+)")
"""A number as Python prints it with a power of ten."""
_MINUS: Final = "\u2212"
_NUMBER: Final = re.compile(r"\{n\}`([^`]+)`")
_HINT: Final = re.compile(r"^:::\{hint\} *(.*?)\n(.*?)^:::$", re.DOTALL | re.MULTILINE)
_BOX: Final = re.compile(r"^:::\{(note|tip|warning)\} *\n(.*?)^:::$", re.DOTALL | re.MULTILINE)
_QUIZ: Final = re.compile(r"^```\{quiz\}\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_LESSON_LINK: Final = re.compile(r"\]\((\d\d[a-z]?-[a-z0-9-]+)\.md\)")
_FILE_LINK: Final = re.compile(r"\[([^\[\]]+)\]\(\.\./\.\./([^)\s]+)\)")
_NUM_QUESTIONS: Final = 3
_inline = MarkdownIt().renderInline


def named_claims(prose: str) -> list[str]:
    """List the claims whose numbers the prose prints."""
    return _NUMBER.findall(prose)


def with_numbers(prose: str, printed: Mapping[str, str], *, draft: bool = False) -> str:
    """Put the committed numbers into the prose.

    Args:
        prose: Markdown.
        printed: "NN.name" -> text.
        draft: Show an ellipsis where there is no result yet; False refuses.

    Raises:
        LessonError: If a claim has no committed result.
    """

    def number(match: re.Match[str]) -> str:
        if match[1] not in printed and not draft:
            raise LessonError(f"{match[0]} has no result; run: make course-full LESSONS={match[1].partition('.')[0]}")
        return with_powers(printed.get(match[1], "…"))

    return _NUMBER.sub(number, prose)


def with_powers(text: str) -> str:
    """Write powers of ten as a person does: 6e-08 as 6, a cross, and 10 with a raised -8."""

    def power(match: re.Match[str]) -> str:
        digits, sign, exponent = match.groups()
        return f"{digits} \u00d7 10<sup>{_MINUS * (sign == '-')}{int(exponent)}</sup>" if float(digits) else "0"

    return _POWER.sub(power, text)


def for_page(markdown: str) -> str:
    """Turn links, hints and quizzes into what Sphinx shows; its own boxes stay."""
    markdown = _LESSON_LINK.sub(r"](\1.ipynb)", _FILE_LINK.sub(_page_link, markdown))
    return _QUIZ.sub(lambda match: _quiz_form(read_quiz(match[1])), _HINT.sub(_fold, markdown))


def for_colab(markdown: str) -> str:
    """Turn everything into Markdown that any notebook shows."""
    markdown = _LESSON_LINK.sub(lambda match: f"]({colab_url(match[1]) or f'{match[1]}.ipynb'})", markdown)
    markdown = _FILE_LINK.sub(lambda match: f"[{match[1]}]({file_url(match[2]) or f'../../{match[2]}'})", markdown)
    text = _QUIZ.sub(lambda match: _quiz_text(read_quiz(match[1])), _HINT.sub(_fold, markdown))
    return _BOX.sub(lambda match: _quotation(f"**{match[1].capitalize()}.** {match[2].strip()}"), text)


def quizzes(markdown: str) -> list[list[dict[str, Any]]]:
    """Read every quiz of a lesson."""
    return [read_quiz(source) for source in _QUIZ.findall(markdown)]


def read_quiz(source: str) -> list[dict[str, Any]]:
    """Read and check a quiz.

    Args:
        source: YAML: a list of ``question``, ``options`` (text -> true, or why it is wrong) and ``why``.

    Raises:
        LessonError: If it has not three questions, each with three options or more, exactly one of them right and each
            other with a reason.
    """
    try:
        questions = yaml.safe_load(source)
    except yaml.YAMLError as error:
        raise LessonError(f"a quiz must be YAML; quote texts with a colon: {error}") from error
    if len(questions) != _NUM_QUESTIONS:
        raise LessonError(f"a quiz has {_NUM_QUESTIONS} questions, not {len(questions)}")
    for one in questions:
        if set(one) != {"question", "options", "why"}:
            raise LessonError(f"a question has question, options and why, not {', '.join(map(str, one))}")
        right = [option for option, reason in one["options"].items() if reason is True]
        if len(one["options"]) < 3 or len(right) != 1:
            raise LessonError(f"{one['question']!r} needs 3 options or more and exactly one that is right")
        for option, reason in one["options"].items():
            if reason is not True and not (isinstance(reason, str) and reason):
                raise LessonError(f"{one['question']!r}: the option {option!r} needs true, or why it is wrong")
    return list(questions)


def _page_link(match: re.Match[str]) -> str:
    """Link a file of the repository on GitHub, or in the clone that holds the page while there is no owner."""
    local = f"../../../{match[2].partition('#')[0]}"  # a browser shows Markdown as text, without anchors
    return f'<a class="reference external" href="{file_url(match[2]) or local}">{match[1]}</a>'


def _fold(match: re.Match[str]) -> str:
    title = html.escape(match[1] or "Hint")
    return f'<details class="hint"><summary>{title}</summary>\n\n{match[2].strip()}\n\n</details>'


def _quotation(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())


def _quiz_text(questions: list[dict[str, Any]]) -> str:
    blocks = []
    for number, one in enumerate(questions, start=1):
        options = "\n".join(f"- {option}" for option in one["options"])
        right = next(option for option, reason in one["options"].items() if reason is True)
        wrong = "\n".join(
            f"- Not *{option}*: {reason}" for option, reason in one["options"].items() if reason is not True
        )
        fold = f"<details><summary>Answer</summary>\n\n**{right}.** {one['why']}\n\n{wrong}\n\n</details>"
        blocks.append(f"**{number}. {one['question']}**\n\n{options}\n\n{fold}")
    return "\n\n".join(blocks)


def _quiz_form(questions: list[dict[str, Any]]) -> str:
    fields = "".join(_question(number, one) for number, one in enumerate(questions, start=1))
    return f'```{{raw}} html\n<form class="quiz">{fields}</form>\n```'


def _question(number: int, one: dict[str, Any]) -> str:
    options = "".join(_option(number, str(option), reason, one["why"]) for option, reason in one["options"].items())
    return (
        f"<fieldset><legend>{number}. {_inline(one['question'])}</legend>{options}"
        '<p class="verdict" role="status"></p></fieldset>'
    )


def _option(number: int, option: str, reason: str | Literal[True], why: str) -> str:
    is_right = reason is True
    answer = html.escape(_inline(why if is_right else reason), quote=True)
    return (
        f'<label><input type="radio" name="question-{number}" {"data-right" if is_right else ""} data-why="{answer}">'
        f"<span>{_inline(option)}</span></label>"
    )
