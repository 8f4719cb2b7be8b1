import numpy as np
import pytest
import torch

from nano import text
from nano.text import Vocabulary


def test_words_are_letters_digits_and_what_follows_an_apostrophe():
    assert text.words("It's 9 o'clock -- \"Don't\" (Panic)!") == ["it's", "9", "o'clock", "don't", "panic"]


def test_a_vocabulary_is_ordered_by_count_then_by_letters():
    vocabulary = Vocabulary([["b", "a", "c"], ["c", "b", "rare", "c"]], min_count=1)
    assert vocabulary.words == ["c", "b", "a", "rare"]
    assert vocabulary.counts.tolist() == [3, 2, 1, 1]
    assert Vocabulary([["b", "a", "c"], ["c", "b", "rare", "c"]], min_count=2).words == ["c", "b"]


def test_words_left_out_leave_no_gap():
    vocabulary = Vocabulary([["b", "b", "a", "a", "a", "rare"]], min_count=2)
    assert vocabulary.ids(["b", "rare", "unseen", "a"]).tolist() == [1, 0]
    assert vocabulary.ids(["rare"]).dtype == np.int64


def test_rows_are_padded_at_their_end():
    assert text.pad([[4, 5], [6]], value=9).tolist() == [[4, 5], [6, 9]]


def test_windows_are_stretches_of_the_stream_and_reach_both_ends():
    stream = text.windows(torch.arange(6), num_tokens=4, batch_size=50, seed=3)
    (batch,) = next(stream)
    assert batch.shape == (50, 4)
    assert (batch.diff(dim=1) == 1).all()
    assert (batch.min(), batch.max()) == (0, 5)
    assert torch.equal(batch, next(text.windows(torch.arange(6), 4, 50, seed=3))[0])


@pytest.mark.slow
def test_the_corpus_holds_no_text_of_the_test_split():
    import textwright

    texts = text.corpus()
    tested = textwright.load_dataset("movie-reviews").test.texts
    assert 35_000 < len(texts) < 37_000
    groups = textwright.find_duplicates([*tested, *texts]).near
    assert not set(groups[: len(tested)].tolist()) & set(groups[len(tested) :].tolist())
