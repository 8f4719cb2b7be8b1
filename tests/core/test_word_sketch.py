"""Sketches of words are the same everywhere, and hold no word."""

from __future__ import annotations

import subprocess
import sys

from textwright.core.word_sketch import NUM_BUCKETS, count_buckets, sketch_words


def test_a_text_has_the_buckets_of_its_words_once():
    one, other, none, foreign = sketch_words(["a good film", "Good good FILM, a", "", "良い映画"])
    assert set(one.tolist()) < set(other.tolist())  # and the comma's
    assert other.tolist() == sorted(set(other.tolist()))
    assert none.tolist() == []
    assert len(foreign) == 4  # a script without spaces is cut into characters
    assert all(0 <= bucket < NUM_BUCKETS for bucket in [*other.tolist(), *foreign.tolist()])


def test_another_process_finds_the_same_buckets():
    program = "from textwright.core.word_sketch import sketch_words; print(sketch_words(['a good film'])[0].tolist())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(sketch_words(["a good film"])[0].tolist())


def test_only_the_start_of_a_long_text_is_read():
    assert sketch_words(["a " * 3_000 + "film"])[0].tolist() == sketch_words(["a"])[0].tolist()


def test_buckets_are_counted_by_texts():
    counts = count_buckets(sketch_words(["good good", "good", "film"]))
    assert sorted(count for count in counts if count) == [1, 2]
    assert len(counts) == NUM_BUCKETS
    assert sum(count_buckets([])) == 0
