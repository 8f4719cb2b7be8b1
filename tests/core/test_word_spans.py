"""Words for people: nothing visible is lost, nothing is cut inside a character, and every token has its word."""

from __future__ import annotations

from itertools import pairwise
from unicodedata import combining, normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from textwright.core.tokenizer import TextTokenizer, _word_level, word_level_tokenizer
from textwright.core.word_rule import SPACED_PATTERN
from textwright.core.word_spans import find_word_spans
from textwright.errors import TextError

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
WAVE = "\U0001f44b\U0001f3fd"
FLAG = "\U0001f1e9\U0001f1ea"
CAFE = "cafe\u0301"
PIECES = [CAFE, FAMILY, WAVE, FLAG, "didn't", "n\u2019t", "'", "\u65e5\u672c", " ", "\n", "\u00a0", "film", ",", "\x1f"]
any_text = st.one_of(st.text(st.characters(exclude_categories=["Cs"])), st.lists(st.sampled_from(PIECES)).map("".join))


def word_pieces() -> TextTokenizer:
    """A tokenizer of BERT's form: accents stripped, pieces of words, special tokens around."""
    alphabet = "abcdefghijklmnopqrstuvwxyz"
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "film", "un", "##watch", "##able", "did", "'", ",", *alphabet]
    vocabulary = {token: index for index, token in enumerate([*tokens, *(f"##{letter}" for letter in alphabet)])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.enable_truncation(24)
    tokenizer.enable_padding(pad_id=0, pad_token="[PAD]")
    return TextTokenizer(tokenizer.to_str())


def bytes_of_text() -> TextTokenizer:
    """A tokenizer of RoBERTa's form: each byte of UTF-8 is a token, the space before a word included."""
    vocabulary = {letter: index for index, letter in enumerate(["<pad>", *sorted(pre_tokenizers.ByteLevel.alphabet())])}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.enable_truncation(24)
    tokenizer.enable_padding(pad_id=0, pad_token="<pad>")
    return TextTokenizer(tokenizer.to_str())


def spaced_words() -> TextTokenizer:
    """A tokenizer of the form that was saved before scripts without spaces were cut into characters."""
    vocabulary = {"[PAD]": 0, "[UNK]": 1, "film": 2}
    return TextTokenizer(_word_level(vocabulary, 12, pattern=SPACED_PATTERN, composes=False).to_str())


ENCODERS = {
    "words": word_level_tokenizer(["did", "n't", "film", "it", "'s", "caf\u00e9"], max_length=12),
    "spaced": spaced_words(),
    "pieces": word_pieces(),
    "bytes": bytes_of_text(),
}


def words_of(text, tokenizer="words"):
    (located,) = ENCODERS[tokenizer].locate([text])
    return [text[word.start : word.end] for word in located.words]


@given(any_text)
def test_words_hold_every_visible_character_once(text):
    spans = list(find_word_spans(text))
    assert "".join(text[start:end] for start, end in spans) == "".join(text.split())
    assert all(before[1] <= behind[0] for before, behind in pairwise(spans))


@pytest.mark.parametrize("name", ENCODERS)
@given(text=any_text)
def test_every_token_has_one_word_and_the_ids_are_those_of_encode(name, text):
    tokenizer = ENCODERS[name]
    (located,) = tokenizer.locate([text])
    assert located.ids == tokenizer.encode([text])[0].ids
    frame = 2 if name == "pieces" else 0
    assert sum(word.stop_token - word.first_token for word in located.words) == len(located.ids) - frame
    for before, behind in pairwise(located.words):
        assert before.stop_token == behind.first_token
        assert before.end <= behind.start < behind.end <= len(text)


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It's a film, didn\u2019t it?", ["It's", "a", "film", ",", "didn\u2019t", "it", "?"]),
        (f"{CAFE}s {WAVE} x", [f"{CAFE}s", WAVE, "x"]),
        ("unwatchable", ["unwatchable"]),
        ("", []),
    ],
)
def test_people_read_the_words_as_they_were_sent(name, text, words):
    found = words_of(text, name)
    assert found == (words[: len(found)] if name == "bytes" else words)  # bytes are many: some are not read
    assert found or not words


def test_joined_emoji_and_flags_are_one_word_each():
    assert words_of(f"a{FAMILY} {FLAG}{FLAG}") == ["a", FAMILY, FLAG, FLAG]


def test_white_space_that_is_read_as_tokens_is_a_word_where_nothing_else_is():
    assert words_of(" \n ", "bytes") == [" \n "]
    assert words_of(" \n ", "words") == []


def test_ideographs_are_words_unless_one_token_holds_several():
    assert words_of("\u65e5\u672c film", "pieces") == ["\u65e5", "\u672c", "film"]
    assert words_of("\u65e5\u672c film", "words") == ["\u65e5", "\u672c", "film"]
    assert words_of("\u65e5\u672c film", "spaced") == ["\u65e5\u672c", "film"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("กี่วัน film", ["กี่", "วัน", "film"]),
        ("\u30c6\u30b9\u30c8film", ["\u30c6", "\u30b9", "\u30c8", "film"]),
        ("ភាសាខ្មែរ", ["ភា", "សា", "ខ្មែរ"]),
        ("caf\u00e9\u6211", ["caf\u00e9", "\u6211"]),
        ("\u0e01\u0e35film", ["\u0e01\u0e35", "film"]),
    ],
    ids=["Thai", "Katakana", "Khmer", "Latin before Han", "Latin behind a mark"],
)
def test_a_character_or_syllable_of_a_script_without_spaces_is_a_word(text, words):
    assert words_of(text) == words


@given(any_text)
def test_decomposed_texts_have_the_tokens_of_composed_ones_and_words_of_their_own(text):
    composed, decomposed = (normalize(form, text) for form in ("NFC", "NFD"))
    located, other = ENCODERS["words"].locate([composed, decomposed])
    assert located.ids == other.ids
    for word in other.words:
        assert word.start < word.end
        assert not combining(decomposed[word.end : word.end + 1] or " ")  # no mark is cut off its letter


def test_positions_point_into_the_text_that_was_sent():
    text = f"{CAFE}s, {CAFE} \u1112\u1161\u11ab\u1100\u1173\u11af film"
    (located,) = ENCODERS["words"].locate([text])
    assert [text[word.start : word.end] for word in located.words] == text.replace(",", " ,").split(" ")
    assert [word.start for word in located.words] == [0, 6, 8, 14, 21]


def test_a_word_of_several_pieces_is_one_word():
    (located,) = ENCODERS["pieces"].locate(["unwatchable film"])
    assert [(word.first_token, word.stop_token) for word in located.words] == [(1, 4), (4, 5)]


@pytest.mark.parametrize("name", ENCODERS)
def test_words_that_are_not_read_are_not_there(name):
    assert len(words_of("film " * 100, name)) <= 24


def test_what_is_no_text_is_refused_by_its_position():
    with pytest.raises(TextError, match="text 1"):
        ENCODERS["words"].locate(["film", "\ud800"])
