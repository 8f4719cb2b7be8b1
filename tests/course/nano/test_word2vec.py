import numpy as np
import pytest
import torch

from nano import word2vec
from nano.word2vec import Noise, SkipGram


def test_the_gradient_by_hand_is_autograds():
    torch.manual_seed(0)
    model = SkipGram(num_words=9, dim=5)
    torch.nn.init.normal_(model.contexts.weight)
    words = torch.tensor([3, 7, 1, 4])  # the true context, three negatives
    model(torch.tensor([2]), words[:1], words[None, 1:]).sum().backward()
    by_center, by_context = word2vec.gradients(model.centers.weight[2].detach(), model.contexts.weight[words].detach())
    torch.testing.assert_close(model.centers.weight.grad.to_dense()[2], by_center)
    torch.testing.assert_close(model.contexts.weight.grad.to_dense()[words], by_context)


def test_only_words_of_the_batch_get_a_gradient():
    model = SkipGram(num_words=9, dim=5)
    model(torch.tensor([2]), torch.tensor([3]), torch.tensor([[1, 1]])).sum().backward()
    touched = model.contexts.weight.grad.coalesce().indices()[0]
    assert touched.tolist() == [1, 3]


def test_at_the_start_the_loss_is_that_of_fair_coins():
    loss = SkipGram(num_words=9, dim=5)(torch.tensor([2]), torch.tensor([3]), torch.tensor([[1, 4, 5]]))
    torch.testing.assert_close(loss, torch.full((1,), 4 * np.log(2), dtype=torch.float32))


class Widest:
    """Draws the largest window for every center."""

    def integers(self, low, high, size):
        assert low == 1
        return np.full(size, high - 1)


@pytest.mark.parametrize("window", [1, 2, 3, 9])
def test_pairs_are_those_of_two_plain_loops(window):
    document = np.array([4, 0, 6, 6, 2])
    plain = [
        (document[center], document[context])
        for center in range(5)
        for context in range(5)
        if center != context and abs(center - context) <= window
    ]
    assert sorted(map(tuple, word2vec.pairs(document, window, Widest()))) == sorted(plain)


def test_near_words_make_more_pairs_than_far_ones():
    document = np.arange(20_000)
    found = word2vec.pairs(document, 4, np.random.default_rng(0))
    counts = np.bincount(np.abs(found[:, 0] - found[:, 1]), minlength=5)[1:]
    np.testing.assert_allclose(counts / counts[0], [1, 0.75, 0.5, 0.25], atol=0.02)


def test_a_document_of_one_word_has_no_pairs():
    assert word2vec.pairs(np.array([3]), 5, np.random.default_rng(0)).shape == (0, 2)


def test_frequent_words_are_dropped_as_the_paper_says():
    counts = np.array([900_000, 99_990, 10])
    document = np.repeat([0, 1, 2], [20_000, 20_000, 10])
    kept = np.bincount(word2vec.subsample(document, counts, np.random.default_rng(0), threshold=1e-2), minlength=3)
    assert kept[2] == 10
    np.testing.assert_allclose(kept[:2] / 20_000, np.sqrt(1e-2 / np.array([0.9, 0.09999])), atol=0.01)


@pytest.mark.parametrize("power", [0.75, 1.0, 0.0])
def test_noise_is_drawn_by_powers_of_counts(power):
    counts = np.array([1, 16, 81, 256])
    drawn = Noise(counts, power).draw((50_000,), np.random.default_rng(0))
    np.testing.assert_allclose(
        np.bincount(drawn, minlength=4) / 50_000, counts**power / (counts**power).sum(), atol=0.01
    )


def test_batches_repeat_by_seed_and_are_pairs_of_the_text():
    documents = [np.arange(12), np.arange(12, 40), np.arange(3)] * 30
    counts = np.bincount(np.concatenate(documents))
    settings = {"window": 2, "num_negatives": 3, "batch_size": 16, "threshold": 1.0}
    first, again, other = (next(word2vec.batches(documents, counts, **settings, seed=seed)) for seed in (0, 0, 1))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])
    center, context, negatives = first
    assert (center - context).abs().max() <= 2
    assert negatives.shape == (16, 3)


def test_words_of_one_topic_come_to_lie_together():
    random = np.random.default_rng(0)
    documents = [random.integers(0, 5, 30) + 5 * (index % 2) for index in range(200)]  # two topics of five words
    counts = np.bincount(np.concatenate(documents))
    torch.manual_seed(0)
    model = SkipGram(num_words=10, dim=8)
    optimizer = torch.optim.SparseAdam(model.parameters(), lr=0.02)
    stream = word2vec.batches(documents, counts, window=3, num_negatives=3, batch_size=64, threshold=1.0)
    for _, batch in zip(range(200), stream, strict=False):
        optimizer.zero_grad()
        model(*batch).mean().backward()
        optimizer.step()
    unit = torch.nn.functional.normalize(model.centers.weight.detach(), dim=1)
    alike = unit @ unit.T
    within = (alike[:5, :5].sum() - 5) / 20
    assert within > alike[:5, 5:].mean() + 0.5
