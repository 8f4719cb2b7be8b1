import math
from types import SimpleNamespace

import numpy as np
import pytest

from nano import probe
from nano.probe import KneserNey


def test_spearman_is_one_for_equal_orders_and_shares_ranks():
    assert probe.spearman(np.array([1, 2, 3, 10]), np.array([-5, 0, 0.1, 0.2])) == pytest.approx(1)
    assert probe.spearman(np.array([1, 2, 3]), np.array([3, 2, 1])) == pytest.approx(-1)
    # ranks 1, 2.5, 2.5, 4 and 1, 2, 3, 4: 4.5 / sqrt(4.5 * 5)
    assert probe.spearman(np.array([1, 2, 2, 3]), np.array([1, 2, 3, 4])) == pytest.approx(4.5 / math.sqrt(22.5))


def test_agreement_leaves_out_unknown_words_and_has_an_interval():
    angles = np.linspace(0, 1.5, 30)
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    index = {f"w{number}": number for number in range(30)}
    pairs = [("w0", f"w{number}", 10 - number / 3) for number in range(1, 30)] + [("w0", "unseen", 5.0)]
    found = probe.agreement(vectors, index, pairs)
    assert (found.num_pairs, found.rho) == (29, pytest.approx(1))
    shuffled = np.random.default_rng(0).permutation(vectors)
    by_chance = probe.agreement(shuffled, index, pairs)
    assert by_chance.low < by_chance.rho < by_chance.high
    assert by_chance.low < 0 < by_chance.high


def test_analogies_are_answered_by_sums():
    words = ["man", "woman", "king", "queen", "apple"]
    vectors = np.array([[1, 0, 0.0], [1, 1, 0], [1, 0, 1], [1, 1, 1], [-1, 0, 0]])
    index = {word: row for row, word in enumerate(words)}
    questions = [
        ("man", "woman", "king", "queen"),
        ("man", "king", "woman", "apple"),
        ("man", "unseen", "king", "queen"),
    ]
    assert probe.analogies(vectors, index, questions) == 0.5
    # of the unit vectors, man is far from king, and king itself is nearer to b - a + c than any other word
    near = np.array([[1, 0, 0.0], [1, 0.05, 0], [0, 0, 1], [0, 0.7, 0.7], [-1, 0, 0]])
    assert probe.analogies(near, index, questions[:1]) == 1
    assert probe.analogies(near, index, questions[:1], may_repeat=True) == 0


def test_a_row_of_zeros_stays_when_normalized():
    np.testing.assert_allclose(probe.normalized(np.array([[3.0, 4], [0, 0]])), [[0.6, 0.8], [0, 0]])


A, B, C, UNSEEN = range(4)
STREAM = [A, B, C, A, B, A, A, B, C]
"""Trigrams: abc 2, bca 1, cab 1, aba 1, baa 1, aab 1. Words before each pair: ab 2 (c, a), bc 1, ca 1, ba 1, aa 1."""


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_probabilities_sum_to_one_after_any_context(order):
    model = KneserNey(STREAM, num_tokens=4, order=order)
    for context in ([], [A], [A, B], [B, C], [C, C], [UNSEEN], [UNSEEN, A, B], [A, A, B], [A, B, UNSEEN]):
        assert sum(model.probability(context, token) for token in range(4)) == pytest.approx(1)
        assert all(model.probability(context, token) > 0 for token in range(4))


def test_a_trigram_is_that_computed_by_hand():
    model = KneserNey(STREAM, num_tokens=4, order=3, discount=0.5)
    # Kinds of word before the pairs: ab 2, bc 1, ca 1, ba 1, aa 1. Of pairs, before each word: a 3 (c, b, a), b 1, c 1.
    single = (1 - 0.5) / 5 + 0.5 * 3 / 5 / 4  # p(c): 1 of 5 kinds of pair ends in c; 3 kinds of word end one; V = 4
    double = (1 - 0.5) / 2 + 0.5 * 2 / 2 * single  # p(c | b): after b, 2 pairs of 2 kinds, bc and ba
    triple = (2 - 0.5) / 3 + 0.5 * 2 / 3 * double  # p(c | a b): ab occurs 3 times before a word, abc twice, aba once
    assert model.probability([], C) == pytest.approx(single)
    assert model.probability([B], C) == pytest.approx(double)
    assert model.probability([A, B], C) == pytest.approx(triple)
    assert model.probability([C, C, A, B], C) == pytest.approx(triple)


def test_a_word_that_follows_one_word_alone_is_not_expected_elsewhere():
    san, francisco, glass = 0, 1, 2
    stream = [san, francisco] * 20 + [3, glass, 4, glass, 5, glass, 6, glass]
    model = KneserNey(stream, num_tokens=9, order=2)
    assert stream.count(francisco) > stream.count(glass)
    assert model.probability([7], francisco) < model.probability([7], glass)


def test_surprise_adds_up_each_token_after_those_before_it():
    model = KneserNey(STREAM, num_tokens=4)
    by_hand = model.probability([], B) * model.probability([B], C) * model.probability([B, C], A)
    by_hand *= model.probability([C, A], UNSEEN)
    assert model.surprise([B, C, A, UNSEEN]) == pytest.approx(-math.log(by_hand))


def test_measures_of_a_uniform_guess():
    nats = 10 * math.log(32)
    assert probe.perplexity(nats, 10) == pytest.approx(32)
    assert probe.bits_per_byte(nats, "ä" * 5) == pytest.approx(5)


