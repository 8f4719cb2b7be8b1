"""Characters as tokens: the rule in words, and the table of bytes beside the library."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textwright.core.tokenization import TextEncoder, train_characters

TEXTS = ["The film is NOT good: 10/10\n", "naïve café", "电影", "\x1c \x1d"]
ENCODER = train_characters(TEXTS, vocab_size=1000, max_length=40)
ASCII = st.text(st.characters(max_codepoint=127), max_size=60)


def shown(text: str, encoder: TextEncoder = ENCODER) -> str:
    return "".join(encoder.vocabulary[token] for token in encoder.encode([text])[0].ids)


@given(st.lists(ASCII, max_size=4))
def test_the_table_of_bytes_is_the_library(texts: list[str]) -> None:
    fast, reference = ENCODER.encode(texts), ENCODER.encode_with_library(texts)
    assert list(fast) == list(reference)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  The\t\n FILM ", "the film"),
        ("cafe\N{COMBINING ACUTE ACCENT}", "café"),
        ("good\N{NO-BREAK SPACE}film", "good film"),
        ("x\N{GRINNING FACE}", "[UNK][UNK]"),
        ("", ""),
        (" \n ", ""),
    ],
)
def test_text_is_composed_lower_cased_and_its_white_space_collapsed(text: str, expected: str) -> None:
    assert shown(text) == expected


def test_the_space_always_has_its_id_and_frequent_characters_come_first() -> None:
    encoder = train_characters(["baab"], vocab_size=10, max_length=5)
    assert encoder.vocabulary == ["[PAD]", "[UNK]", " ", "a", "b"]
    assert train_characters(["baab", "a"], vocab_size=4, max_length=5).vocabulary == ["[PAD]", "[UNK]", " ", "a"]


@pytest.mark.parametrize("text", ["film " * 20, "é " * 30])
def test_a_long_text_loses_its_end_and_says_so(text: str) -> None:
    encoded = ENCODER.encode([text])[0]
    assert len(encoded.ids) == 40
    assert encoded.truncated
