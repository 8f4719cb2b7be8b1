"""How unlike the training texts a text is, by its tokens alone."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest

from textwright.core.surprisal import Surprisal, cut_surprisals, read_surprisal
from textwright.core.tokenizer import train_characters, word_level_tokenizer
from textwright.errors import ArtifactFormatError

WORDS = ["film", "the", "good", "bad", "cast", "plot"]
TEXTS = ["the film the cast", "the good film", "the bad plot the film"]


def fitted(texts=TEXTS, words=WORDS):
    tokenizer = word_level_tokenizer(words, max_length=16)
    return tokenizer, Surprisal.fit(texts, tokenizer)


def test_the_surprisal_of_words_by_hand():
    tokenizer, surprisal = fitted()
    counts = {"[PAD]": 0, "[UNK]": 0, "film": 3, "the": 5, "good": 1, "bad": 1, "cast": 1, "plot": 1}
    expected = {word: -np.log((count + 1) / (12 + 8)) for word, count in counts.items()}
    np.testing.assert_allclose(surprisal.table, list(expected.values()), rtol=1e-3)
    tokens = [expected[word] for text in TEXTS for word in text.split()]
    assert surprisal.mean == pytest.approx(np.mean(tokens), rel=1e-3)
    assert surprisal.deviation == pytest.approx(np.std(tokens), rel=1e-3)
    wanted = (expected["good"] + expected["[UNK]"] - 2 * np.mean(tokens)) / (np.std(tokens) * np.sqrt(2))
    assert surprisal.of_texts(tokenizer.encode(["good weather"]))[0] == pytest.approx(wanted, rel=1e-2)


def test_unknown_words_are_taken_for_words_that_never_came_however_many_they_were():
    tokenizer, surprisal = fitted([*TEXTS, *["@one @two @three the film"] * 50])
    assert surprisal.table[tokenizer.unknown_id] == surprisal.table.max()


def test_a_text_of_which_no_token_is_known_is_unlike_any():
    tokenizer, surprisal = fitted()
    found = surprisal.of_texts(tokenizer.encode(["", "今天 天气", "the film"]))
    assert np.isposinf(found[:2]).all()
    assert np.isfinite(found[2])


def test_a_text_weighs_more_the_longer_it_is_unlike():
    tokenizer, surprisal = fitted()
    short, long = surprisal.of_texts(tokenizer.encode(["plot snow", " ".join(["plot snow"] * 4)]))
    assert long == pytest.approx(2 * short)


def test_a_text_has_the_same_surprisal_in_any_company():
    generator = np.random.default_rng(3)
    texts = [" ".join(generator.choice([*WORDS, "snow"], number % 9)) for number in range(40)]
    texts += ["a", "go", "bad", "film", "plots"]  # alone they have fewer characters than an n-gram
    words, characters = (
        word_level_tokenizer(WORDS, max_length=99),
        train_characters(texts, vocab_size=99, max_length=99),
    )
    for tokenizer in (words, characters):
        surprisal = Surprisal.fit(texts, tokenizer)
        alone = [surprisal.of_texts(tokenizer.encode([text]))[0] for text in texts]
        np.testing.assert_allclose(surprisal.of_texts(tokenizer.encode(texts)), alone)
        assert np.isfinite(alone).sum() > 30


@pytest.mark.parametrize(("first", "size", "order"), [("a", 26, 5), ("\u4e00", 3_000, 2)])
def test_of_an_alphabet_characters_are_looked_at_in_their_order(first, size, order):
    characters = [chr(ord(first) + number) for number in range(size)]
    texts = ["".join(characters[start : start + 9]) for start in range(0, size - 9, 3)]
    tokenizer = train_characters(texts, vocab_size=10_000, max_length=99)
    surprisal = Surprisal.fit(texts, tokenizer)
    assert surprisal.order == order
    known, turned = surprisal.of_texts(tokenizer.encode([texts[1], texts[1][::-1]]))
    assert turned > known + 1


def test_what_is_written_is_read():
    tokenizer, surprisal = fitted()
    facts = surprisal.facts(2.5, 0.01)
    again = read_surprisal(surprisal.to_bytes(), facts, tokenizer)
    encoded = tokenizer.encode(["the good plot", "snow"])
    np.testing.assert_array_equal(again.of_texts(encoded), surprisal.of_texts(encoded))
    assert facts["max_surprisal"] == 2.5
    assert facts["rate"] == 0.01


def test_tokens_can_be_left_out():
    _, surprisal = fitted()
    table = np.load(io.BytesIO(cut_surprisals(surprisal.to_bytes(), np.array([0, 1, 4]))))
    np.testing.assert_array_equal(table, surprisal.table[[0, 1, 4]])


@pytest.mark.parametrize(
    "changed",
    [{"mean": "0"}, {"deviation": 0.0}, {"order": 3}, {"order": 5}, {"max_surprisal": None}, {"more": 1.0}],
)
def test_facts_of_another_form_are_refused(changed):
    tokenizer, surprisal = fitted()
    facts = surprisal.facts(2.5, 0.01) | changed
    with pytest.raises(ArtifactFormatError, match=r"out_of_distribution|train the model again"):
        read_surprisal(surprisal.to_bytes(), facts, tokenizer)


def test_a_table_of_another_form_is_refused():
    tokenizer, surprisal = fitted()
    pickled = io.BytesIO()
    np.save(pickled, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    short = replace(surprisal, table=surprisal.table[:-1]).to_bytes()
    wide = replace(surprisal, table=surprisal.table.astype(np.float64)).to_bytes()
    for content in (b"", b"no table", surprisal.to_bytes()[:-3], pickled.getvalue(), short, wide):
        with pytest.raises(ArtifactFormatError, match="train the model again"):
            read_surprisal(content, surprisal.facts(1.0, 0.01), tokenizer)
