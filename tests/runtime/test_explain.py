"""Explaining: sums where the model adds up, falls where it does not, and always about the words as they were sent."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import textwright
from textwright.errors import TextError
from textwright.runtime.explanation import Method

texts = st.lists(st.sampled_from(["good", "bad", "the", "film", "unheard", "\U0001f600", "isn't"]), max_size=20)


@pytest.fixture
def predictor(tiny_artifact):
    return textwright.load(tiny_artifact, num_threads=1)


def contributions(explanation):
    return {word.text: word.contribution for word in explanation.words}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(words=texts)
def test_base_and_contributions_sum_to_the_score_which_is_the_log_odds(predictor, words):
    text = " ".join(words)
    (explanation,) = predictor.explain([text])
    prediction = predictor.predict([text])[0]
    assert explanation.method is Method.EXACT
    assert explanation.label == prediction.label
    added = sum(word.contribution for word in explanation.words)
    assert explanation.base + added == pytest.approx(explanation.score, abs=1e-5)
    odds = prediction.confidence / (1 - prediction.confidence)
    assert explanation.score == pytest.approx(np.log(odds), abs=1e-4)


def test_a_words_contribution_is_its_share_of_the_mean(predictor):
    (explanation,) = predictor.explain(["a good bad great film"])
    assert explanation.label == "positive"
    expected = {"a": 0.0, "good": 4 / 5, "bad": -4 / 5, "great": 6 / 5, "film": 0.0}
    assert contributions(explanation) == pytest.approx(expected, abs=1e-5)


def test_offsets_count_code_points_of_the_text_as_sent(predictor):
    text = "\U0001f600  a  GOOD\u00a0cafe\u0301, is\u2019nt"
    (explanation,) = predictor.explain([text])
    words = [(word.text, text[word.start : word.end]) for word in explanation.words]
    assert [said for said, _ in words] == ["\U0001f600", "a", "GOOD", "cafe\u0301", ",", "is\u2019nt"]
    assert all(said == there for said, there in words)


def test_only_words_that_are_read_are_explained(predictor):
    (explanation,) = predictor.explain(["the " * 15 + "good bad"])
    assert len(explanation.words) == 16
    assert explanation.words[-1].text == "good"


def test_texts_without_words_have_nothing_to_explain(predictor):
    assert [len(item.words) for item in predictor.explain(["", " \n ", "good"])] == [0, 0, 1]
    assert predictor.explain([]) == []


def test_calibration_divides_contributions(make_artifact):
    sharp, soft = (
        textwright.load(make_artifact(name, temperature=temperature)).explain(["good film"])[0]
        for name, temperature in (("sharp", 1.0), ("soft", 4.0))
    )
    assert contributions(soft)["good"] == pytest.approx(contributions(sharp)["good"] / 4)


def test_a_multi_label_score_is_the_log_odds_of_the_label_alone(tiny_multilabel_artifact):
    predictor = textwright.load(tiny_multilabel_artifact)
    (explanation,) = predictor.explain(["song and song story"])
    assert explanation.label == "music"
    assert (explanation.base, explanation.score) == pytest.approx((-1.0, 3.0))
    assert contributions(explanation) == pytest.approx({"song": 2.0, "and": 0.0, "story": 0.0})


def test_the_score_among_several_labels_is_above_the_mean_of_the_others(make_artifact):
    from textwright.core.labels import Labels

    words = {"one": (3.0, 0.0, 0.0), "two": (0.0, 3.0, 0.0)}
    artifact = make_artifact("three", labels=Labels(("a", "b", "c")), words=words, bias=(1.0, 0.0, 0.0))
    (explanation,) = textwright.load(artifact).explain(["one two"])
    assert (explanation.label, explanation.base, explanation.score) == ("a", 1.0, pytest.approx(1.0 + 1.5 - 0.75))
    assert contributions(explanation) == pytest.approx({"one": 1.5, "two": -0.75})


def test_what_is_no_list_of_texts_is_refused(predictor):
    with pytest.raises(TextError, match=r"\[text\]"):
        predictor.explain("good")
    with pytest.raises(TextError, match="text 1"):
        predictor.explain(["good", None])
