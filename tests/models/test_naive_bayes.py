from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from textwright.models.naive_bayes import RatioEmbedding, log_count_ratios

NUM_IDS = 6
documents = st.lists(
    st.tuples(st.lists(st.integers(0, NUM_IDS - 1), max_size=6), st.lists(st.booleans(), min_size=2, max_size=2)),
    min_size=1,
    max_size=8,
)


def flat(texts: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    positions = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    return np.array([token for text in texts for token in text], dtype=np.int64), positions


def reference(texts: list[list[int]], holds: np.ndarray, smoothing: float) -> np.ndarray:
    """Write the paper's formula out: r = log((p / |p|) / (q / |q|)), with counts of presence."""
    ratios = np.zeros((NUM_IDS, holds.shape[1]))
    for label in range(holds.shape[1]):
        p, q = np.full(NUM_IDS, smoothing), np.full(NUM_IDS, smoothing)
        for text, holding in zip(texts, holds[:, label], strict=True):
            for token in set(text):
                (p if holding else q)[token] += 1
        ratios[:, label] = np.log((p / p.sum()) / (q / q.sum()))
    unseen = [token for token in range(NUM_IDS) if not any(token in text for text in texts)]
    ratios[unseen] = 0
    return ratios


@given(documents, st.floats(0.1, 10))
def test_ratios_are_those_of_the_paper(examples: list[tuple[list[int], list[bool]]], smoothing: float) -> None:
    texts, holds = [text for text, _ in examples], np.array([flags for _, flags in examples])
    found = log_count_ratios(*flat(texts), holds, num_ids=NUM_IDS, smoothing=smoothing)
    np.testing.assert_allclose(found, reference(texts, holds, smoothing), rtol=1e-5, atol=1e-6)


def test_a_word_of_one_label_speaks_for_it_and_against_the_others() -> None:
    texts = [[0, 3], [1, 3], [2, 3], [0, 3], [1, 3], [2, 3]]
    ratios = log_count_ratios(*flat(texts), np.eye(3, dtype=bool)[[0, 1, 2, 0, 1, 2]], num_ids=5)
    assert (np.diag(ratios[:3]) > 0.5).all()
    assert (ratios[:3][~np.eye(3, dtype=bool)] < 0).all()
    assert abs(ratios[3]).max() < 0.5 * ratios[:3].max()  # a word of all texts says little
    assert not ratios[4].any()


def test_no_texts_say_nothing() -> None:
    nothing = np.zeros(0, dtype=np.int64)
    assert not log_count_ratios(nothing, nothing, np.zeros((0, 3), dtype=bool), num_ids=4).any()


def test_a_score_is_the_ratio_times_its_learned_weight() -> None:
    embedding = RatioEmbedding(np.array([[1.0, -2.0], [0.0, 3.0]], dtype=np.float32))
    ids = torch.tensor([[0, 1, 1]])
    torch.testing.assert_close(embedding(ids), embedding.ratios[ids])
    with torch.no_grad():
        embedding.scale.mul_(2)
    torch.testing.assert_close(embedding(ids), 2 * embedding.ratios[ids])
    torch.testing.assert_close(embedding.weight, 2 * embedding.ratios)


def test_a_word_moves_in_proportion_to_its_ratio() -> None:
    embedding = RatioEmbedding(np.array([[1.0], [0.1], [0.0]], dtype=np.float32))
    optimizer = torch.optim.AdamW(embedding.parameters(), lr=0.1, weight_decay=0)
    for _ in range(5):
        embedding(torch.tensor([[0, 1, 2]])).sum().backward()
        optimizer.step()
        optimizer.zero_grad()
    moved = (embedding.weight - embedding.ratios).abs().detach()
    assert moved[0, 0] == pytest.approx(10 * float(moved[1, 0]), rel=1e-3)
    assert moved[2, 0] == 0
