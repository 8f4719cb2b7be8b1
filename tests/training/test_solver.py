"""Fitting a linear model: scikit-learn's minimum, and data of every awkward shape."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from tiny_data import make_dataset, make_multilabel_examples

from textwright.core.callbacks import Callback
from textwright.core.labels import Labels, Task
from textwright.data.dataset import Examples
from textwright.models.family import BuildContext, TrainingSplit
from textwright.models.linear import LinearConfig, build, build_tokenizer
from textwright.training.batches import encode_examples
from textwright.training.calibrate import fit_temperature
from textwright.training.checkpoint import NoCheckpoints
from textwright.training.linear_features import weigh
from textwright.training.logistic import solve
from textwright.training.settings import TrainSettings
from textwright.training.solver import LinearLearner

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("as_sparse", [False, True])
@pytest.mark.parametrize("num_labels", [2, 4])
def test_the_minimum_is_the_one_of_scikit_learn(num_labels: int, *, as_sparse: bool) -> None:
    features = RANDOM.normal(size=(80, 6))
    targets = (features[:, :num_labels] + RANDOM.normal(size=(80, num_labels))).argmax(axis=1)
    expected = LogisticRegression(C=3.0, tol=1e-8, max_iter=1000).fit(features, targets)
    columns = (targets[:, None] == np.arange(num_labels))[:, 1 if num_labels == 2 else 0 :].astype(float)
    matrix = sparse.csr_matrix(features) if as_sparse else features
    found = solve(matrix, columns, 3.0, exclusive=num_labels > 2, tolerance=1e-8)
    np.testing.assert_allclose(found.scores.T, expected.coef_, atol=1e-3)
    np.testing.assert_allclose(
        found.bias - found.bias.mean(), expected.intercept_ - expected.intercept_.mean(), atol=1e-3
    )


def fit(
    train: Examples, validation: Examples, labels: Labels, class_weight: str = "none", **settings: object
) -> tuple[LinearLearner, float]:
    """Fit a model; return what learned it and its accuracy on the validation split."""
    config = LinearConfig(**settings)
    tokenizer = build_tokenizer(train.texts, config, 1000)
    encoded = encode_examples(train, tokenizer)
    module = build(config, BuildContext(tokenizer, labels, TrainingSplit(encoded.encodings, encoded.targets)))
    training = TrainSettings(family="linear", class_weight=class_weight)
    learner = LinearLearner(module, encoded, encode_examples(validation, tokenizer), training)
    state = learner.fit(labels, NoCheckpoints(), Callback())
    assert np.isfinite(state.history[0].validation_loss)
    assert 0.05 <= fit_temperature(*learner.held_out(labels), labels.task) <= 20
    assert weigh(encoded.encodings, module.alphabet, module.tfidf).shape[1] == len(module.tfidf.keys)
    return learner, state.history[0].validation_accuracy


def test_a_kind_and_a_strength_are_chosen_and_told() -> None:
    dataset = make_dataset()
    learner, accuracy = fit(dataset.train, dataset.validation, dataset.labels)
    assert accuracy >= 0.95
    assert learner.metadata["features"] in {"words", "characters", "both"}
    assert learner.metadata["fold_accuracy"] >= 0.9


@pytest.mark.parametrize("num_labels", [2, 3])
def test_class_weights_are_those_of_scikit_learn(num_labels: int) -> None:
    random, words = np.random.default_rng(0), [f"word{number}" for number in range(30)]
    targets = np.repeat(np.arange(3), [60, 15, 5])
    targets = targets[targets < num_labels]
    texts = [" ".join([*random.choice(words, 6), *random.choice(words[5 * target :], 3)]) for target in targets]
    examples = Examples(texts, targets)
    labels = Labels(("a", "b", "c")[:num_labels], Task.SINGLE_LABEL)
    learner, _ = fit(examples, examples, labels, class_weight="balanced", features="words", strength=3.0)
    module = learner.module
    features = weigh(learner.train.encodings, module.alphabet, module.tfidf)
    expected = LogisticRegression(C=3.0, tol=1e-6, max_iter=1000, class_weight="balanced").fit(features, targets)
    logits = features @ module.scores[:-1].numpy() + module.bias.numpy()
    theirs = expected.decision_function(features)
    ours = logits[:, 1] - logits[:, 0] if num_labels == 2 else logits - logits.mean(axis=1, keepdims=True)
    scale = np.linalg.norm(theirs) / np.linalg.norm(ours)  # the temperature
    np.testing.assert_allclose(scale * ours, theirs, atol=2e-2)
    unweighted = LogisticRegression(C=3.0, max_iter=1000).fit(features, targets).decision_function(features)
    assert np.abs(unweighted - theirs).max() > 0.2


def make_cased_texts(num_texts: int, seed: int) -> Examples:
    """Label texts by whether the only name in them is written with a capital letter."""
    random = np.random.default_rng(seed)
    words, targets = ["we", "saw", "it", "there", "again", "today"], np.arange(num_texts) % 2
    texts = [" ".join(random.permutation([*words, "Apple" if target else "apple"])) for target in targets]
    return Examples(texts, targets)


@pytest.mark.parametrize(("casing", "is_cased"), [("auto", True), ("cased", True), ("uncased", False)])
def test_case_counts_where_it_carries_the_label(casing: str, *, is_cased: bool) -> None:
    labels = Labels(("fruit", "company"), Task.SINGLE_LABEL)
    learner, accuracy = fit(make_cased_texts(60, 0), make_cased_texts(40, 1), labels, casing=casing)
    assert learner.metadata["cased"] == learner.module.alphabet.is_cased == is_cased
    assert (accuracy == 1.0) == is_cased


def test_case_does_not_count_where_it_says_nothing() -> None:
    dataset = make_dataset(200)
    shouted = dataset.train.take(np.arange(len(dataset.train)))
    shouted = Examples([text.upper() if at % 2 else text for at, text in enumerate(shouted.texts)], shouted.targets)
    learner, accuracy = fit(shouted, dataset.validation, dataset.labels, strength=10.0)
    assert not learner.metadata["cased"]
    assert accuracy >= 0.95


def test_what_is_set_is_taken() -> None:
    dataset = make_dataset(100)
    learner, _ = fit(dataset.train, dataset.validation, dataset.labels, features="words", strength=2.5)
    assert (learner.metadata["features"], learner.metadata["strength"]) == ("words", 2.5)


def test_a_label_that_always_or_never_holds_and_texts_without_labels_are_learned_from() -> None:
    train, validation = make_multilabel_examples(120, 1), make_multilabel_examples(60, 2)
    constant = np.column_stack([train.targets, np.ones(120, bool), np.zeros(120, bool)])
    constant[:20] = False
    labels = Labels(("music", "plot", "acting", "text", "nothing"), Task.MULTI_LABEL)
    targets = np.column_stack([validation.targets, np.ones(60, bool), np.zeros(60, bool)])
    _, accuracy = fit(Examples(train.texts, constant), Examples(validation.texts, targets), labels)
    assert accuracy >= 0.5


def test_sixty_labels_of_three_texts_each() -> None:
    names = [f"label{index}" for index in range(60)]
    texts = [f"{name} topic {other}" for other in range(3) for name in names]
    examples = Examples(texts, np.tile(np.arange(60), 3))
    _, accuracy = fit(examples, examples, Labels(tuple(names), Task.SINGLE_LABEL))
    assert accuracy >= 0.95


def test_a_handful_of_texts() -> None:
    examples = Examples(["good", "bad", "good film"], np.array([1, 0, 1]))
    fit(examples, examples, Labels(("no", "yes"), Task.SINGLE_LABEL))


def test_of_a_large_split_candidates_are_of_the_kind_that_was_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("textwright.models.linear._MOST_TEXTS", 300)
    monkeypatch.setattr("textwright.training.solver.FEW_TEXTS", 100)
    monkeypatch.setattr("textwright.training.solver._MOST_TEXTS", 200)
    dataset = make_dataset(400)
    learner, accuracy = fit(dataset.train, dataset.validation, dataset.labels)
    assert learner.metadata["features"] == "words"
    assert accuracy >= 0.95
    logits, targets = learner.held_out(dataset.labels)
    np.testing.assert_array_equal(targets, dataset.validation.targets)
    module, validation = learner.module, learner.validation.encodings
    expected = weigh(validation, module.alphabet, module.tfidf) @ module.scores[:-1].numpy() + module.bias.numpy()
    np.testing.assert_allclose(logits, expected, atol=1e-4)


def test_more_texts_than_folds_are_made_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("textwright.training.solver.FEW_TEXTS", 100)
    monkeypatch.setattr("textwright.training.solver._MOST_TEXTS", 200)
    dataset = make_dataset(400)
    learner, accuracy = fit(dataset.train, dataset.validation, dataset.labels)
    assert accuracy >= 0.95
    assert learner.metadata["fold_accuracy"] >= 0.9
