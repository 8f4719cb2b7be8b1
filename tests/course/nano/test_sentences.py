import math

import numpy as np
import pytest
import torch
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from nano import sentences

TEXTS = ["a b b c", "c c d", "e a", "d e e e b", "a a c", "f"]
DOCUMENTS = [np.array([ord(word) - ord("a") for word in text.split()]) for text in TEXTS]
TABLE = sentences.counts(DOCUMENTS, 6)


def _reference():
    vectorizer = TfidfVectorizer(token_pattern=r"\S+")
    return vectorizer, vectorizer.fit_transform(TEXTS)


def test_counts_and_idf_are_those_of_scikit_learn():
    vectorizer, _ = _reference()
    np.testing.assert_array_equal(TABLE.toarray()[0], [1, 2, 1, 0, 0, 0])
    np.testing.assert_allclose(sentences.idf(TABLE), vectorizer.idf_)


def test_tf_idf_is_that_of_scikit_learn():
    vectorizer = TfidfVectorizer(token_pattern=r"\S+", sublinear_tf=True)
    theirs = vectorizer.fit_transform(TEXTS)
    np.testing.assert_allclose(sentences.tfidf(TABLE, sentences.idf(TABLE)).toarray(), theirs.toarray())


def test_lsa_is_that_of_scikit_learn_but_for_signs():
    _, weighted = _reference()
    theirs = TruncatedSVD(3, algorithm="arpack").fit(weighted)
    mine = sentences.lsa(weighted, 3)
    np.testing.assert_allclose(np.abs(mine.T), np.abs(theirs.components_), atol=1e-8)
    np.testing.assert_allclose(np.abs(weighted @ mine), np.abs(theirs.transform(weighted)), atol=1e-8)


def test_bm25_is_that_of_a_plain_loop():
    k, b, mean_length = 1.2, 0.75, np.mean([len(document) for document in DOCUMENTS])
    scores = TABLE @ sentences.bm25(TABLE).T
    for query, words in enumerate(DOCUMENTS):
        for row, document in enumerate(DOCUMENTS):
            expected = 0.0
            for word in words:
                count, holders = (document == word).sum(), sum(word in each for each in DOCUMENTS)
                rarity = math.log(1 + (len(DOCUMENTS) - holders + 0.5) / (holders + 0.5))
                damping = k * (1 - b + b * len(document) / mean_length)
                expected += rarity * count * (k + 1) / (count + damping)
            assert scores.toarray()[query, row] == pytest.approx(expected)


def test_means_are_those_of_plain_loops():
    vectors, weights = np.random.default_rng(0).random((6, 4)), np.arange(1.0, 7)
    for document, mean in zip(DOCUMENTS, sentences.means(TABLE, vectors, weights), strict=True):
        np.testing.assert_allclose(mean, np.average(vectors[document], axis=0, weights=weights[document]))


def test_a_document_without_a_word_is_zero():
    table = sentences.counts([np.array([0]), np.array([], dtype=np.int64)], 2)
    np.testing.assert_array_equal(sentences.means(table, np.ones((2, 3)), np.ones(2)), [[1, 1, 1], [0, 0, 0]])


def test_sif_gives_a_word_of_share_a_one_half():
    np.testing.assert_allclose(sentences.sif(np.array([1.0, 999]), smoothing=1e-3), [0.5, 0.001])


def test_the_common_direction_is_gone_and_the_others_stay():
    random = np.random.default_rng(0)
    shared, own = np.array([1.0, 0, 0, 0]), random.normal(size=(50, 4)) * [0, 0.1, 0.1, 0.1]
    vectors = 10 * shared + own
    cleaned = sentences.without(vectors, sentences.common_direction(vectors))
    assert np.abs(cleaned @ shared).max() < 0.1
    np.testing.assert_allclose(cleaned[:, 1:], own[:, 1:], atol=0.05)


def test_the_mean_of_tokens_leaves_padding_out():
    hidden = torch.tensor([[[1.0, 2], [3, 4], [9, 9]]])
    assert sentences.pool_mean(hidden, torch.tensor([[1, 1, 0]])).tolist() == [[2, 3]]
    assert sentences.pool_mean(hidden, torch.tensor([[0, 0, 0]])).tolist() == [[0, 0]]
    assert sentences.pool_cls(hidden).tolist() == [[1, 2]]


def test_the_contrastive_loss_is_that_of_a_plain_loop_and_ln_b_by_chance():
    torch.manual_seed(0)
    u, v = torch.randn(5, 8), torch.randn(5, 8)
    plain = 0.0
    for row in range(5):
        scores = [20 * torch.cosine_similarity(u[row], v[other], dim=0) for other in range(5)]
        plain -= (scores[row] - torch.logsumexp(torch.stack(scores), dim=0)) / 5
    torch.testing.assert_close(sentences.contrastive_loss(u, v), plain)
    assert sentences.contrastive_loss(torch.ones(5, 8), torch.ones(5, 8)).item() == pytest.approx(math.log(5))
    assert sentences.contrastive_loss(u, u).item() < 1e-3


def test_the_pair_classifier_sees_both_vectors_and_their_difference():
    torch.manual_seed(0)
    u, v, labels = torch.randn(5, 6), torch.randn(5, 6), torch.tensor([0, 2, 1, 1, 0])
    model = sentences.PairClassifier(6)
    first, second, third = model.dense.weight.split(6, dim=1)
    log_p = (u @ first.T + v @ second.T + (u - v).abs() @ third.T).log_softmax(dim=1)
    torch.testing.assert_close(model(u, v, labels), -log_p[torch.arange(5), labels].mean())


def test_a_query_finds_its_document_at_a_place():
    documents = np.array([[1.0, 0], [0.8, 0.6], [0, 1]])
    queries = np.array([[2.0, 0.1], [1, 0.1], [0, 0]])
    places = sentences.ranks(sentences.cosines(queries, documents), np.arange(3))
    assert places.tolist() == [1, 2, 3]
    assert sentences.ranks(sentences.cosines(queries[:2], documents), np.array([1, 1])).tolist() == [2, 2]
    assert sentences.mean_reciprocal_rank(places) == pytest.approx((1 + 1 / 2 + 1 / 3) / 3)
