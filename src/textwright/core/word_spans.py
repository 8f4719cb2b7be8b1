"""Where a text's words stand in it, and which of its tokens each word became.

A word, for people, is a run of letters and digits with the apostrophes inside it (``didn't``), one character of a
script that is written without spaces, or one other visible character (``,``); marks that combine with it and joined
emoji belong to it. A tokenizer cuts otherwise: ``did n't`` or ``un ##watch ##able``. Each token goes to the word that
its characters stand in, by the offsets of the ``tokenizers`` library. Caller: ``core.tokenizer``.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, TypeAlias
from unicodedata import category

from textwright.core.scripts import UNSPACED, is_unspaced
from textwright.core.types import TokenIds

Span: TypeAlias = tuple[int, int]
"""Characters from the first up to, not including, the second; of a Python string, that is Unicode code points."""

_LETTER: Final = rf"[^\W{UNSPACED}]"
_WORD_LIKE = re.compile(rf"{_LETTER}+(?:['\u2019]{_LETTER}+)*|\S")
_JOINER: Final = "\u200d"
_IS_FLAG_HALF = re.compile(r"[\U0001f1e6-\U0001f1ff]").fullmatch
_IS_SKIN_TONE = re.compile(r"[\U0001f3fb-\U0001f3ff]").match


class Word(NamedTuple):
    """One word of a text that the model reads.

    Args:
        start: Its first character.
        end: The character behind its last one.
        first_token: Position of its first token.
        stop_token: The position behind its last token; > first_token.
    """

    start: int
    end: int
    first_token: int
    stop_token: int


class Located(NamedTuple):
    """One text as token ids, with its words.

    Args:
        ids: Token ids, special tokens included, cut at the tokenizer's maximum length, (T,).
        words: The words that these tokens stand for, in order, none twice. Tokens of no word are special tokens.
    """

    ids: TokenIds
    words: tuple[Word, ...]


def find_word_spans(text: str) -> Iterator[Span]:
    """Cut a text into words, for people.

    Args:
        text: Any text.

    Yields:
        The words in order; together they hold every character that is not white space.
    """
    current: Span | None = None
    for match in _WORD_LIKE.finditer(text):
        span = match.span()
        if current is not None and _belongs_together(text, current, span):
            current = current[0], span[1]
            continue
        if current is not None:
            yield current
        current = span
    if current is not None:
        yield current


def locate_words(text: str, offsets: Sequence[Span], is_special: Sequence[int]) -> tuple[Word, ...]:
    """Give each token to the word that it stands in.

    Args:
        text: The text that was tokenized.
        offsets: Each token's characters, (T,), rising.
        is_special: 1 for each token that was added and stands for no character, (T,).

    Returns:
        The words that have a token, in order. Words that share a token are one word; a token of white space belongs to
        the word behind it.
    """
    tokens = [place for place, flag in enumerate(is_special) if not flag and offsets[place][0] < offsets[place][1]]
    if not tokens:
        return ()
    starts, ends = _edges(text, offsets[tokens[0]][0], offsets[tokens[-1]][1])
    words: list[Word] = []
    last_of_word = -1
    for place in tokens:
        first = min(bisect_right(ends, offsets[place][0]), len(ends) - 1)
        last = max(bisect_left(starts, offsets[place][1]) - 1, first)
        if first <= last_of_word:
            last_of_word = max(last, last_of_word)
            words[-1] = words[-1]._replace(end=ends[last_of_word], stop_token=place + 1)
        else:
            last_of_word = last
            words.append(Word(starts[first], ends[last], place, place + 1))
    return tuple(words)


def _edges(text: str, start: int, end: int) -> tuple[list[int], list[int]]:
    """List where words start and end, as far as tokens go; tokens of white space alone are a word."""
    starts, ends = [], []
    for span in find_word_spans(text):
        if span[0] >= end:
            break
        starts.append(span[0])
        ends.append(span[1])
    return (starts, ends) if starts else ([start], [end])


def _belongs_together(text: str, before: Span, behind: Span) -> bool:
    """Tell whether two neighboring pieces are one word, because a mark, a joiner or a flag binds them."""
    edge = behind[0]
    if before[1] != edge or (text[edge] < "\u0080" and text[edge - 1] < "\u0080"):
        return False
    if text[edge - 1] == _JOINER or text[edge] == _JOINER or _is_mark(text[edge]):
        return True
    if _is_mark(text[edge - 1]):
        return all(text[place].isalnum() and not is_unspaced(text[place]) for place in (before[0], edge))
    return bool(_IS_FLAG_HALF(text[slice(*before)]) and _IS_FLAG_HALF(text[slice(*behind)]))


def _is_mark(character: str) -> bool:
    return category(character).startswith("M") or _IS_SKIN_TONE(character) is not None
