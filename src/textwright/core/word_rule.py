r"""The word rule: words, contractions cut off, every other visible character a token of its own.

Words are lower-cased, or keep their case; either way a text is cut at the same places. Contractions are cut as in the
Penn Treebank and in GloVe's vocabulary: ``did n't``, ``it 's``. Scripts that are written without spaces are cut into
characters or syllables (``core.scripts``). The rule exists as the pieces of a ``tokenizer.json``, which is the
reference for every script, and in two forms for ASCII texts that are as exact and faster (``docs/decisions/0005``): a
compiled pattern, for a few texts, and passes over bytes in numpy, for many. Property tests hold the three equal.
Callers: ``core.tokenizer`` and ``core.word_tokenizer``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from itertools import product
from typing import Final, NamedTuple

import numpy as np

from textwright.core.scripts import UNIT, UNSPACED
from textwright.core.types import Bools, Bytes, Ints

TYPOGRAPHIC_APOSTROPHE: Final = ("\u2019", "'")
NEGATION: Final = ("n't", " n't")
CASED_NEGATIONS: Final = tuple((n + "'" + t, f" {n}'{t}") for n, t in product("nN", "tT"))
# Words come first in the pattern because they are the most frequent: the engine tries the branches in order. A class
# like [\w&&[^...]] would be another rule: inside of classes, \w does not match raised digits and fractions.
PATTERN: Final = rf"(?:(?![{UNSPACED}])\w)+(?:'t\b)?|'(?:s|m|d|ll|re|ve)\b|{UNIT}|[^\w\s]"
"""For the engine of the ``tokenizers`` library, Oniguruma."""
SPACED_PATTERN: Final = r"\w+(?:'t\b)?|'(?:s|m|d|ll|re|ve)\b|[^\w\s]"
"""The same rule for texts that hold no such script; tokenizers made before it have this one."""
CASED_PATTERN: Final = rf"(?:(?![{UNSPACED}])\w)+(?:'[tT]\b)?|'(?:[sSmMdD]|[lL][lL]|[rR][eE]|[vV][eE])\b|{UNIT}|[^\w\s]"
"""The same rule for words that keep their case. Letters stand there twice: ignoring case would make U+017F an s."""
_FIND_WORDS = re.compile(SPACED_PATTERN, re.ASCII).findall
_FIND_CASED_WORDS = re.compile(SPACED_PATTERN, re.ASCII | re.IGNORECASE).findall
_SPLIT_CASED_NEGATIONS = partial(re.compile("(?=n't)", re.ASCII | re.IGNORECASE).sub, " ")

MARGIN: Final = 8
"""Bytes of white space before and behind a block, so that looking around a token never leaves it."""

_SEPARATOR: Final = "\n"
_SPACE, _WORD, _MARK = range(3)
_KINDS: Final = bytes(
    _WORD if re.match(r"\w", chr(byte), re.ASCII) else _SPACE if re.match(r"\s", chr(byte), re.ASCII) else _MARK
    for byte in range(128)
) + bytes(128)


def _table(values: dict[str, str]) -> Bytes:
    """Make a table of 256 bytes that is 255, which is no ASCII character, wherever nothing is said."""
    table = np.full(256, 255, dtype=np.uint8)
    for key, value in values.items():
        table[ord(key)] = ord(value)
    return table


_IS_SHORT_CLITIC: Final = _table({letter: letter for letter in "smd"}) != 255  # 's 'm 'd
_SECOND_LETTER: Final = _table({"l": "l", "r": "e", "v": "e"})  # 'll 're 've


class Tokens(NamedTuple):
    """Where the tokens of a block of texts lie.

    Args:
        raw: The texts, lower-cased or as they are, joined, with ``MARGIN`` bytes of white space before and behind.
        starts: Place of each token's first byte in ``raw``, rising.
        lengths: Bytes of each token, >= 1.
        offsets: Text i has the tokens ``offsets[i]`` up to, not including, ``offsets[i + 1]``, (B + 1,).
    """

    raw: bytes
    starts: Ints
    lengths: Ints
    offsets: Ints


def find_words(text: str) -> list[str]:
    """Cut one ASCII text into its words, lower-cased."""
    return _FIND_WORDS(text.lower().replace(*NEGATION))


def find_cased_words(text: str) -> list[str]:
    """Cut one ASCII text into its words as they stand there."""
    return _FIND_CASED_WORDS(_SPLIT_CASED_NEGATIONS(text) if "'" in text else text)


def find_tokens(texts: Sequence[str], lengths: Ints, *, cased: bool = False) -> Tokens:
    """Cut many ASCII texts into words at once, with no step in Python for a text or a word.

    Args:
        texts: B ASCII texts.
        lengths: Their lengths in characters, (B,).
        cased: Whether words keep their case.

    Returns:
        The tokens of all texts, exactly those of :func:`find_words`, or of :func:`find_cased_words`.
    """
    margin = _SEPARATOR * MARGIN
    raw = f"{margin}{_SEPARATOR.join(texts)}{margin}".encode("ascii")
    lowered = raw.lower()
    is_start, is_end = _edges(lowered)
    starts = np.flatnonzero(is_start)
    text_starts = MARGIN + np.concatenate([[0], np.cumsum(lengths + 1)])
    return Tokens(
        raw if cased else lowered, starts, np.flatnonzero(is_end) + 1 - starts, starts.searchsorted(text_starts)
    )


def _edges(raw: bytes) -> tuple[Bools, Bools]:
    """Mark the first and the last byte of each token; both arrays have as many marks, in the same order."""
    kinds = np.frombuffer(raw.translate(_KINDS), dtype=np.uint8)
    in_word = kinds & _WORD
    is_start, is_end = np.zeros((2, len(kinds)), dtype=np.bool_)
    np.greater(kinds[1:], in_word[:-1], out=is_start[1:])
    np.greater(kinds[:-1], in_word[1:], out=is_end[:-1])
    data = np.frombuffer(raw, dtype=np.uint8)
    apostrophes = np.flatnonzero(data == ord("'"))
    if apostrophes.size:
        is_word = in_word.view(np.bool_)
        _split_negations(data, apostrophes, is_word, is_start, is_end)
        tails = _attach_clitics(data, apostrophes, is_start, is_end)
        _attach_t(data, apostrophes, is_word, tails, is_start, is_end)
    return is_start, is_end


def _split_negations(data: Bytes, apostrophes: Ints, is_word: Bools, is_start: Bools, is_end: Bools) -> None:
    """Start a token at the n of each n't: do n't."""
    marks = apostrophes[(data[apostrophes - 1] == ord("n")) & (data[apostrophes + 1] == ord("t"))]
    is_start[marks - 1] = True
    is_end[marks - 2] |= is_word[marks - 2]


def _attach_clitics(data: Bytes, apostrophes: Ints, is_start: Bools, is_end: Bools) -> Ints:
    """Make one token of an apostrophe and the s, m, d, ll, re or ve behind it: it 's; return their last bytes."""
    following = data[apostrophes + 1]
    is_short = _IS_SHORT_CLITIC[following] & is_end[apostrophes + 1]
    is_long = (_SECOND_LETTER[following] == data[apostrophes + 2]) & is_end[apostrophes + 2]
    clitics = apostrophes[is_short | is_long]
    is_end[clitics] = is_start[clitics + 1] = False
    return np.concatenate([apostrophes[is_short] + 1, apostrophes[is_long] + 2])


def _attach_t(data: Bytes, apostrophes: Ints, is_word: Bools, tails: Ints, is_start: Bools, is_end: Bools) -> None:
    """Make one token of a word and the 't behind it: n't, but not of a clitic and a 't."""
    is_tail = np.zeros(len(data), dtype=np.bool_)
    is_tail[tails] = True
    before, behind = apostrophes - 1, apostrophes + 1
    marks = apostrophes[(data[behind] == ord("t")) & is_end[behind] & is_word[before] & ~is_tail[before]]
    marks = marks[_takes_t(marks)]
    is_start[marks] = is_start[marks + 1] = is_end[marks - 1] = is_end[marks] = False


def _takes_t(marks: Ints) -> Bools:
    """Settle a't't: the first t belongs to the a, so that it is no word which takes the second."""
    takes = np.ones(len(marks), dtype=np.bool_)
    for index in (np.flatnonzero(np.diff(marks) == 2) + 1).tolist():  # each depends on the one before
        takes[index] = not takes[index - 1]
    return takes
