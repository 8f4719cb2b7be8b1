import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from nano import bpe

TEXTS = [
    "low low low low low lower lower newest newest newest newest newest newest widest widest widest",
    "The quick brown fox isn't quick; it's jumping over 13 lazy dogs, they'll say.  Twice   as lazy!",
    "aaaaaaaa aaaa aaa abababab \n\n\t tabs and  spaces \r\n naïve café Ελληνικά 日本語 🙂🙃 ½ Ⅷ ١٢٣",
    "banana bandana ananas banana",
]
AWKWARD = [
    "", " ", "\n", "   lead and trail   ", "don't we've I'D they'Ll", "aaaaaaaaaaaaaaaaa", "unseen wörds ŧħē",
    "🙂👩\u200d👩\u200d👧\u200d", "a\u00a0b\u2003c", "\x00\x01\x7f", "1234 5½ Ⅷ ١٢٣", "e\u0301 vs é",
    "日本語のテキスト", "\u2028line\u2029", "newestlowest wider",
]  # fmt: skip


MERGES = bpe.train(TEXTS, 340).merges


def _reference(num_tokens):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=num_tokens, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(TEXTS, trainer)
    return tokenizer


@pytest.mark.parametrize("num_tokens", [256, 270, 340, 10_000])
def test_it_learns_the_tokens_of_tokenizers_and_encodes_alike(num_tokens):
    mine, theirs = bpe.train(TEXTS, num_tokens), _reference(num_tokens)
    letters = bpe.byte_letters()
    names = ["".join(letters[byte] for byte in token) for token in mine.tokens]
    assert names == [theirs.id_to_token(token) for token in range(theirs.get_vocab_size())]
    for text in [*TEXTS, *AWKWARD]:
        assert mine.encode(text) == theirs.encode(text).ids, text
        assert mine.decode(mine.encode(text)) == text


@given(st.text(), st.integers(256, 340))
def test_any_text_comes_back(text, num_tokens):
    model = bpe.BPE(MERGES[: num_tokens - 256])
    assert model.decode(model.encode(text)) == text


def test_half_a_letter_is_shown_as_such():
    model = bpe.BPE([])
    assert model.decode(model.encode("é")[:1]) == "\ufffd"


def test_pairs_are_merged_from_the_left():
    assert bpe.merge([1, 1, 1], (1, 1), 9) == [9, 1]
    assert bpe.merge([1, 2, 1, 2, 2, 1], (1, 2), 9) == [9, 9, 2, 1]
    assert bpe.merge([], (1, 2), 9) == []


def test_frequent_words_become_one_token():
    model = bpe.train(TEXTS, 300)
    assert len(model.encode(" newest")) == 1
    assert len(model.encode(" xylophone")) > 3
