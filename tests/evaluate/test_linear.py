"""The linear baseline is tuned on the training split, reads text without spaces, and takes any labels."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from tiny_data import make_dataset, make_examples, make_multilabel_examples

from textwright.core.labels import Labels, Task
from textwright.data.dataset import Examples
from textwright.evaluate import linear
from textwright.evaluate.linear import fit_linear
from textwright.evaluate.ngrams import FeatureKinds, NgramMatrices, weigh_without
from textwright.evaluate.predictions import choose_labels

TWO = Labels(("negative", "positive"))


def accuracy(model: linear.LinearModel, examples: Examples) -> float:
    chosen = choose_labels(model.probabilities(examples.texts), model.labels)
    return float(np.mean(chosen == examples.targets))


def test_it_learns_words_and_gives_distributions() -> None:
    dataset = make_dataset()
    model = fit_linear(dataset.train, dataset.labels)
    probabilities = model.probabilities(dataset.test.texts)
    assert accuracy(model, dataset.test) == 1.0
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    assert (model.tuning.num_folds, model.tuning.num_texts) == (5, 240)


def test_equal_examples_give_equal_models() -> None:
    train = make_examples(40, 1)
    first, second = (fit_linear(train, TWO).probabilities(train.texts) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_text_without_spaces_is_read_as_characters() -> None:
    signs = np.array(list("天地玄黄宇宙洪荒日月盈昃辰宿列张"))
    random = np.random.default_rng(0)
    targets = np.arange(80) % 2
    words = ("喜欢", "讨厌")
    texts = ["".join([*random.choice(signs, 4), words[target], *random.choice(signs, 4)]) for target in targets]
    model = fit_linear(Examples(texts[:60], targets[:60]), TWO)
    assert model.tuning.features is not FeatureKinds.WORDS
    assert accuracy(model, Examples(texts[60:], targets[60:])) == 1.0


def test_composed_and_decomposed_accents_are_one() -> None:
    texts = ["café très bon", "thé mauvais"] * 10
    model = fit_linear(Examples(texts, np.arange(20) % 2), TWO)
    decomposed = [unicodedata.normalize("NFD", text) for text in texts]
    np.testing.assert_array_equal(model.probabilities(texts), model.probabilities(decomposed))


def test_a_label_without_examples_has_probability_zero() -> None:
    train = make_examples(40, 1)
    model = fit_linear(train, Labels(("negative", "positive", "never")))
    assert (model.probabilities(["good", "bad"])[:, 2] == 0).all()


@pytest.mark.parametrize("targets", [np.zeros(12, dtype=np.int64), np.eye(12, dtype=np.int64)[0]])
def test_one_label_and_a_label_of_one_text_are_no_error(targets: np.ndarray) -> None:
    train = Examples([f"text number{index} here" for index in range(12)], targets)
    assert fit_linear(train, TWO).probabilities(["text"]).shape == (1, 2)


def test_constant_labels_of_a_multi_label_task_are_no_error() -> None:
    train = make_multilabel_examples(60, 1)
    train.targets[:, 0], train.targets[:, 1] = True, False
    train.targets[3, 2] = True
    labels = Labels(("always", "never", "acting"), Task.MULTI_LABEL)
    chosen = choose_labels(fit_linear(train, labels).probabilities(train.texts), labels)
    assert chosen[:, 0].all()
    assert not chosen[:, 1].any()
    assert (chosen[:, 2] == train.targets[:, 2]).mean() > 0.9


@pytest.mark.parametrize("text", ["", "  ", "!"])
def test_texts_with_nothing_to_count_get_the_shares(text: str) -> None:
    train = Examples([text] * 4, np.array([0, 0, 0, 1]))
    probabilities = fit_linear(train, TWO).probabilities(["anything"])
    assert probabilities.argmax() == 0


def test_large_sources_are_read_in_part_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear, "_MAX_TEXTS", 60)
    train = make_examples(200, 1)
    tuning = fit_linear(train, TWO).tuning
    assert tuning.note.startswith("fitted on 60 of the 200 texts, words only")
    monkeypatch.setattr(linear, "_MAX_CHARACTERS", 300)
    chinese = Examples(["这是一部好电影", "这是一部坏电影"] * 60, np.arange(120) % 2)
    model = fit_linear(chinese, TWO)
    assert model.tuning.features is FeatureKinds.CHARACTERS
    assert "characters only" in model.tuning.note
    assert accuracy(model, chinese) == 1.0


def test_many_texts_hold_one_part_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear, "_FOLDS", {100: 5})
    assert fit_linear(make_examples(200, 1), TWO).tuning.num_folds == 1


def noisy_texts(num_labels: int, task: Task) -> tuple[list[str], np.ndarray]:
    """Texts whose words hint at their labels, seldom enough that the regularization matters."""
    draw = np.random.default_rng(0)
    targets = draw.integers(0, num_labels, 150)
    texts = []
    for target in targets:
        words = [
            f"topic{target if draw.random() < 0.4 else draw.integers(num_labels)}",
            *map(str, draw.integers(0, 60, 6)),
        ]
        texts.append(" ".join(f"word{word}" for word in words))
    return texts, targets if task is Task.SINGLE_LABEL else np.eye(num_labels, dtype=bool)[targets]


@pytest.mark.parametrize("feature_cost", [0, 10**9])
@pytest.mark.parametrize(
    ("num_labels", "task"), [(2, Task.SINGLE_LABEL), (4, Task.SINGLE_LABEL), (3, Task.MULTI_LABEL)]
)
def test_each_strength_is_solved_for(
    monkeypatch: pytest.MonkeyPatch, feature_cost: int, num_labels: int, task: Task
) -> None:
    monkeypatch.setattr(linear, "_FEATURE_COST", feature_cost)
    monkeypatch.setattr(linear, "_SPARSE_COST", feature_cost)
    labels = Labels(tuple(f"label {index}" for index in range(num_labels)), task)
    texts, targets = noisy_texts(num_labels, task)
    counts = NgramMatrices(texts, [FeatureKinds.WORDS], labels).matrices["words"]
    rows = np.arange(len(texts)) % 3 == 0
    learned, held = weigh_without(counts, rows)
    turned = linear._turn({"words": learned}, {})
    assert isinstance(turned.features, np.ndarray) == bool(feature_cost)
    for strength, probabilities in linear._path(turned, targets[~rows], held, labels):
        regression = LogisticRegression(C=strength, tol=1e-10, max_iter=10_000)
        classifier = regression if task is Task.SINGLE_LABEL else OneVsRestClassifier(regression)
        expected = classifier.fit(learned, targets[~rows]).predict_proba(held)
        np.testing.assert_allclose(probabilities, expected, atol=0.02)


def test_the_fitted_model_is_that_of_scikit_learn_on_the_n_grams(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = Labels(("a", "b", "c", "d"))
    train = Examples(*noisy_texts(4, Task.SINGLE_LABEL))
    dense = fit_linear(train, labels)
    monkeypatch.setattr(linear, "_FEATURE_COST", 0)
    monkeypatch.setattr(linear, "_SPARSE_COST", 0)
    sparse = fit_linear(train, labels)
    assert dense.tuning == sparse.tuning
    np.testing.assert_allclose(dense.probabilities(train.texts), sparse.probabilities(train.texts), atol=0.01)
