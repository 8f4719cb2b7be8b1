"""A model that abstains keeps the error rate that was asked for, and what cannot be shown is refused in words."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
from scipy.stats import binomtest

from textwright.core.labels import Labels, Task
from textwright.errors import DataError, SettingsError
from textwright.training.abstention import (
    error_bound,
    fewest_texts,
    fit_abstention,
    fit_max_surprisal,
    refuse_impossible_abstention,
    refuse_impossible_ood_rate,
)
from textwright.training.settings import TrainSettings

BINARY = Labels(("no", "yes"))
NUM_DRAWS = 500


def draw(seed: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw confidences that are right as often as they say: above c, (1 - c) / 2 of the answers are wrong."""
    random = np.random.default_rng(seed)
    confidences = random.uniform(0.5, 1, size)
    return confidences.astype(np.float32), random.random(size) < confidences


@pytest.mark.parametrize(("wrong", "answered"), [(0, 59), (3, 40), (39, 40), (40, 40)])
def test_the_bound_is_the_exact_one(wrong: int, answered: int) -> None:
    exact = binomtest(wrong, answered).proportion_ci(0.9, method="exact").high  # 5 % on each side
    assert error_bound(wrong, answered) == pytest.approx(exact)


def test_the_fewest_texts_are_those_that_can_show_it() -> None:
    for rate in (0.01, 0.05, 0.1, 0.3):
        assert error_bound(0, fewest_texts(rate)) <= rate < error_bound(0, fewest_texts(rate) - 1)


def test_the_error_rate_is_kept_in_at_least_95_of_100_fits() -> None:
    num_above = num_fitted = 0
    for seed in range(NUM_DRAWS):
        try:
            chosen = fit_abstention(*draw(seed, 1_000), 0.1)
        except DataError:
            continue
        num_fitted += 1
        num_above += (1 - chosen.min_confidence) / 2 > 0.1
    assert num_fitted > 0.8 * NUM_DRAWS
    assert num_above <= 0.08 * NUM_DRAWS  # 5 % are allowed, and 8 % of 500 is three standard deviations above


def test_what_is_told_is_what_the_confidence_gives() -> None:
    confidences, is_right = draw(0, 5_000)
    chosen = fit_abstention(confidences, is_right, 0.1)
    answered = confidences >= np.float32(chosen.min_confidence)
    assert (chosen.num_answered, chosen.num_wrong) == (answered.sum(), (~is_right[answered]).sum())
    assert chosen.error_bound == error_bound(chosen.num_wrong, chosen.num_answered) <= 0.1
    assert 0.8 <= chosen.min_confidence < 0.9


def test_a_model_that_is_good_enough_never_abstains() -> None:
    confidences, _ = draw(0, 100)
    chosen = fit_abstention(confidences, np.ones(100, dtype=np.bool_), 0.05)
    assert (chosen.min_confidence, chosen.num_answered) == (0.0, 100)


def test_texts_of_equal_confidence_are_answered_together() -> None:
    confidences = np.repeat(np.array([0.9, 0.6], dtype=np.float32), 100)
    is_right = np.repeat([True, False], 100)
    chosen = fit_abstention(confidences, is_right, 0.05)
    assert (chosen.min_confidence, chosen.num_answered) == (pytest.approx(0.75), 100)


def test_an_error_rate_out_of_reach_is_refused_with_one_that_is_not() -> None:
    confidences, is_right = draw(0, 2_000)  # in all 25 % are wrong, and 6 % of the surest fourth
    with pytest.raises(DataError, match=r"of the 500 validation texts .* Give --max-error-rate 0\.\d+ ") as told:
        fit_abstention(confidences, is_right, 0.02)
    rate = float(str(told.value).partition("--max-error-rate ")[2].split()[0])
    assert fit_abstention(confidences, is_right, rate).error_bound <= rate


@pytest.mark.parametrize(
    ("labels", "fields", "num_texts", "message"),
    [
        (Labels(("a", "b"), Task.MULTI_LABEL), {}, 1_000, "the task is multi-label"),
        (BINARY, {"maximize": "f1"}, 1_000, "a threshold is chosen too"),
        (BINARY, {"precision_at_least": 0.9}, 1_000, "a threshold is chosen too"),
    ],
)
def test_what_does_not_fit_is_refused(labels: Labels, fields: dict[str, object], num_texts: int, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        refuse_impossible_abstention(TrainSettings(max_error_rate=0.05, **fields), labels, num_texts)


def test_too_few_validation_texts_are_refused_with_the_number_that_it_takes() -> None:
    given = TrainSettings(max_error_rate=0.05)
    refuse_impossible_abstention(given, BINARY, 59)
    with pytest.raises(DataError, match=r"58 validation texts cannot .* takes 59 texts .*--max-error-rate 0.051"):
        refuse_impossible_abstention(given, BINARY, 58)
    refuse_impossible_abstention(TrainSettings(max_error_rate=0.051), BINARY, 58)
    refuse_impossible_abstention(TrainSettings(), BINARY, 1)


@pytest.mark.parametrize("rate", [0.01, 0.05, 0.2])
def test_the_share_of_like_texts_that_are_rejected_is_at_most_the_rate_on_average(rate):
    generator = np.random.default_rng(5)
    shares = []
    for _ in range(400):
        bound = fit_max_surprisal(generator.standard_normal(199), rate)
        shares.append(1 - NormalDist().cdf(bound))
    assert np.mean(shares) == pytest.approx(rate, rel=0.15)


def test_a_bound_that_the_texts_cannot_show_is_refused_before_training():
    labels = Labels(("no", "yes"))
    for rate, fewest in ((0.01, 99), (0.05, 19), (0.5, 1)):
        refuse_impossible_ood_rate(TrainSettings(ood_rate=rate), labels, fewest)
        fit_max_surprisal(np.zeros(fewest), rate)
        if fewest > 1:
            with pytest.raises(DataError, match=f"that takes {fewest}.*--ood-rate"):
                refuse_impossible_ood_rate(TrainSettings(ood_rate=rate), labels, fewest - 1)
    with pytest.raises(SettingsError, match="multi-label"):
        refuse_impossible_ood_rate(TrainSettings(ood_rate=0.1), Labels(("a", "b"), Task.MULTI_LABEL), 1_000)


def test_a_validation_split_without_known_words_is_refused():
    with pytest.raises(DataError, match="no token that the model knows"):
        fit_max_surprisal(np.array([0.0] * 90 + [np.inf] * 10), 0.05)
    assert fit_max_surprisal(np.array([0.0] * 90 + [np.inf] * 10), 0.2) == 0.0
