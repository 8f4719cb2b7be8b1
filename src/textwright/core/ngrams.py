"""The n-grams of texts whose tokens are characters, as hashed keys: characters within words, words, pairs of words.

A key is a number below 2**31. Those of words and of pairs of neighboring words are below 2**30, those of characters
are not. No step exceeds 64 bits, so that numpy, torch and ONNX Runtime compute equal keys; ``models.linear`` holds the
same arithmetic for padded batches, and property tests compare the two.

A key is the value of a polynomial in the characters' ids, modulo a prime. Two n-grams of a million share one with a
probability of some 1 in 2,000; texts are then counted as if these two were the same n-gram, and nothing else happens.

Callers: ``train``, which counts and weighs them, and ``runtime``, which explains by them.

Source:
    Karp & Rabin, 1987, "Efficient Randomized Pattern-Matching Algorithms" (the hash).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, Self
from unicodedata import category

import numpy as np

from textwright.core.character_tokenizer import SPACE_ID, lower_case
from textwright.core.encodings import Encodings
from textwright.core.types import Bools, Ints

ORDERS: Final = (1, 2, 3, 4, 5)
"""Lengths of the n-grams of characters."""
KEY_BITS: Final = 31
"""A key is below 2**31."""
PRIME: Final = 2**31 - 1
CHARACTER_BASE: Final = 1_103_515_245
CHARACTER_SEED: Final = 668_265_263
WORD_BASE: Final = 1_812_433_253
WORD_SEED: Final = 374_761_393
PAIR_BASE: Final = 1_566_083_941
FIRST_CHARACTER_KEY: Final = 2**30
"""Keys from here on are of n-grams of characters."""


def _powers(base: int, count: int) -> Ints:
    values = [1]
    while len(values) < count:
        values.append(values[-1] * base % PRIME)
    return np.array(values, dtype=np.int64)


POWERS: Final = _powers(WORD_BASE, 128)
"""Of the base, for a character's place in its word; beyond the last they start anew."""


@dataclass(frozen=True, slots=True, eq=False)
class Alphabet:
    """What the token ids are.

    Args:
        is_letter: Which ids are of characters that words are made of: letters, digits, marks and "_", (V,).
        folded: The id that each is read as, (V,): of its lower-case form, or its own where case counts.
    """

    is_letter: Bools
    folded: Ints

    @classmethod
    def of(cls, vocabulary: Sequence[str], *, cased: bool) -> Self:
        """Look at the tokens in the order of their ids, (V,); what is no single character is not of a word.

        Args:
            vocabulary: Distinct tokens.
            cased: Whether case counts.
        """
        ids = {token: place for place, token in enumerate(vocabulary)}
        lower = [lower_case(token) if len(token) == 1 and not cased else token for token in vocabulary]
        folded = [ids.get(character, place) for place, character in enumerate(lower)]
        is_letter = [len(token) == 1 and _is_letter(token) for token in vocabulary]
        return cls(np.array(is_letter, dtype=np.bool_), np.array(folded, dtype=np.int64))

    @property
    def is_cased(self) -> bool:
        """Whether each id is read as itself."""
        return bool((self.folded == np.arange(len(self.folded))).all())

    @property
    def cased(self) -> Self:
        """The same ids, each read as itself."""
        return replace(self, folded=np.arange(len(self.folded)))

    def fold(self, encodings: Encodings) -> Encodings:
        """Give texts the ids that they are read as."""
        return encodings if self.is_cased else replace(encodings, ids=self.folded.astype(np.int32)[encodings.ids])


def _is_letter(character: str) -> bool:
    return character == "_" or category(character)[0] in "LNM"


class Ngrams(NamedTuple):
    """N-grams of texts, as often as they occur.

    Args:
        keys: (M,).
        texts: Which text each is of, (M,), in [0, N).
        starts: Place of its first token among the ids of all texts, (M,).
        stops: The place behind its last token, (M,).
    """

    keys: Ints
    texts: Ints
    starts: Ints
    stops: Ints

    @classmethod
    def join(cls, parts: Sequence[Ngrams]) -> Ngrams:
        """Put several one after the other."""
        columns = zip(*parts, strict=True)
        return cls(*(np.concatenate(column) for column in columns)) if parts else cls(*(np.zeros(0, np.int64),) * 4)