@pytest.mark.slow
def test_the_six_billion_word_vectors_reach_their_known_numbers():
    """Exact, so that a fault in loading or in a measure shows."""
    import textwright

    vectors = textwright.open_vectors("glove-6b-50d")
    words = list(vectors.words())
    table = vectors.take(words).vectors
    index = {word: row for row, word in enumerate(words)}
    assert probe.agreement(table, index, probe.word_pairs("wordsim353")).rho == pytest.approx(0.503, abs=5e-3)
    assert probe.agreement(table, index, probe.word_pairs("simlex999")).rho == pytest.approx(0.265, abs=5e-3)
    top = {word: row for word, row in index.items() if row < 30_000}
    assert probe.analogies(table[:30_000], top, probe.analogy_questions()) == pytest.approx(0.497, abs=5e-3)


def _as_bag(text):
    """A static machine: each word has one vector, that of its letters, and a text has their sum."""
    rows = [np.random.default_rng(list(word.encode())).normal(size=20) for word in text.lower().strip(".").split()]
    return np.sum(rows, axis=0)


def test_a_bag_fails_where_it_must():
    found = probe.four_probes(_as_bag, lambda _: _as_bag("bank"))
    assert (found.order, found.sense, found.unknown) == (True, 0.5, True)  # commas stay on their words here
    bare = probe.four_probes(lambda text: _as_bag(text.replace(",", "")), lambda _: _as_bag("bank"))
    assert (bare.order, bare.marks["order"], bare.marks["sense"], bare.marks["unknown"]) == (False, "✗", "✗", "✓")


def test_a_machine_that_knows_everything_passes_all_probes():
    def of_text(text):
        for number, triple in enumerate(probe.OPPOSITES):
            if text in triple:
                return np.eye(9)[number] * (-1 if text == triple[2] else 1)
        return np.random.default_rng(list(text.encode())).normal(size=9)

    found = probe.four_probes(of_text, lambda text: np.eye(2)[int(text in probe.MONEY_BANKS)])
    assert (found.sense, found.opposites) == (1.0, 8)
    assert set(found.marks.values()) == {"✓"}


def test_a_sense_is_judged_by_the_others_and_not_by_itself():
    sides = np.arange(6) < 3
    alone = np.eye(6)  # no vector is like another: the mean of its own side says nothing once it is left out
    assert probe.nearer_to_own(alone, sides) == 0.5
    assert probe.nearer_to_own(np.eye(2)[sides.astype(int)], sides) == 1.0
    assert probe.nearer_to_own(np.ones((6, 2)), sides) == 0.5


LENGTHS = np.array([1, 3, 2, 4])


def _examples(lengths):
    return SimpleNamespace(texts=["x" * length for length in lengths], targets=lengths % 2)


@pytest.fixture
def draws(monkeypatch):
    """Training texts of two draws, and four to test: a text is its length, its label whether that is odd."""
    calls = []

    def few_labels(num_labels, draw):
        calls.append((num_labels, draw))
        train = _examples(LENGTHS + 4 * draw)
        return SimpleNamespace(train=train, test=_examples(LENGTHS))

    monkeypatch.setattr(probe, "few_labels", few_labels)
    return calls


def test_the_ladder_is_accuracy_over_draws_of_labels(draws):
    def knows_its_own_texts(texts, targets):
        known = dict(zip(texts, targets, strict=True))
        return lambda unseen: np.array([known.get(text, 0) for text in unseen])

    rung = probe.ladder(knows_its_own_texts, num_labels=4, num_draws=2)
    assert draws == [(4, 0), (4, 1)]
    assert rung.by_draw == (1.0, 0.5)  # the second draw knows none of them and says 0
    assert (rung.mean, rung.deviation) == (0.75, pytest.approx(math.sqrt(0.125)))
    assert rung.num_right.tolist() == [1, 1, 2, 2]
    first = probe.ladder(knows_its_own_texts, num_labels=4, num_draws=1, num_tests=3)
    assert (first.by_draw, first.deviation, len(first.num_right)) == ((1.0,), 0.0, 3)


@pytest.mark.parametrize("unit", [1, 1e6])
def test_features_are_scaled_before_the_regression(unit):
    random = np.random.default_rng(0)
    targets = np.arange(60) % 2
    rows = {
        f"text {row}": [unit * (target + 0.1 * random.normal()), random.normal()] for row, target in enumerate(targets)
    }
    texts = list(rows)
    predict = probe.on_features(lambda texts: np.array([rows[text] for text in texts]))(texts[:40], targets[:40])
    assert (predict(texts[40:]) == targets[40:]).all()


def test_tf_idf_reads_pairs_of_words():
    texts = ["good not bad", "bad not good"] * 20
    predict = probe.on_tfidf(texts, np.array([1, 0] * 20))
    assert predict(["good not bad", "bad not good"]).tolist() == [1, 0]


@pytest.mark.slow
def test_each_draw_has_other_texts_and_the_same_test_split():
    first, second = (probe.few_labels(500, draw) for draw in (0, 1))
    assert len(first.train) == len(second.train) == 500
    assert set(first.train.texts) != set(second.train.texts)
    assert list(first.test.texts) == list(second.test.texts)
    assert not set(first.train.texts) & set(first.test.texts)
