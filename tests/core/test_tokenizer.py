"""One tokenization: the compiled rule equals the library's."""

from __future__ import annotations

import json
from collections import Counter
from unicodedata import normalize

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

from textwright.core.encodings import Encoded
from textwright.core.scripts import is_unspaced
from textwright.core.tokenizer import (
    PAD_ID,
    UNKNOWN_ID,
    TextTokenizer,
    _word_level,
    train_word_level,
    word_level_tokenizer,
)
from textwright.core.word_rule import SPACED_PATTERN
from textwright.errors import ArtifactFormatError, SettingsError, TextError

WORDS = ["n't", "'s", "'", "it", "do", "film", "a", "!", "_", "x_1", "café", "über", "3", "...", "'ll", "can"]
ENCODER = word_level_tokenizer(WORDS, max_length=12)

review_like = st.lists(
    st.sampled_from(
        [*WORDS, "It's", "DON'T", "\u2019s", "\x00", "\x1f", "\n", "\t", " ", "\u00a0", "日本", "😀", "n'tx"]
    )
).map("".join)


@given(st.one_of(st.text(), st.text(st.characters(max_codepoint=127)), review_like))
def test_encode_equals_the_library_on_any_text(text):
    assert list(ENCODER.encode([text])) == list(ENCODER.encode_with_library([text]))


@given(st.lists(review_like, max_size=8))
def test_a_text_encodes_the_same_alone_and_among_others(texts):
    assert list(ENCODER.encode(texts)) == [ENCODER.encode([text])[0] for text in texts]


def test_contractions_are_cut_as_in_the_penn_treebank():
    tokens = ENCODER.vocabulary
    (encoded,) = ENCODER.encode(["It's a film; don't"])
    assert [tokens[index] for index in encoded.ids] == ["it", "'s", "a", "film", "[UNK]", "do", "n't"]


def test_typographic_apostrophes_are_read_like_straight_ones():
    assert list(ENCODER.encode(["it\u2019s"])) == list(ENCODER.encode(["it's"]))


@given(st.one_of(st.text(), review_like))
def test_composed_and_decomposed_texts_encode_alike(text):
    composed, decomposed = ENCODER.encode([normalize("NFC", text), normalize("NFD", text)])
    assert composed == decomposed == ENCODER.encode([text])[0]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("这家餐厅", ["这", "家", "餐", "厅"]),
        ("日本語のテスト", ["日", "本", "語", "の", "テ", "ス", "ト"]),
        ("กี่วันเริ่มต้นศุกร์ ๑๒ ๆ", ["กี่", "วัน", "เริ่ม", "ต้น", "ศุกร์", "๑", "๒", "ๆ"]),
        ("ພາສາລາວ", ["ພາ", "ສາ", "ລາວ"]),
        ("ភាសាខ្មែរ", ["ភា", "សា", "ខ្មែរ"]),
        ("မြန်မာဘာသာ", ["မြန်", "မာ", "ဘာ", "သာ"]),
        ("iPhone手机, it's 5G网络", ["iphone", "手", "机", ",", "it", "'s", "5g", "网", "络"]),
        ("한국어 텍스트", ["한국어", "텍스트"]),
        ("Привет, мир", ["привет", ",", "мир"]),
        ("naïve d'été", ["naïve", "d", "'", "été"]),
    ],
    ids=["Chinese", "Japanese", "Thai", "Lao", "Khmer", "Myanmar", "mixed", "Korean", "Russian", "French"],
)
def test_scripts_without_spaces_are_cut_into_characters_or_syllables_and_others_into_words(text, tokens):
    tokenizer = train_word_level([text], vocab_size=50, min_frequency=1, max_length=20)
    assert [tokenizer.vocabulary[index] for index in tokenizer.encode([text])[0].ids] == tokens


EARLIER = TextTokenizer(
    _word_level(
        {word: index for index, word in enumerate(ENCODER.vocabulary)}, 12, pattern=SPACED_PATTERN, composes=False
    ).to_str()
)
spaced_letters = st.characters(categories=["L", "N", "P", "S", "Z"]).filter(lambda letter: not is_unspaced(letter))


@given(st.one_of(st.text(spaced_letters), st.text(st.characters(max_codepoint=0x24F)), st.sampled_from(WORDS)))
def test_texts_in_scripts_with_spaces_encode_as_before(text):
    text = normalize("NFC", text)
    assume(not any(map(is_unspaced, text)))
    assert ENCODER.encode([text])[0] == EARLIER.encode([text])[0]


def test_tokenizers_of_the_earlier_form_are_compiled_too_and_keep_their_words():
    assert ENCODER._words is not None
    assert EARLIER._words is not None
    (encoded,) = EARLIER.encode(["日本 it's"])
    assert [EARLIER.vocabulary[index] for index in encoded.ids] == ["[UNK]", "it", "'s"]


