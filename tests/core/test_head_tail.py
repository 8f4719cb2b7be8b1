"""A tokenizer that keeps the head and the tail of a long text: the rule stands in its file, for every way in."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from textwright.core.encodings import Encoded
from textwright.core.tokenizer import HEAD_TAIL, LONG_TEXTS, TextTokenizer, head_tail, word_level_tokenizer
from textwright.errors import ArtifactFormatError

WORDS = [f"w{number}" for number in range(60)]
FIRST_WORD = 4
CLS, SEP = 2, 3


def framed(max_length: int, *, has_frame: bool = True) -> TextTokenizer:
    vocabulary = {token: place for place, token in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    if has_frame:
        tokenizer.post_processor = processors.BertProcessing(("[SEP]", SEP), ("[CLS]", CLS))
    tokenizer.enable_truncation(max_length)
    tokenizer.enable_padding(pad_id=0, pad_token="[PAD]")
    return TextTokenizer(tokenizer.to_str())


def expected(count: int, max_length: int, frame: int) -> list[int]:
    """Say which words of a text stay: Sun et al. (2019) take the first 128 and the last 382 of 512 with two special."""
    room = max_length - 2 * frame
    head = max(max_length // 4 - frame, 0)
    return [*range(count)] if count <= room else [*range(head), *range(count - (room - head), count)]


@given(count=st.integers(0, len(WORDS)), max_length=st.integers(3, 70), has_frame=st.booleans())
def test_a_long_text_keeps_its_first_and_its_last_tokens(count: int, max_length: int, has_frame: bool) -> None:
    tokenizer = head_tail(framed(max_length, has_frame=has_frame))
    (encoded,) = tokenizer.encode([" ".join(WORDS[:count])])
    body = [FIRST_WORD + word for word in expected(count, max_length, int(has_frame))]
    ids = [CLS, *body, SEP] if has_frame else body
    assert encoded == Encoded(ids, truncated=len(body) < count)
    assert len(ids) <= tokenizer.max_length == max_length


def test_512_tokens_are_those_of_the_paper() -> None:
    assert len([word for word in expected(1_000, 512, 1) if word < 500]) == 127
    tokenizer = head_tail(framed(512))
    (ids, truncated) = tokenizer.encode(["w0 " * 300 + "w1 " * 300 + "w2 " * 400])[0]
    assert truncated
    assert [ids.count(FIRST_WORD + word) for word in range(3)] == [127, 0, 383]  # with [CLS] 128, with [SEP] 384
    assert len(ids) == 512


@given(counts=st.lists(st.integers(0, 40), min_size=1, max_size=5))
def test_the_texts_beside_a_text_change_nothing(counts: list[int]) -> None:
    tokenizer = head_tail(framed(10))
    texts = [" ".join(WORDS[:count]) for count in counts]
    assert list(tokenizer.encode(texts)) == [tokenizer.encode([text])[0] for text in texts]


@given(count=st.integers(0, len(WORDS)))
def test_the_words_of_an_explanation_are_those_of_head_and_tail(count: int) -> None:
    tokenizer = head_tail(framed(12))
    text = " ".join(WORDS[:count])
    (located,) = tokenizer.locate([text])
    assert located.ids == tokenizer.encode([text])[0].ids
    read = [WORDS[word] for word in expected(count, 12, 1)]
    assert [text[word.start : word.end] for word in located.words] == read
    for word in located.words:
        assert [WORDS[index - FIRST_WORD] for index in located.ids[word.first_token : word.stop_token]] == [
            text[word.start : word.end]
        ]
    assert all(before.stop_token == behind.first_token for before, behind in pairwise(located.words))


def test_the_rule_survives_a_file_and_is_off_without_it() -> None:
    plain = framed(8)
    text = " ".join(WORDS[:30])
    assert plain.encode([text])[0].ids == [CLS, *range(FIRST_WORD, FIRST_WORD + 6), SEP]
    tokenizer = head_tail(plain)
    again = TextTokenizer(tokenizer.serialize())
    assert list(again.encode([text])) == list(tokenizer.encode([text])) != list(plain.encode([text]))
    assert json.loads(tokenizer.serialize())["truncation"][LONG_TEXTS] == HEAD_TAIL


def test_words_that_are_compiled_otherwise_keep_head_and_tail_too() -> None:
    tokenizer = head_tail(word_level_tokenizer(WORDS, max_length=8))
    (encoded,) = tokenizer.encode([" ".join(WORDS[:30])])
    assert [tokenizer.vocabulary[index] for index in encoded.ids] == [*WORDS[:2], *WORDS[24:30]]


def test_a_rule_of_a_later_version_is_refused_in_words() -> None:
    content = json.loads(framed(8).serialize())
    content["truncation"][LONG_TEXTS] = "middle"
    with pytest.raises(ArtifactFormatError, match=r"rule 'middle', and this version knows 'head-tail'; update"):
        TextTokenizer(json.dumps(content))
