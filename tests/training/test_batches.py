from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_data import make_examples, make_multilabel_examples

from textwright.core.encodings import pad
from textwright.core.tokenizer import train_word_level
from textwright.data.dataset import Examples
from textwright.training import batches
from textwright.training.batches import encode_examples, shuffled_batches, sorted_batches


def build_tokenizer(examples: Examples, max_length: int = 8):
    return train_word_level(examples.texts, vocab_size=100, min_frequency=1, max_length=max_length)


def test_encoding_is_that_of_the_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "_TEXTS_PER_CALL", 7)  # so that 40 texts are several calls, the last one short
    examples = Examples(["", *make_examples(39, 0).texts], np.zeros(40, dtype=np.int64))
    tokenizer = build_tokenizer(examples)
    encoded, expected = encode_examples(examples, tokenizer), tokenizer.encode(examples.texts)
    assert list(encoded.encodings) == list(expected)
    assert encoded.lengths.tolist() == [len(item.ids) for item in expected]
    assert encoded.num_truncated == sum(item.truncated for item in expected) > 0
    assert encoded.encodings.ids.dtype == np.int32  # a million texts of 20 words are 80 MB


def test_no_examples_encode_to_none() -> None:
    tokenizer = build_tokenizer(make_examples(5, 0))
    assert len(encode_examples(Examples([], np.empty(0, dtype=np.int64)), tokenizer)) == 0


def test_a_batch_is_padded_by_the_one_padding() -> None:
    examples = make_examples(20, 0)
    tokenizer = build_tokenizer(examples)
    positions = np.array([3, 0, 17])
    batch = encode_examples(examples, tokenizer).batch(positions)
    expected = pad([tokenizer.encode([examples.texts[i]])[0].ids for i in positions], tokenizer.pad_id)
    for found, wanted in zip(batch.inputs, expected, strict=True):
        np.testing.assert_array_equal(found.numpy(), wanted)
    assert batch.targets.tolist() == examples.targets[positions].tolist()


def test_multilabel_targets_are_zeros_and_ones() -> None:
    examples = make_multilabel_examples(5, 0)
    batch = encode_examples(examples, build_tokenizer(examples)).batch(np.array([1, 4]))
    assert str(batch.targets.dtype) == "torch.float32"
    np.testing.assert_array_equal(batch.targets.numpy(), examples.targets[[1, 4]])


def test_the_digest_sees_texts_order_and_targets() -> None:
    examples = make_examples(20, 0)
    tokenizer = build_tokenizer(examples)
    flipped = Examples(examples.texts, 1 - examples.targets)
    turned = examples.take(np.arange(20)[::-1].copy())
    digests = [encode_examples(item, tokenizer).digest() for item in (examples, examples, flipped, turned)]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3


@given(st.lists(st.integers(0, 50), max_size=300), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_every_example_is_in_one_batch(lengths: list[int], batch_size: int, seed: int) -> None:
    found = shuffled_batches(np.array(lengths, dtype=np.int64), batch_size, seed=seed, epoch=0)
    assert sorted(i for batch in found for i in batch.tolist()) == list(range(len(lengths)))
    assert len(found) == -(-len(lengths) // batch_size)
    assert all(len(batch) <= batch_size for batch in found)


def test_the_order_is_decided_by_seed_and_epoch() -> None:
    lengths = np.arange(100) % 7

    def order(seed: int, epoch: int) -> list[list[int]]:
        return [batch.tolist() for batch in shuffled_batches(lengths, 8, seed=seed, epoch=epoch)]

    assert order(1, 2) == order(1, 2)
    assert order(1, 2) != order(1, 3)
    assert order(1, 2) != order(2, 2)


def test_batches_of_like_length_waste_little_padding() -> None:
    lengths = np.random.default_rng(0).geometric(0.05, 5000)
    padded = sum(len(batch) * lengths[batch].max() for batch in shuffled_batches(lengths, 32, seed=0, epoch=0))
    assert padded < 1.1 * lengths.sum()


def test_sorted_batches_go_from_short_to_long() -> None:
    lengths = np.array([5, 1, 3, 1])
    assert [batch.tolist() for batch in sorted_batches(lengths, 3)] == [[1, 3, 2], [0]]
