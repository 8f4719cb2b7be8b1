"""Duplicates are found whatever the script, and nothing else is called one."""

import subprocess
import sys
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from textwright.data.duplicates import NEAR, find_duplicates
from textwright.data.shingles import shingle

SENTENCE = "the film is a long and winding tale of two friends who lose and find each other in the rain"


def test_case_and_white_space_make_no_difference() -> None:
    found = find_duplicates(["A  good\tfilm ", "another one", "a good film", "A GOOD FILM!"])

    assert found.exact.tolist() == [0, 1, 0, 3]
    assert found.near.tolist() == [0, 1, 0, 0]


def test_one_word_replaced_in_twenty_is_near_and_five_are_not() -> None:
    words = SENTENCE.split()
    one = " ".join([*words[:9], "three", *words[10:]])
    five = " ".join(word if n % 4 else f"other{n}" for n, word in enumerate(words))

    assert find_duplicates([SENTENCE, five, one]).near.tolist() == [0, 1, 0]


def test_a_chain_of_near_duplicates_is_one_group() -> None:
    words = [f"word{n}" for n in range(40)]
    chain = [" ".join(words[start : start + 30]) for start in range(5)]  # neighbors are near, the ends are not

    assert set(find_duplicates(chain).near.tolist()) == {0}
    assert find_duplicates([chain[0], chain[-1]]).near.tolist() == [0, 1]


def test_texts_without_words_are_compared_by_their_signs() -> None:
    assert find_duplicates([":)", ":(", "", " ", ":)"]).near.tolist() == [0, 1, 2, 2, 0]


def test_other_scripts_and_emoji_are_words() -> None:
    assert find_duplicates(["東京は夜", "東京は朝", "😀", "😡", "東京は夜 "]).near.tolist() == [0, 1, 2, 3, 0]


def test_zero_bytes_in_a_text_do_not_shift_the_others() -> None:
    assert find_duplicates(["a\0b", "c", "a b", "c"]).exact.tolist() == [0, 1, 0, 1]


def test_no_text_at_all() -> None:
    assert find_duplicates([]).near.tolist() == []


WORDS = st.lists(st.sampled_from(["a", "b", "c", "no", "yes", "été", "the"]), min_size=1, max_size=12).map(" ".join)


def bigrams(text: str) -> set[tuple[str, str]]:
    return set(pairwise(["<", *text.split(), ">"]))


@settings(max_examples=60)
@given(st.lists(WORDS, min_size=1, max_size=25))
def test_groups_hold_only_chains_of_near_texts(texts: list[str]) -> None:
    found = find_duplicates(texts)

    for member, group in enumerate(found.near.tolist()):
        near = [
            other
            for other in np.flatnonzero(found.near == group).tolist()
            if other != member
            and len(bigrams(texts[member]) & bigrams(texts[other]))
            >= NEAR * len(bigrams(texts[member]) | bigrams(texts[other]))
        ]
        assert group == member or near
    equal = {text: [n for n, other in enumerate(texts) if other == text] for text in texts}
    assert all(len({found.exact[n] for n in places}) == 1 for places in equal.values())


@settings(max_examples=60)
@given(st.lists(st.text(max_size=30), min_size=1, max_size=10))
def test_each_text_has_its_own_hashes_whatever_stands_beside_it(texts: list[str]) -> None:
    together = shingle(texts)
    alone = [shingle([text]) for text in texts]

    assert together.whole.tolist() == [item.whole[0] for item in alone]
    assert together.bigrams.tolist() == [value for item in alone for value in item.bigrams.tolist()]


def test_recall_of_near_duplicates_is_as_stated() -> None:
    generator = np.random.default_rng(0)
    words = generator.integers(50_000, size=(1_000, 20))
    changed = words.copy()
    changed[:, 10] += 100_000  # one word of 20: a Jaccard index of 19 / 23
    texts = [" ".join(f"w{word}" for word in row) for row in (*words, *changed)]

    found = find_duplicates(texts).near[1_000:] == np.arange(1_000)

    assert found.mean() > 0.98


def test_groups_do_not_depend_on_the_process() -> None:
    code = "from textwright.data.duplicates import _hash_all; print(_hash_all(['a b c', 'x'])[1].sum())"
    answers = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }

    assert len(answers) == 1