def find_ngrams(encodings: Encodings, alphabet: Alphabet, *, words: bool, characters: bool) -> Ngrams:
    """Find the n-grams of texts.

    Args:
        encodings: N texts as characters.
        alphabet: What the ids are.
        words: Whether words and pairs of neighboring words are wanted.
        characters: Whether n-grams of characters are wanted: of 1 to 5, a space before and behind each word included,
            never across words.

    Returns:
        Those that are wanted; a text without tokens has none.
    """
    encodings = alphabet.fold(encodings)
    parts = [_find_words(encodings, alphabet)] if words else []
    return Ngrams.join([*parts, *_find_characters(encodings)] if characters else parts)


def _find_characters(encodings: Encodings) -> list[Ngrams]:
    """Find the n-grams of characters, one order after the other."""
    stream, texts = _with_spaces(encodings)
    is_space = stream == SPACE_ID
    first, last = encodings.offsets[texts], encodings.offsets[texts + 1]
    num_before = np.cumsum(encodings.lengths > 0)[texts]
    places = np.arange(len(stream)) - 2 * num_before + 1  # of each character among the ids; -1 for the space before
    hashes = np.full(len(stream), CHARACTER_SEED, dtype=np.int64)
    is_within = np.ones(len(stream), dtype=np.bool_)
    parts = []
    for order in ORDERS:
        size = max(len(stream) - order + 1, 0)
        hashes = (hashes[:size] + stream[order - 1 :]) * CHARACTER_BASE % PRIME
        is_within = is_within[:size] & (texts[:size] == texts[order - 1 :])
        if order > 2:
            is_within &= ~is_space[order - 2 : order - 2 + size]
        is_blank = is_space[:size] & is_space[order - 1 :] if order <= 2 else np.False_
        stays = np.flatnonzero(is_within & ~is_blank)
        starts = np.maximum(places[stays], first[stays])
        stops = np.minimum(places[stays] + order, last[stays])
        parts.append(Ngrams(FIRST_CHARACTER_KEY + (hashes[stays] >> 1), texts[stays], starts, stops))
    return parts


def _with_spaces(encodings: Encodings) -> tuple[Ints, Ints]:
    """Put a space before and behind each text that has a token; return the ids and which text each is of."""
    lengths = encodings.lengths
    texts = np.repeat(np.arange(len(lengths)), np.where(lengths > 0, lengths + 2, 0))
    stream = np.full(len(texts), SPACE_ID, dtype=np.int64)
    num_before = np.cumsum(lengths > 0)[_text_of_each(encodings)]  # texts with tokens so far, this one included
    stream[np.arange(len(encodings.ids)) + 2 * num_before - 1] = encodings.ids
    return stream, texts


def _text_of_each(encodings: Encodings) -> Ints:
    """Tell which text each token is of."""
    return np.repeat(np.arange(len(encodings)), encodings.lengths)


def _find_words(encodings: Encodings, alphabet: Alphabet) -> Ngrams:
    """Find words and pairs of neighboring words."""
    letters = np.flatnonzero(alphabet.is_letter[encodings.ids])
    if letters.size == 0:
        return Ngrams.join([])
    texts = _text_of_each(encodings)[letters]
    is_first = np.ones(len(letters), dtype=np.bool_)
    is_first[1:] = (np.diff(letters) > 1) | (np.diff(texts) > 0)
    firsts = np.flatnonzero(is_first)
    starts, texts = letters[firsts], texts[firsts]
    stops = letters[np.append(firsts[1:], len(letters)) - 1] + 1
    offsets = letters - np.repeat(starts, stops - starts)
    terms = encodings.ids[letters] * POWERS[offsets % len(POWERS)] % PRIME
    hashes = np.add.reduceat(terms, firsts) % PRIME
    words = Ngrams(_word_keys(hashes), texts, starts, stops)
    of_one_text = texts[:-1] == texts[1:]
    joined = Ngrams(_word_keys((hashes[:-1] * PAIR_BASE + hashes[1:]) % PRIME), texts[:-1], starts[:-1], stops[1:])
    return Ngrams.join([words, Ngrams(*(column[of_one_text] for column in joined))])


def _word_keys(hashes: Ints) -> Ints:
    """Spread hashes, of which neighboring ones are of similar words, over all keys of words."""
    return (hashes * WORD_BASE + WORD_SEED) % PRIME >> 1
