"""Every family on every kind of task, from texts to the shipped artifact: one matrix.

A family enters with a row of ``tiny_families.TRAINING`` and what it starts from in ``make_settings``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from slow_params import slow_unless
from tiny_families import ROWS, UNSEEN_BAD, UNSEEN_GOOD

from textwright.core.types import Floats
from textwright.models import FAMILIES
from textwright.runtime.explanation import TextExplanation
from textwright.runtime.loading import load
from textwright.runtime.predictor import Predictor

BAR = {"binary": 0.85, "multi-class": 0.85, "multi-label": 0.6}
"""Share of texts whose labels are all right; chance is 1/2, 1/3 and 1/8."""


OVER_VECTORS = [("bow-glove", "binary"), ("cnn-glove", "binary")]
FAMILY_TASKS = slow_unless(
    lambda it: it[0] in {"linear", "bow"} or it in {*OVER_VECTORS, ("static-bert", "binary"), ("bert", "multi-class")},
    [(family, task) for family in FAMILIES for task in ROWS],
)


@dataclass(frozen=True)
class Trained:
    family: str
    task: str
    accuracy: float
    predictor: Predictor


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the features of tiny encoders out of the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEXTWRIGHT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module", params=FAMILY_TASKS, ids="-".join)
def trained(request: pytest.FixtureRequest, trained_run: Callable[[str, str], tuple[Path, Path]]) -> Trained:
    """Take a small file all the way; the export is refused there if its parity does not hold."""
    family, task = request.param
    run, _ = trained_run(family, task)
    predictor = load(run)
    metrics = predictor.artifact.manifest.variants["fp32"].metrics
    return Trained(family, task, metrics["exact_match" if task == "multi-label" else "accuracy"]["value"], predictor)


def test_it_learns_what_chance_does_not_know(trained: Trained) -> None:
    assert trained.accuracy >= BAR[trained.task]


def test_padding_does_not_change_the_answer(trained: Trained) -> None:
    texts = ["good", "a dull word3 , not a moving one", "word1 " * 30]
    alone = np.concatenate([trained.predictor.logits([text]) for text in texts])
    np.testing.assert_allclose(trained.predictor.logits(texts), alone, rtol=1e-4, atol=1e-4)


def test_an_empty_text_and_unknown_words_have_finite_answers(trained: Trained) -> None:
    predictions = trained.predictor.predict(["", "qzxv", "\N{GRINNING FACE}"])
    assert len(predictions) == 3
    assert np.isfinite(trained.predictor.logits(["", "qzxv"])).all()


@pytest.mark.parametrize("trained", OVER_VECTORS, indirect=True, ids="-".join)
def test_words_that_training_never_saw_are_understood_by_their_vectors(trained: Trained) -> None:
    assert not {*UNSEEN_GOOD, *UNSEEN_BAD} & {word for row in ROWS["binary"]() for word in row["text"].split()}
    logits = trained.predictor.logits([*UNSEEN_GOOD, *UNSEEN_BAD])
    assert logits.argmax(axis=1).tolist() == [1] * len(UNSEEN_GOOD) + [0] * len(UNSEEN_BAD)


def test_bags_are_explained_exactly_and_all_else_by_leaving_words_out(trained: Trained) -> None:
    (explanation,) = trained.predictor.explain(["good word1 , word2 bad topic"])
    assert explanation.method == ("exact" if trained.family in {"linear", "bow", "bow-glove"} else "occlusion")
    if explanation.method == "exact":
        added = sum(word.contribution for word in explanation.words)
        assert explanation.base + added == pytest.approx(explanation.score, abs=1e-3)


def test_removing_the_words_that_say_most_moves_the_probability_more_than_removing_others(trained: Trained) -> None:
    texts = [row["text"] for row in ROWS[trained.task]()[:60]]
    explanations = trained.predictor.explain(texts)
    random = np.random.default_rng(0)
    strongest = [int(np.argmax([word.contribution for word in item.words])) for item in explanations]
    others = [int(random.integers(len(item.words))) for item in explanations]
    before = probabilities(trained, texts, explanations)
    fall, random_fall = (
        np.mean(before - probabilities(trained, without(texts, explanations, removed), explanations))
        for removed in (strongest, others)
    )
    assert fall > 2 * max(random_fall, 0)
    assert fall > 0.05


def without(texts: list[str], explanations: list[TextExplanation], removed: list[int]) -> list[str]:
    words = [item.words[index] for item, index in zip(explanations, removed, strict=True)]
    return [text[: word.start] + text[word.end :] for text, word in zip(texts, words, strict=True)]


def probabilities(trained: Trained, texts: list[str], explanations: list[TextExplanation]) -> Floats:
    """Predict the probability of each explained label."""
    predictions = trained.predictor.predict(texts)
    return np.array([item.probabilities[why.label] for item, why in zip(predictions, explanations, strict=True)])
