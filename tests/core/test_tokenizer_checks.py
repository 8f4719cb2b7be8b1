"""A tokenizer whose time or memory explodes with a text is refused when it is loaded."""

from __future__ import annotations

import pytest
from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import WordLevel, WordPiece

from textwright.core import tokenizer_checks
from textwright.core.tokenizer import TextTokenizer, train_characters, train_word_level
from textwright.errors import ArtifactFormatError, BackendError

VOCABULARY = {"[PAD]": 0, "[UNK]": 1, "a": 2}


def serialized(normalizer=None, pre_tokenizer=None, model=None):
    tokenizer = Tokenizer(model or WordLevel(VOCABULARY, unk_token="[UNK]"))
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    if pre_tokenizer is not None:
        tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.enable_truncation(16)
    tokenizer.enable_padding(pad_id=0, pad_token="[PAD]")
    return tokenizer.to_str()


def split(pattern):
    return pre_tokenizers.Split(Regex(pattern), behavior="isolated")


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"(?:a|aa)+$", r"a*a*a*[bc]"])
def test_a_regular_expression_that_backtracks_without_end_is_refused(pattern, monkeypatch):
    monkeypatch.setattr(tokenizer_checks, "MAX_PROBE_SECONDS", 2.0)
    with pytest.raises(ArtifactFormatError, match=r"texts of .*equal characters, with the regular expressions"):
        TextTokenizer(serialized(pre_tokenizer=split(pattern)))


@pytest.mark.parametrize("pattern", [r"\w+|[^\w\s]", r"\s*[\r\n]+|\s+(?!\S)|\s+", r"\p{N}{1,3}| ?[^\s\p{N}]+[\r\n]*"])
def test_regular_expressions_in_use_are_accepted(pattern):
    assert TextTokenizer(serialized(pre_tokenizer=split(pattern))).max_length == 16


@pytest.mark.parametrize(
    ("normalizer", "message"),
    [
        (normalizers.Sequence([normalizers.Replace("a", "aa")] * 40), "lengthen a text 1,099,511,627,776 times"),
        (normalizers.Prepend("a" * 5_000), "lengthen a text 5,000 times"),
        (normalizers.Sequence([normalizers.Lowercase()] * 64), "has 65 normalizers and pre-tokenizers; at most 64"),
    ],
)
def test_normalizers_that_lengthen_texts_or_never_end_are_refused(normalizer, message):
    with pytest.raises(ArtifactFormatError, match=message):
        TextTokenizer(serialized(normalizer))


def test_word_pieces_of_endless_words_are_refused():
    model = WordPiece(VOCABULARY, unk_token="[UNK]", max_input_chars_per_word=10**9)
    with pytest.raises(ArtifactFormatError, match="words of up to 1,000,000,000 characters"):
        TextTokenizer(serialized(model=model))


def test_tokenizers_made_here_need_no_trial(monkeypatch):
    monkeypatch.setattr(tokenizer_checks, "_try_patterns", lambda *_: pytest.fail("tried"))
    train_word_level(["a good film"], vocab_size=9, min_frequency=1, max_length=8)
    train_characters(["a good film"], vocab_size=99, max_length=8)


def test_a_failure_inside_of_the_library_is_an_error_of_ours(monkeypatch, capfd):
    monkeypatch.setattr(tokenizer_checks, "_try_patterns", lambda *_: None)
    tokenizer = TextTokenizer(serialized(pre_tokenizer=split(r"(a+)+$")))
    with pytest.raises(BackendError, match="retry-limit"):
        tokenizer.encode(["a" * 40 + "!"])
    assert "panicked" in capfd.readouterr().err
