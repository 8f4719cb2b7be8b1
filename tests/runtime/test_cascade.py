"""A cascade predicts what the stage that is named would predict by itself, in the order of the texts."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_words import SUBTLE_WORDS, TOPICS, TOPICS_BIAS, TOPICS_WORDS

import textwright
from textwright.core import artifact as artifacts
from textwright.core.artifact import Variant
from textwright.errors import BackendError, GoldenMismatchError, TextError
from textwright.runtime.loading import open_predictor
from textwright.runtime.predictor import Predictor
from textwright.runtime.selection import stage_files

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
    assert {item.stage for item in found} == {"fast", "strong"}
    for place in range(0, 5_000, 97):
        same(found[place], cascade.predict([texts[place]])[0])


def test_a_multi_label_cascade_asks_for_the_least_certain_label(make_cascade):
    topics = {"labels": TOPICS, "words": TOPICS_WORDS, "bias": TOPICS_BIAS}
    path = make_cascade(
        "topics",
        min_confidence=0.7,
        fast=topics,
        strong={**topics, "temperature": 0.5},
        texts=["song", "song song the the"],
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
    assert {item.stage for item in cascade.predict(texts)} == {"fast", "strong"}


def contents_of(path):
    found = artifacts.read(path)
    return found.manifest, {name: (found.path / name).read_bytes() for name in found.files}


def test_a_cascade_whose_boundary_moved_does_not_load(tiny_cascade, tmp_path):
    manifest, contents = contents_of(tiny_cascade)
    contents["cascade.json"] = contents["cascade.json"].replace(b'"min_confidence": 0.9', b'"min_confidence": 0.3')
    with pytest.raises(GoldenMismatchError):
        textwright.load(artifacts.write(tmp_path / "moved", manifest, contents).path)


def test_an_older_version_refuses_a_cascade_in_words(tiny_cascade, tiny_artifact):
    versions = [
        json.loads((path / "manifest.json").read_text())["format_version"] for path in (tiny_cascade, tiny_artifact)
    ]
    assert versions == [4, 1]  # version 0.1.0 answers 4 with "upgrade textwright"


def test_encode_gives_the_ids_of_the_first_stage_and_runs_no_model(cascade, alone, monkeypatch):
    def refuse(*_):
        raise AssertionError("encode ran a model")

    monkeypatch.setattr(Predictor, "infer", refuse)
    texts = ["great film", "a subtle film", "", "the " * 9]
    found, expected = cascade.encode(texts), alone["fast"].encode(texts)
    assert type(found) is type(expected)
    np.testing.assert_array_equal(found.ids, expected.ids)
    np.testing.assert_array_equal(found.offsets, expected.offsets)


def test_ids_of_one_stage_are_not_inferred_by_all(cascade):
    with pytest.raises(TypeError, match="stages"):
        cascade.infer(cascade.encode(["great"]))


def test_a_pickled_cascade_predicts_alike(cascade):
    texts = ["great", "a subtle film"]
    again = pickle.loads(pickle.dumps(cascade))  # noqa: S301  our own bytes
    assert type(again) is type(cascade)
    assert again.predict(texts) == cascade.predict(texts)


@pytest.fixture(scope="module")
def three(make_artifact, tmp_path_factory):
    """Three models of which each knows more words than the one before, and the cascade of them."""
    names = {"fast": {"max_length": 8}, "middle": {"words": SUBTLE_WORDS, "temperature": 2.0}, "strong": {}}
    names["strong"] = {"words": {**SUBTLE_WORDS, "film": (0.0, 6.0)}, "temperature": 0.5, "max_length": 32}
    models = {name: textwright.load(make_artifact(f"tiny-{name}", **how), num_threads=1) for name, how in names.items()}
    stages = [
        artifacts.StageArtifact(name, model.artifact, confidence)
        for (name, model), confidence in zip(models.items(), (0.9, 0.8, 0.0), strict=True)
    ]
    variant = Variant("", stages=dict.fromkeys(models, "fp32"))
    manifest = replace(
        models["strong"].artifact.manifest, name="three", family="bow+bow+bow", variants={"fp32": variant}
    )
    contents = {
        **stage_files({name: [model] for name, model in models.items()}, ["great", "film"]),
        "cascade.json": artifacts.stages_bytes(stages, {"curve": []}),
        "golden.jsonl": b"",
        "README.md": b"",
    }
    path = tmp_path_factory.mktemp("three") / "artifact"
    return models, textwright.load(artifacts.write(path, manifest, contents).path, num_threads=1)


@ANY
@given(TEXTS)
def test_of_three_stages_each_answers_what_those_before_it_left(three, texts):
    models, cascade = three
    for text, item in zip(texts, cascade.predict(texts), strict=True):
        first, second = (models[name].predict([text])[0].confidence for name in ("fast", "middle"))
        assert item.stage == ("fast" if first >= 0.9 else "middle" if second >= 0.8 else "strong")
        same(item, models[item.stage].predict([text])[0])


def test_three_stages_all_answer_and_explain(three):
    models, cascade = three
    texts = ["great great", "loud loud subtle loud", "film", "the"]
    found = cascade.predict(texts)
    assert {item.stage for item in found} == {"fast", "middle", "strong"}
    for text, explanation, item in zip(texts, cascade.explain(texts), found, strict=True):
        (expected,) = models[item.stage].explain([text])
        assert explanation.label == expected.label
        assert explanation.score == pytest.approx(expected.score, abs=1e-4)


@pytest.mark.parametrize("wrong", ["one string", ["good", 1], ["\ud800"]])
def test_what_is_no_list_of_texts_is_refused(cascade, wrong):
    for ask in (cascade.predict, cascade.explain):
        with pytest.raises(TextError):
            ask(wrong)


def test_no_texts_give_no_predictions(cascade):
    assert cascade.predict([]) == cascade.explain([]) == []


def test_a_logit_of_the_fast_stage_that_is_not_finite_is_an_error(tiny_cascade, monkeypatch):
    broken = open_predictor(artifacts.read(tiny_cascade), num_threads=1)
    infer = broken.stages[0].infer
    monkeypatch.setattr(broken.stages[0], "infer", lambda batch: infer(batch) * np.float32(np.nan))
    with pytest.raises(BackendError, match="not finite"):
        broken.predict(["good"])
