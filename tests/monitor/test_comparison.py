"""Tests and estimates: quiet where nothing has changed, right about what was changed on purpose."""

from __future__ import annotations

import numpy as np
import pytest
from monitored import make_texts, multilabel

import textwright
from textwright.evaluate.predictions import observe
from textwright.evaluate.profile import make_profile
from textwright.monitor.drift_tests import DriftTest, compare_distributions, decide, p_in_words, tell_apart
from textwright.monitor.expected_accuracy import reference_accuracy
from textwright.monitor.label_shift import estimate_label_shares
from textwright.monitor.monitoring import compare
from textwright.monitor.sample import Sample
from textwright.monitor.settings import MonitorSettings
from textwright.runtime.text_facts import describe_texts

SETTINGS = MonitorSettings()


@pytest.fixture
def predictor(make_artifact):
    """A model whose confidence is about right, as after training: correcting for label shift asks for that."""
    return textwright.load(make_artifact("calibrated", temperature=0.3), num_threads=1)


@pytest.fixture
def profile(predictor):
    examples = make_texts(1_000, 0)
    return make_profile(predictor, examples, observe(predictor, examples), split="validation")


def sample_of(predictor, examples):
    predictions = observe(predictor, examples)
    facts = describe_texts(predictor, examples.texts)
    return Sample.of_predictions(predictions, facts, np.arange(len(examples))), predictions


def alarms_of(comparison):
    return [test.name for test in comparison.tests if test.is_alarm]


def test_the_same_kind_of_texts_raises_no_alarm(predictor, profile):
    """Nor is any p-value small more often than it may be, with room for chance among 12 draws."""
    tests = [compare_distributions(profile, sample_of(predictor, make_texts(200, seed))[0]) for seed in range(1, 13)]
    assert not any(it.is_alarm for row in tests for it in decide(row, alarm_level=0.01, min_effect=0.05))
    p_values = np.array([[it.p_value for it in row] for row in tests])
    assert ((p_values < 0.05).mean(axis=0) <= 0.25).all()


def test_other_words_are_an_alarm_by_their_words(predictor, profile):
    other = make_texts(300, 1, fillers=("delivery", "battery", "the", "screen", "broke"))
    names = alarms_of(compare(profile, sample_of(predictor, other)[0], SETTINGS))
    assert {"words", "unknown"} <= set(names)
    assert "labels" not in names


def test_a_label_shift_is_estimated_and_alarms(predictor, profile):
    sample, predictions = sample_of(predictor, make_texts(500, 3, share_positive=0.8))
    comparison = compare(profile, sample, SETTINGS)
    assert "labels" in alarms_of(comparison)
    share = comparison.shares.interval(1)
    true = float(predictions.targets.mean())
    assert share.value == pytest.approx(true, abs=0.08)
    assert share.low <= true <= share.high
    assert share.high - share.low < 0.2
    accuracy = comparison.shifted_accuracy
    assert accuracy.low <= predictions.correct.mean() <= accuracy.high
    assert accuracy.value == pytest.approx(predictions.correct.mean(), abs=0.06)


def test_shares_are_shares_at_the_edge(predictor, profile):
    sample, _ = sample_of(predictor, make_texts(300, 3, share_positive=1.0))
    shares = estimate_label_shares(profile, sample)
    assert shares.estimated.sum() == pytest.approx(1)
    assert (shares.estimated >= 0).all()
    assert shares.estimated[1] > 0.9


def test_several_labels_each_have_a_share_of_their_own(tiny_multilabel_artifact):
    predictor = textwright.load(tiny_multilabel_artifact, num_threads=1)
    reference = multilabel(500, 0)
    profile = make_profile(predictor, reference, observe(predictor, reference), split="validation")
    sample, predictions = sample_of(predictor, multilabel(400, 1))
    comparison = compare(profile, sample, SETTINGS)
    assert alarms_of(comparison) == []
    assert np.allclose(comparison.shares.estimated, predictions.targets.mean(axis=0), atol=0.1)
    right = (predictions.predicted == predictions.targets).mean()
    assert comparison.accuracy.value == pytest.approx(right, abs=0.15)
    assert 0 <= comparison.shifted_accuracy.low <= comparison.shifted_accuracy.high <= 1
    assert reference_accuracy(profile) == pytest.approx(
        (observe(predictor, reference).predicted == reference.targets).mean()
    )


def test_one_text_and_a_constant_model_are_compared_too(predictor, profile):
    examples = make_texts(1, 0)
    comparison = compare(profile, sample_of(predictor, examples)[0], SETTINGS)
    assert alarms_of(comparison) == []
    assert comparison.shares.interval(1).low <= comparison.shares.interval(1).high


def test_a_small_difference_among_many_texts_is_no_alarm():
    tests = decide([DriftTest("labels", 0.02, 1e-9)], alarm_level=0.01, min_effect=0.05)
    assert not tests[0].is_alarm
    assert decide([DriftTest("labels", 0.06, 1e-9)], alarm_level=0.01, min_effect=0.05)[0].is_alarm


def test_holm_corrects_for_the_number_of_tests():
    tests = decide([DriftTest("labels", 1, 0.004), *(DriftTest("length", 1, 1.0),) * 4], alarm_level=0.01, min_effect=0)
    assert tests[0].adjusted_p_value == pytest.approx(0.02)
    assert not tests[0].is_alarm


def test_a_domain_classifier_tells_other_texts_and_not_the_same():
    words = ("the", "film", "story", "scene", "plot", "cast", "script")
    reference, same = (make_texts(60, seed, fillers=words).texts for seed in (0, 1))
    other = make_texts(60, 2, fillers=("delivery", "battery", "screen", "the")).texts
    assert tell_apart(reference, other).p_value < 1e-6
    assert tell_apart(reference, same).p_value > 0.001
    assert tell_apart(reference, ["one text"] * 500) is None  # a repeated text is one text


def test_p_values_are_written_short():
    assert [p_in_words(value) for value in (0.031234, 1e-9, 0.0)] == ["0.031", "1e-09", "<1e-15"]
