"""Characters as tokens: the rule in words, and the table of bytes beside the library; both forms of the file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textwright.core.character_tokenizer import CharacterTokenizer, character_tokenizer, rank_characters
from textwright.core.tokenizer import TextTokenizer, train_characters

TEXTS = ["The film is NOT good: 10/10\n", "naïve café", "电影", "\x1c \x1d"]
ENCODER = train_characters(TEXTS, vocab_size=1000, max_length=40)
LOWER_CASING = TextTokenizer(character_tokenizer(rank_characters(TEXTS), 40, lowercase=True).to_str())
"""As earlier versions wrote it."""
ASCII = st.text(st.characters(max_codepoint=127), max_size=60)


def shown(text: str, tokenizer: TextTokenizer = ENCODER) -> str:
    return "".join(tokenizer.vocabulary[token] for token in tokenizer.encode([text])[0].ids)


@pytest.mark.parametrize("tokenizer", [ENCODER, LOWER_CASING], ids=["cased", "lower-casing"])
@given(texts=st.lists(ASCII, max_size=4))
def test_the_table_of_bytes_is_the_library(tokenizer: TextTokenizer, texts: list[str]) -> None:
    assert isinstance(tokenizer._words, CharacterTokenizer)
    assert list(tokenizer.encode(texts)) == list(tokenizer.encode_with_library(texts))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  The\t\n FILM ", "The FILM"),
        ("cafe\N{COMBINING ACUTE ACCENT}", "café"),
        ("good\N{NO-BREAK SPACE}film", "good film"),
        ("x\N{GRINNING FACE}", "[UNK][UNK]"),
        ("", ""),
        (" \n ", ""),
    ],
)
def test_text_is_composed_and_its_white_space_collapsed(text: str, expected: str) -> None:
    assert shown(text) == expected
    assert shown(text, LOWER_CASING) == (expected if "UNK" in expected else expected.lower())


def test_a_letter_stands_beside_its_other_case() -> None:
    assert train_characters(["Éßİ", "éé"], vocab_size=20, max_length=9).vocabulary[3:] == [
        *("é", "É"),
        *("i", "I", "İ"),
        *("ß",),
    ]


def test_the_space_always_has_its_id_and_frequent_characters_come_first() -> None:
    tokenizer = train_characters(["baab"], vocab_size=10, max_length=5)
    assert tokenizer.vocabulary == ["[PAD]", "[UNK]", " ", "a", "A", "b", "B"]
    assert train_characters(["baab", "a"], vocab_size=4, max_length=5).vocabulary == ["[PAD]", "[UNK]", " ", "a"]


@pytest.mark.parametrize("text", ["film " * 20, "é " * 30])
def test_a_long_text_loses_its_end_and_says_so(text: str) -> None:
    encoded = ENCODER.encode([text])[0]
    assert len(encoded.ids) == 40
    assert encoded.truncated
