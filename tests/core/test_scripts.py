"""Which scripts are written without spaces, and that cutting them loses nothing."""

from __future__ import annotations

from unicodedata import name, normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textwright.core.scripts import is_unspaced, unspaced_share
from textwright.core.tokenizer import _word_level

SPLITTER = _word_level({"[PAD]": 0, "[UNK]": 1}, 10).pre_tokenizer
unspaced_texts = st.text(st.characters(min_codepoint=0x0E00, max_codepoint=0x0EFF) | st.sampled_from("កខ្ែា់ြမ်န日の。 a"))


@pytest.mark.parametrize("letter", "\u0e01\u0e33\u0e97\u0e82\u1000\u1780\u3042\u30a2\u30fc\uff71\u4e2d\u3005\U00020000")
def test_scripts_without_spaces_are_known(letter):
    assert is_unspaced(letter), name(letter)


@pytest.mark.parametrize("letter", "a\u00e9\u0416\u0905\u0627\ud55c\u05d0\u10d0\u30fb\u3002\uff21\uff0c\u0e3f7 ")
def test_other_letters_and_punctuation_are_not_among_them(letter):
    assert not is_unspaced(letter), name(letter)


def test_nothing_is_unspaced_in_an_empty_text():
    assert not is_unspaced("")
    assert unspaced_share([]) == unspaced_share(["", " "]) == 0


def test_the_share_counts_visible_characters():
    assert unspaced_share(["\u65e5\u672c ab"]) == 0.5
    assert unspaced_share(["good film", "caf\u00e9"]) == 0
    assert unspaced_share(text for text in ["\u597d\u5403", "\u597d"]) == 1


@given(unspaced_texts)
def test_every_visible_character_is_in_one_token(text):
    text = normalize("NFC", text)
    pieces = SPLITTER.pre_tokenize_str(text)
    assert "".join(piece for piece, _ in pieces) == "".join(text.split())


@given(unspaced_texts, unspaced_texts)
def test_a_space_separates_texts(first, second):
    first, second = normalize("NFC", first), normalize("NFC", second)
    alone = [piece for text in (first, second) for piece, _ in SPLITTER.pre_tokenize_str(text)]
    assert [piece for piece, _ in SPLITTER.pre_tokenize_str(f"{first} {second}")] == alone
