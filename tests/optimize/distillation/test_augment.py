"""Altered copies are new, of the texts' own words, and the same for the same seed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from textwright.optimize.distillation.augment import augment
from textwright.optimize.distillation.settings import AugmentSettings

TEXTS = [f"w{index} is a film of word{index % 7} and word{index % 5}" for index in range(40)]


@given(
    st.lists(st.text(alphabet="abc \n", max_size=20), max_size=10),
    st.floats(0, 0.9),
    st.floats(0, 0.9),
    st.floats(0, 1),
    st.floats(0, 1),
    st.integers(0, 3),
)
def test_copies_are_new_and_of_the_texts_own_words(texts, drop, swap, cut, splice, num_copies) -> None:
    settings = AugmentSettings(
        num_copies=num_copies, drop_words=drop, swap_words=swap, cut_texts=cut, splice_texts=splice
    )
    copies = augment(texts, settings, seed=1)
    assert len(copies) <= num_copies * len(texts)
    assert len(set(copies)) == len(copies)
    assert not set(texts) & set(copies)
    words = {word for text in texts for word in text.split()}
    assert {word for copy in copies for word in copy.split()} <= words


def test_the_seed_decides() -> None:
    settings = AugmentSettings(num_copies=3)
    assert augment(TEXTS, settings, seed=1) == augment(TEXTS, settings, seed=1) != augment(TEXTS, settings, seed=2)


def test_fewer_copies_are_the_first_of_more() -> None:
    few, many = (augment(TEXTS, AugmentSettings(num_copies=n), seed=1) for n in (1, 3))
    assert many[: len(few)] == few


def test_a_splice_is_a_first_part_and_a_last_part() -> None:
    settings = AugmentSettings(num_copies=5, splice_texts=1.0)
    for copy in augment(TEXTS, settings, seed=1):
        words = copy.split()
        assert any(
            any(text.split()[:cut] == words[:cut] for text in TEXTS)
            and any(text.split()[-len(words[cut:]) :] == words[cut:] for text in TEXTS)
            for cut in range(1, len(words))
        ), copy


def test_a_cut_is_a_short_run() -> None:
    settings = AugmentSettings(num_copies=2, splice_texts=0, cut_texts=1, drop_words=0, swap_words=0)
    for copy in augment(TEXTS, settings, seed=1):
        assert 1 <= len(copy.split()) <= 5
        assert any(f" {copy} " in f" {text} " for text in TEXTS)
