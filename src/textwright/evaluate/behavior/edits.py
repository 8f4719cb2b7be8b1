"""Edits of one text after which a model should say the same, or something that is known.

Each edit takes a text and returns the edited one, or None where there is nothing to edit. What is chosen is chosen by a
hash of the text, so that the same text is always edited alike.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, TypeAlias

from textwright.evaluate.behavior.lexicon import BAD, GOOD, NAMES, PLACES

Edit: TypeAlias = Callable[[str], str | None]

_INNER: Final = re.compile(r"[a-z]{5,}")
"""Words in which two letters are swapped: shorter ones become other words."""
_EVALUATIONS: Final = "|".join(sorted((*GOOD, *BAD), key=len, reverse=True))
_COPULA: Final = re.compile(
    rf"\b(?:is|are|was|were)\s+(?P<noun>(?:an?\s+)?)(?P<word>{_EVALUATIONS})(?P<rest>\s*(?:[.!?,;]|$|and\b|but\b))?",
    re.IGNORECASE,
)


class EditedEvaluation(NamedTuple):
    """A text whose evaluation was edited.

    Args:
        text: The edited text.
        is_praise: Whether the word that was edited praises.
    """

    text: str
    is_praise: bool


def change_case(text: str) -> str | None:
    """Write a text in capitals; one that is, in small letters."""
    changed = text.upper()
    changed = text.lower() if changed == text else changed
    return changed if changed != text else None


def add_typo(text: str) -> str | None:
    """Swap two neighboring letters within one word of small letters."""
    words = [match for match in _INNER.finditer(text) if any(_swappable(match.group()))]
    if not words:
        return None
    word = words[_chance(text, len(words))]
    places = [place for place, fits in enumerate(_swappable(word.group()), start=1) if fits]
    at = word.start() + places[_chance(text[::-1], len(places))]
    return f"{text[:at]}{text[at + 1]}{text[at]}{text[at + 2 :]}"


def change_name(text: str) -> str | None:
    """Replace each given name by another one."""
    return _replace(text, NAMES)


def change_place(text: str) -> str | None:
    """Replace each city or country by another one."""
    return _replace(text, PLACES)


def negate(text: str) -> EditedEvaluation | None:
    """Put "not" after the only "is", "are", "was" or "were" that an evaluating word follows: "is not (a) good"."""
    match = _evaluation(text)
    return None if match is None else _edited(text, match, match.start("noun"), "not")


def intensify(text: str) -> EditedEvaluation | None:
    """Put "very" before that word: "is (a) very good"."""
    match = _evaluation(text)
    if match is None:
        return None
    edited = _edited(text, match, match.start("word"), "very")
    return edited._replace(text=re.sub(r"\b([Aa])n very\b", r"\1 very", edited.text))


def _evaluation(text: str) -> re.Match[str] | None:
    """Find the evaluation of a text; None if there are two, of which it is not known which decides."""
    matches = [match for match in _COPULA.finditer(text) if match["noun"] or match["rest"] is not None]
    return matches[0] if len(matches) == 1 else None


def _edited(text: str, match: re.Match[str], at: int, word: str) -> EditedEvaluation:
    return EditedEvaluation(f"{text[:at]}{word} {text[at:]}", match["word"].lower() in GOOD)


def _swappable(word: str) -> list[bool]:
    """Tell for the letters from the second to the last but two whether they differ from the next."""
    return [word[place] != word[place + 1] for place in range(1, len(word) - 2)]


def _replace(text: str, words: Sequence[str]) -> str | None:
    pattern = _pattern(words)
    if not pattern.search(text):
        return None
    shift = 1 + _chance(text, len(words) - 1)
    return pattern.sub(lambda match: words[(words.index(match.group()) + shift) % len(words)], text)


def _pattern(words: Sequence[str]) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(words)})\b")


def _chance(text: str, number: int) -> int:
    """Choose one of some, the same for the same text on every machine."""
    return zlib.crc32(text.encode("utf-8", "surrogatepass")) % number
