from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import torch

from textwright.core.encodings import Encodings
from textwright.core.labels import Labels
from textwright.core.tokenizer import PAD_ID, UNKNOWN_ID
from textwright.errors import DataError, SettingsError
from textwright.models.family import BuildContext, TrainingSplit
from textwright.models.word_vectors import VectorSettings, build_tokenizer, load_table

LABELS = Labels(("no", "yes"))
FILE_WORDS = ["the", "U.S.", "Superb", "film", "superb", "dreadful", "new-york", "dull", "n't"]
TEXTS = ["the film", "the film isn't rare", "film zqx zqx"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "tiny.vec"
    file.write_text("".join(f"{word} {index} -{index}\n" for index, word in enumerate(FILE_WORDS, start=1)))
    return file


def config(path: Path, **settings) -> VectorSettings:
    return VectorSettings(vectors=str(path), **settings)


def context(path: Path, texts: list[str] = TEXTS, **settings) -> BuildContext:
    tokenizer = build_tokenizer(texts, config(path, **settings), 16)
    targets = np.zeros(len(texts), dtype=np.int64)
    return BuildContext(tokenizer, LABELS, TrainingSplit(tokenizer.encode(texts), targets))


def test_the_vocabulary_is_training_words_then_further_words_of_the_vectors(path: Path) -> None:
    # "is" and "rare" have no vector and occur once; "zqx" has none and occurs twice. "U.S." and "new-york" are no
    # tokens by the rule, and "Superb" is the same token as "superb".
    vocabulary = build_tokenizer(TEXTS, config(path), 16).vocabulary
    assert vocabulary == ["[PAD]", "[UNK]", "film", "the", "zqx", "n't", "superb", "dreadful", "dull"]


def test_the_bounds_of_the_vocabulary_hold(path: Path) -> None:
    assert build_tokenizer(TEXTS, config(path, num_further_words=1), 16).vocabulary[-1] == "superb"
    assert "superb" not in build_tokenizer(TEXTS, config(path, num_further_words=0), 16).vocabulary
    assert "rare" in build_tokenizer(TEXTS, config(path, min_frequency=1), 16).vocabulary
    assert build_tokenizer(TEXTS, config(path, vocab_size=4), 16).vocabulary == ["[PAD]", "[UNK]", "film", "the"]


def test_every_id_has_the_vector_of_its_word(path: Path) -> None:
    made = context(path)
    table, _ = load_table(config(path), made)
    ids = {word: index for index, word in enumerate(made.tokenizer.vocabulary)}
    for word in ("film", "the", "n't", "superb", "dreadful"):
        number = FILE_WORDS.index(word) + 1
        assert table[ids[word]].tolist() == [number, -number]
    assert not table[[PAD_ID, UNKNOWN_ID]].any()


def test_decomposed_words_of_the_vectors_are_composed_as_in_texts(tmp_path: Path) -> None:
    file = tmp_path / "french.vec"
    file.write_text("cafe\u0301 1 -1\nE\u0301te\u0301 2 -2\n")
    made = context(file, ["caf\u00e9 caf\u00e9"])
    assert made.tokenizer.vocabulary[2:] == ["caf\u00e9", "\u00e9t\u00e9"]
    table, coverage = load_table(config(file), made)
    assert table[2:].tolist() == [[1, -1], [2, -2]]
    assert coverage.words == 1


def test_characters_of_scripts_without_spaces_have_vectors_of_their_own(tmp_path: Path) -> None:
    file = tmp_path / "chinese.vec"
    file.write_text("\u9910\u5385 1 -1\n\u9910 2 -2\n\u597d 3 -3\n")
    made = context(file, ["\u9910\u5385\u597d \u9910\u5385\u597d"])
    assert set(made.tokenizer.vocabulary[2:]) == {"\u9910", "\u5385", "\u597d"}
    assert load_table(config(file), made)[1].words == pytest.approx(2 / 3)


def test_a_word_without_a_vector_starts_from_a_random_one_of_the_same_spread(path: Path) -> None:
    texts = [" ".join(f"x{index}" for index in range(400))]
    made = context(path, texts, min_frequency=1)
    torch.manual_seed(0)
    table, _ = load_table(config(path), made)
    unknown = table[2:402]
    known = table[402:]
    assert len(unknown.unique(dim=0)) == 400
    torch.testing.assert_close(unknown.std(dim=0), known.std(dim=0), rtol=0.2, atol=0)
    torch.testing.assert_close(unknown.mean(dim=0), known.mean(dim=0), rtol=0.2, atol=0)


def test_the_coverage_counts_words_and_tokens_of_training(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "textwright.models.word_vectors")
    _, coverage = load_table(config(path), context(path))
    assert coverage.words == pytest.approx(3 / 4)  # film, the, n't of film, the, zqx, n't
    assert coverage.tokens == pytest.approx(6 / 10)  # 3 film, 2 the, 1 n't; is, rare and 2 zqx have none
    assert "75.0 % of the training words and 60.0 % of its tokens have a vector" in caplog.text
    assert coverage.metadata == {"words_with_vector": 0.75, "tokens_with_vector": 0.6}


def test_vectors_of_another_language_are_warned_of(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    load_table(config(path), context(path, ["un film rare rare plein de joie de vivre"]))
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_vectors_that_cover_nothing_still_give_a_table(path: Path) -> None:
    table, coverage = load_table(config(path), context(path, ["zqx zqx"], num_further_words=0))
    assert coverage == (0.0, 0.0)
    assert table[2].any()
    assert table.isfinite().all()


def test_texts_without_words_and_broken_files_are_refused(path: Path) -> None:
    with pytest.raises(SettingsError, match="the vocabulary is empty"):
        build_tokenizer(["", " "], config(path), 16)
    path.write_text("the 1 2\nfilm 1\n")
    with pytest.raises(DataError, match=r"tiny.vec, line 2: 1 numbers"):
        build_tokenizer(TEXTS, config(path), 16)


def test_the_training_split_may_be_empty_and_nothing_is_said_of_it(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = context(path)
    empty = BuildContext(made.tokenizer, LABELS)
    assert len(empty.training.encodings) == len(Encodings.of([])) == 0
    assert load_table(config(path), empty)[1] == (0.0, 0.0)
    assert not caplog.records
