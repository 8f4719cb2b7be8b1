"""The word rule in its three forms -- the library's, one pattern, passes over bytes -- and the exact table."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textwright.core.tokenizer import TextTokenizer, word_level_tokenizer
from textwright.core.word_rule import Tokens, find_cased_words, find_tokens, find_words
from textwright.core.word_table import WordTable
from textwright.core.word_tokenizer import _BLOCK_CHARACTERS, _FEW_CHARACTERS

PIECES = [
    "'",
    "n't",
    "N't",
    "'t",
    "t",
    "n",
    "s",
    "m",
    "d",
    "ll",
    "re",
    "ve",
    "l",
    "r",
    "e",
    "do",
    "N",
    "T",
    "S",
    "_",
    "9",
]
BLANKS = [" ", "\t", "\n", "\r", "\v", "\f", "\x00", "\x1c", "\x1d", "\x1e", "\x1f", "\x7f", "!", "-", '"']
LONG = ["x" * length for length in (7, 8, 9, 15, 16, 17, 24, 40)]
WORDS = [*"tsmd'!\x00\x1c\x7f", "n't", "'s", "'ll", "'re", "do", "a't", "t't", "[pad]", "two words", "", *LONG]
ENCODER = word_level_tokenizer(WORDS, max_length=12)
CASED_WORDS = [*WORDS, *"TSN", "N'T", "n'T", "'S", "'LL", "Do", "[PAD"]
CASED = word_level_tokenizer(CASED_WORDS, max_length=12, cased=True)
FILLER = "a filler " * (_FEW_CHARACTERS // 9 + 1)
"""With this text among them, texts go through the passes over bytes."""

contractions = st.lists(st.sampled_from(PIECES), max_size=9).map("".join)
awkward = st.lists(st.sampled_from([*PIECES, *BLANKS, *LONG]), max_size=12).map("".join)
ascii_texts = st.lists(st.one_of(contractions, awkward, st.text(st.characters(max_codepoint=127))), max_size=12)


def words_of(texts: list[str], *, cased: bool = False) -> list[list[str]]:
    found = find_tokens(texts, np.array([len(text) for text in texts], dtype=np.int64), cased=cased)
    words = [
        found.raw[start : start + length].decode()
        for start, length in zip(found.starts.tolist(), found.lengths.tolist(), strict=True)
    ]
    return [words[start:stop] for start, stop in zip(found.offsets, found.offsets[1:], strict=False)]


@given(ascii_texts)
def test_passes_over_bytes_cut_as_the_pattern_does(texts):
    assert words_of(texts) == [find_words(text) for text in texts]
    assert words_of(texts, cased=True) == [find_cased_words(text) for text in texts]


@given(ascii_texts)
def test_words_that_keep_their_case_are_cut_where_lower_cased_ones_are(texts):
    assert [[word.lower() for word in find_cased_words(text)] for text in texts] == [find_words(text) for text in texts]


def test_every_short_run_around_apostrophes_is_cut_as_the_pattern_does():
    texts = ["".join(letters) for size in range(6) for letters in product("'tnsx ", repeat=size)]
    assert words_of(texts) == [find_words(text) for text in texts]


@pytest.mark.parametrize("encoder", [ENCODER, CASED], ids=["lower-cased", "cased"])
@given(texts=ascii_texts, others=st.lists(st.text(max_size=4), max_size=2))
def test_many_texts_encode_as_each_alone_and_as_the_library_says(encoder, texts, others):
    texts = [*texts, FILLER, *others, *texts]
    found = list(encoder.encode(texts))
    assert found == list(encoder.encode_with_library(texts))
    assert found == [encoder.encode([text])[0] for text in texts]


def test_texts_of_all_lengths_keep_their_order_over_many_blocks():
    lengths = [0, 1, 2 * _BLOCK_CHARACTERS + 1, 0, _BLOCK_CHARACTERS - 1, 3, *range(0, 5000, 97)]
    texts = [("do n't " * (length // 7 + 1))[:length] for length in lengths]
    assert list(ENCODER.encode(texts)) == list(ENCODER.encode_with_library(texts))


def find(table: WordTable, words: list[str]) -> list[int]:
    lengths = np.array([len(word) for word in words], dtype=np.int64)
    starts = np.cumsum(lengths) - lengths
    return table.find(Tokens("".join(words).encode() + bytes(8), starts, lengths, np.empty(0, dtype=np.int64))).tolist()


known_words = st.lists(st.text(st.characters(min_codepoint=0, max_codepoint=127), min_size=1, max_size=20), unique=True)


@given(known_words, known_words)
def test_the_table_finds_each_word_and_no_other(known, asked):
    vocabulary = {word: index for index, word in enumerate(["café", "", *known], start=5)}
    words = [*known, *asked, *(word[:-1] or "a" for word in known)]
    assert find(WordTable(vocabulary, 3), words) == [vocabulary.get(word, 3) for word in words]


@pytest.mark.parametrize("length", [1, 7, 8, 9, 15, 16, 17, 40])
def test_words_of_any_length_differ_in_each_byte(length):
    word = "abcdefgh"[:length].ljust(length, "z")
    others = [word[:place] + "?" + word[place + 1 :] for place in range(length)] + [word + "z", word[:-1] or "b"]
    assert find(WordTable({word: 7}, 1), [word, *others]) == [7] + [1] * len(others)


def test_words_that_want_the_same_slot_are_all_found():
    table = WordTable({"a": 2, "b": 3}, 1)  # 16 slots
    numbers = [f"{number}" for number in range(10_000)]
    keys = np.frombuffer("".join(word.ljust(8, "\xff") for word in numbers).encode("latin-1"), dtype="<u8")
    slots = table._first_slots(np.stack([keys, np.full_like(keys, 2**64 - 1)]))
    colliding = [word for word, slot in zip(numbers, slots, strict=True) if slot == 15]
    vocabulary = {word: index for index, word in enumerate(colliding[:3], start=2)}
    assert len(vocabulary) == 3
    assert find(WordTable(vocabulary, 1), colliding[:9]) == [2, 3, 4] + [1] * 6


def test_a_vocabulary_of_every_size_is_found_whole():
    for size in (0, 1, 2, 3, 100, 5_000):
        vocabulary = {f"word{number}": number for number in range(size)}
        assert find(WordTable(vocabulary, -1), [*vocabulary, "another"]) == [*range(size), -1]


def test_the_unknown_word_is_the_one_that_the_file_names():
    content = ENCODER.serialize().replace('"unk_token":"[UNK]"', '"unk_token":"do"')
    tokenizer = TextTokenizer(content)
    assert (
        tokenizer.encode(["zebra"])[0].ids
        == tokenizer.encode_with_library(["zebra"])[0].ids
        == [tokenizer.vocabulary.index("do")]
    )