def test_a_long_text_is_cut_and_says_so():
    assert ENCODER.encode(["a " * 12])[0] == Encoded([ENCODER.vocabulary.index("a")] * 12, truncated=False)
    for word in ("a ", "café "):  # the compiled rule, and the library's
        (encoded,) = ENCODER.encode([word * 13])
        assert (len(encoded.ids), encoded.truncated) == (12, True)


def test_an_empty_text_has_no_tokens():
    assert list(ENCODER.encode([""])) == [Encoded([], truncated=False)]
    assert list(ENCODER.encode([])) == []


@pytest.mark.parametrize("bad", [None, 3, b"bytes", ["nested"]])
def test_an_item_that_is_no_string_names_its_position(bad):
    with pytest.raises(TextError, match=r"text 1 is (of type|missing)"):
        ENCODER.encode(["fine", bad])


def test_a_lone_surrogate_names_its_position():
    with pytest.raises(TextError, match="text 1 holds a lone surrogate at character 3"):
        ENCODER.encode(["fine", "bad\ud800"])


def test_training_sees_frequent_words_first_and_counts_the_special_tokens():
    tokenizer = train_word_level(["b b a a c", "a"], vocab_size=4, min_frequency=1, max_length=5)
    assert tokenizer.vocabulary == ["[PAD]", "[UNK]", "a", "b"]
    assert tokenizer.encode(["c"])[0].ids == [UNKNOWN_ID]


def test_case_is_kept_where_it_is_asked_for_and_contractions_are_cut_alike():
    texts = ["Apple DON\u2019T apple", "\u00c9t\u00e9 \u00e9t\u00e9 E\u0301te\u0301", "\u597d It'S"]
    lowered = train_word_level(texts, vocab_size=50, min_frequency=1, max_length=9)
    cased = train_word_level(texts, vocab_size=50, min_frequency=1, max_length=9, cased=True)
    assert {"Apple", "apple", "DO", "N'T", "\u00c9t\u00e9", "\u00e9t\u00e9", "\u597d", "It", "'S"} == {
        *cased.vocabulary[2:]
    }
    assert {*lowered.vocabulary[2:]} == {word.lower() for word in cased.vocabulary[2:]}
    assert (cased.is_cased, lowered.is_cased) == (True, False)
    assert TextTokenizer(cased.serialize())._words is not None
    assert UNKNOWN_ID not in cased.encode(texts).ids
    assert cased.encode(["APPLE"])[0].ids == [UNKNOWN_ID]


def test_training_is_independent_of_the_order_of_the_texts():
    texts = ["b a", "c a", "café c", "it's"]
    settings = {"vocab_size": 50, "min_frequency": 1, "max_length": 5}
    assert train_word_level(texts, **settings).serialize() == train_word_level(texts[::-1], **settings).serialize()


@given(st.lists(review_like, min_size=1, max_size=5))
def test_every_training_word_is_known_and_counted_once(texts):
    try:
        tokenizer = train_word_level(texts, vocab_size=10_000, min_frequency=1, max_length=1000)
    except SettingsError:
        assert all(item.ids == [] for item in ENCODER.encode(texts))
        return
    counts = Counter(index for item in tokenizer.encode(texts) for index in item.ids)
    assert UNKNOWN_ID not in counts
    assert len(counts) == tokenizer.vocab_size - 2


def test_rare_words_are_unknown_and_an_empty_vocabulary_is_refused():
    tokenizer = train_word_level(["a a b"], vocab_size=10, min_frequency=2, max_length=5)
    assert tokenizer.vocabulary == ["[PAD]", "[UNK]", "a"]
    with pytest.raises(SettingsError, match="lower min_frequency"):
        train_word_level(["a b"], vocab_size=10, min_frequency=2, max_length=5)


def test_the_encoder_survives_its_file():
    again = TextTokenizer(ENCODER.serialize())
    assert list(again.encode(["It's a film"])) == list(ENCODER.encode(["It's a film"]))
    assert (again.max_length, again.pad_id, again.vocab_size) == (12, PAD_ID, 2 + len(WORDS))


def test_another_form_of_tokenizer_is_left_to_the_library():
    tokenizer = Tokenizer(models.WordLevel({"[PAD]": 0, "[UNK]": 1, "Film": 2}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(pad_id=0, pad_token="[PAD]")
    tokenizer = TextTokenizer(tokenizer.to_str())
    assert tokenizer.encode(["Film film Film!"])[0].ids == [2, 1, 1]


@pytest.mark.parametrize("content", ["", "{}", "[1]", "not json"])
def test_a_file_that_is_no_tokenizer_is_refused(content):
    with pytest.raises(ArtifactFormatError, match=r"tokenizer\.json"):
        TextTokenizer(content)


def test_a_tokenizer_without_truncation_is_refused():
    content = json.loads(ENCODER.serialize())
    content["truncation"] = None
    with pytest.raises(ArtifactFormatError, match="truncation"):
        TextTokenizer(json.dumps(content))
