"""A cascade predicts what the stage that is named would predict by itself, in the order of the texts."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_words import SUBTLE_WORDS, TOPICS, TOPICS_BIAS, TOPICS_WORDS

import textwright
from textwright.core import artifact as artifacts
from textwright.core.stages import STAGES
from textwright.errors import ArtifactFormatError, BackendError, GoldenMismatchError, TextError
from textwright.runtime.predictor import Predictor

WORDS = ["great", "awful", "good", "bad", "subtle", "loud", "the", "film", "unheard", "caf\u00e9", "\U0001f600"]
TEXTS = st.lists(st.lists(st.sampled_from(WORDS), max_size=20).map(" ".join), max_size=12)
ANY = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)


@pytest.fixture(scope="module")
def cascade(tiny_cascade):
    return textwright.load(tiny_cascade, num_threads=1)


@pytest.fixture(scope="module")
def alone(make_artifact, cascade):
    """Return the two models as they are without each other."""
    fast = make_artifact("tiny-fast", max_length=8)
    strong = make_artifact("tiny-strong", words=SUBTLE_WORDS, temperature=2.0)
    return {"fast": textwright.load(fast, num_threads=1), "strong": textwright.load(strong, num_threads=1)}


def same(found, expected):
    assert (found.label, found.labels, found.truncated) == (expected.label, expected.labels, expected.truncated)
    assert found.probabilities == pytest.approx(expected.probabilities, abs=1e-5)


@ANY
@given(TEXTS)
def test_each_answer_is_that_of_its_stage(cascade, alone, texts):
    found = cascade.predict(texts)
    assert len(found) == len(texts)
    for text, item in zip(texts, found, strict=True):
        by_fast = alone["fast"].predict([text])[0]
        assert item.stage == ("fast" if by_fast.confidence >= 0.9 else "strong")
        same(item, alone[item.stage].predict([text])[0])


@ANY
@given(TEXTS)
def test_company_changes_nothing(cascade, texts):
    together = cascade.predict(texts)
    for text, item in zip(texts, together, strict=True):
        (by_itself,) = cascade.predict([text])
        assert item.stage == by_itself.stage
        same(item, by_itself)


def test_a_cascade_reads_a_generator_once(cascade):
    texts = ["great film", "subtle film", "loud"]
    found = cascade.predict(text for text in texts)
    assert [item.stage for item in found] == [item.stage for item in cascade.predict(texts)]
    assert [item.label for item in cascade.explain(iter(texts))] == [item.label for item in cascade.explain(texts)]
    with pytest.raises(TextError, match="mapping"):
        cascade.predict({"a": "great film"})


def test_a_text_is_cut_where_the_stage_that_answers_cuts_it(cascade):
    texts = ["great " * 9, "the " * 9, "the " * 17]  # the fast stage reads 8 words, the strong one 16
    found = cascade.predict(texts)
    assert [(item.stage, item.truncated) for item in found] == [("fast", True), ("strong", False), ("strong", True)]


def test_many_texts_keep_their_order(cascade):
    texts = [f"{WORDS[place % 6]} {'the ' * (place % 15)}{place}" for place in range(5_000)]
    found = cascade.predict(texts)
    assert {item.stage for item in found} == set(STAGES)
    for place in range(0, 5_000, 97):
        same(found[place], cascade.predict([texts[place]])[0])


def test_a_multi_label_cascade_asks_for_the_least_certain_label(make_cascade):
    topics = {"labels": TOPICS, "words": TOPICS_WORDS, "bias": TOPICS_BIAS}
    path = make_cascade(
        "topics", certainty=0.7, fast=topics, strong={**topics, "temperature": 0.5}, texts=["song", "song song the the"]
    )
    found = textwright.load(path).predict(["song", "song song the the the", "song the the the the the the"])
    assert [(item.stage, item.labels) for item in found] == [
        ("fast", ("music",)),
        ("fast", ("music",)),
        ("strong", ("music",)),
    ]


def test_each_answer_is_explained_by_the_stage_that_made_it(cascade, alone):
    texts = ["great great film", "a subtle film", "", "loud and awful", "awful"]
    found = cascade.explain(texts)
    for text, explanation, item in zip(texts, found, cascade.predict(texts), strict=True):
        (expected,) = alone[item.stage].explain([text])
        assert explanation.label == expected.label == item.label
        assert explanation.score == pytest.approx(expected.score, abs=1e-4)
        assert [word[:3] for word in explanation.words] == [word[:3] for word in expected.words]
        values = [word.contribution for word in explanation.words]
        assert values == pytest.approx([word.contribution for word in expected.words], abs=1e-4)


def test_golden_examples_cover_both_stages(cascade):
    texts = [item.text for item in cascade.artifact.golden()]
    assert {item.stage for item in cascade.predict(texts)} == set(STAGES)


def test_a_cascade_whose_boundary_moved_does_not_load(tiny_cascade, tmp_path):
    found = artifacts.read(tiny_cascade)
    assert found.manifest.fast_stage is not None
    moved = replace(found.manifest, fast_stage=replace(found.manifest.fast_stage, certainty=0.3))
    contents = {name: (found.path / name).read_bytes() for name in found.files}
    with pytest.raises(GoldenMismatchError):
        textwright.load(artifacts.write(tmp_path / "moved", moved, contents).path)


def test_an_older_version_refuses_a_cascade_in_words(tiny_cascade, tiny_artifact):
    versions = [
        json.loads((path / "manifest.json").read_text())["format_version"] for path in (tiny_cascade, tiny_artifact)
    ]
    assert versions == [2, 1]  # version 0.1.0 answers 2 with "upgrade textwright"
    assert "fast_stage" not in json.loads((tiny_artifact / "manifest.json").read_text())


def test_half_a_cascade_is_refused(tiny_cascade, tmp_path):
    found = artifacts.read(tiny_cascade)
    contents = {name: (found.path / name).read_bytes() for name in found.files}
    variants = {name: replace(item, fast="") for name, item in found.manifest.variants.items()}
    with pytest.raises(ArtifactFormatError, match="lacks a graph of a fast stage"):
        artifacts.write(tmp_path / "half", replace(found.manifest, variants=variants), contents)


@pytest.mark.parametrize("wrong", ["one string", ["good", 1], ["\ud800"]])
def test_what_is_no_list_of_texts_is_refused(cascade, wrong):
    for ask in (cascade.predict, cascade.explain):
        with pytest.raises(TextError):
            ask(wrong)


def test_no_texts_give_no_predictions(cascade):
    assert cascade.predict([]) == cascade.explain([]) == []


def test_a_logit_of_the_fast_stage_that_is_not_finite_is_an_error(make_cascade, make_artifact, tiny_cascade):
    broken = Predictor(artifacts.read(tiny_cascade), num_threads=1)
    broken._fast._scale = np.float32(np.nan)
    with pytest.raises(BackendError, match="not finite"):
        broken.predict(["good"])
