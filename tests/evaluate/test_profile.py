"""The reference profile counts what it says, holds no text, and is refused where it is not one."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from monitored import make_texts, multilabel, with_profile

import textwright
from textwright.core import artifact as artifacts
from textwright.core.artifact import PROFILE
from textwright.core.reference_profile import confidence_bins, length_bins, read_profile, unknown_bins
from textwright.errors import ArtifactFormatError
from textwright.evaluate.predictions import observe
from textwright.evaluate.profile import confidence_of, make_profile


@pytest.fixture
def predictor(tiny_artifact):
    return textwright.load(tiny_artifact, num_threads=1)


def test_a_profile_counts_the_texts(predictor):
    examples = make_texts(200, 0)
    predictions = observe(predictor, examples)
    profile = make_profile(predictor, examples, predictions, split="validation")
    assert profile.num_texts == sum(profile.label_counts) == sum(profile.predicted_counts) == 200
    assert sum(profile.confidences) == sum(profile.lengths) == sum(profile.unknown_rates) == 200
    assert profile.label_counts == [int((examples.targets == 0).sum()), int((examples.targets == 1).sum())]
    negative = predictions.probabilities[examples.targets == 0].mean(axis=0)
    assert np.allclose(profile.mean_probabilities[0], negative, atol=1e-4)
    rows = np.array(profile.calibration)
    assert rows[:, 3].sum() / rows[:, 2].sum() == pytest.approx(predictions.correct.mean())
    assert "story" in " ".join(examples.texts)
    assert sum(profile.unknown_rates[1:]) > 0  # the tiny model does not know the word


def test_confidence_is_that_of_the_predictions(predictor, tiny_multilabel_artifact):
    several = textwright.load(tiny_multilabel_artifact, num_threads=1)
    for model, examples in ((predictor, make_texts(50, 1)), (several, multilabel(50, 1))):
        predictions = observe(model, examples)
        said = [item.confidence for item in model.predict(examples.texts)]
        assert np.allclose(confidence_of(predictions.predicted, predictions.probabilities), said)


def test_a_profile_is_small_and_holds_no_word(predictor, tmp_path):
    path = with_profile(predictor, make_texts(2_000, 0), tmp_path)
    content = (path / PROFILE).read_text()
    assert len(content) < 5_000
    assert not {"good", "film", "story"} & set(content.replace('"', " ").split())
    profile = read_profile(artifacts.read(path))
    assert profile is not None
    assert profile.to_bytes().decode() == content


def test_a_multi_label_profile_has_two_rows(tiny_multilabel_artifact, tmp_path):
    predictor = textwright.load(tiny_multilabel_artifact, num_threads=1)
    profile = read_profile(artifacts.read(with_profile(predictor, multilabel(100, 0), tmp_path)))
    assert np.shape(profile.mean_probabilities) == (2, 3)
    assert profile.mean_probabilities[1][0] > profile.mean_probabilities[0][0]


def test_an_artifact_without_a_profile_is_read(tiny_artifact):
    assert read_profile(artifacts.read(tiny_artifact)) is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"words": [1, 2]}, "words must be a list of 512 whole numbers"),
        ({"confidences": [-1] * 140}, "confidences"),
        ({"mean_probabilities": [[0.5, 0.5]]}, "mean_probabilities must be 2 lists of 2 numbers"),
        ({"calibration": [[1, 2]]}, "calibration"),
        ({"num_texts": 0}, "num_texts"),
        ({"profile_version": 9}, "profile version 9"),
        ({"surplus": 1}, "surplus"),
    ],
)
def test_a_wrong_profile_is_refused_in_words(predictor, tmp_path, changes, message):
    examples = make_texts(50, 0)
    profile = make_profile(predictor, examples, observe(predictor, examples), split="validation")
    content = {**json.loads(profile.to_bytes()), **changes}
    source = predictor.artifact
    files = {**source.contents(), PROFILE: json.dumps(content).encode()}
    written = artifacts.write(tmp_path / "artifact", replace(source.manifest), files)
    with pytest.raises(ArtifactFormatError, match=message):
        read_profile(written)


def test_bins_rise_with_their_values_and_stay_inside():
    assert confidence_bins(np.array([0.0, 0.5, 0.99, 0.999, 1.0])).tolist() == [0, 70, 115, 139, 139]
    assert length_bins(np.array([0, 1, 2, 20, 10**9])).tolist() == [0, 8, 13, 35, 160]
    assert unknown_bins(np.array([0.0, 0.001, 0.02, 1.0])).tolist() == [0, 1, 1, 50]
