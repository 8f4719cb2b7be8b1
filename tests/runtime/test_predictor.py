"""The predictor: the same answer alone and in a batch, in order, through the activation of its task."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_words import TOPICS, TOPICS_BIAS, TOPICS_WORDS

import textwright
from textwright.core import artifact as artifacts
from textwright.errors import ArtifactCorruptError, ArtifactFormatError, GoldenMismatchError, NotFoundError, TextError

texts = st.lists(st.lists(st.sampled_from(["good", "bad", "the", "café", "😀", "film"])).map(" ".join), max_size=40)


def test_it_tells_good_from_bad(tiny_artifact):
    good, bad = textwright.load(tiny_artifact).predict(["a good film", "an awful film"])
    assert (good.label, good.labels, bad.label) == ("positive", ("positive",), "negative")
    assert good.probabilities["positive"] == good.confidence > 0.5
    assert sum(good.probabilities.values()) == pytest.approx(1.0, abs=1e-5)


def test_multi_label_goes_through_sigmoid_and_the_threshold(tiny_multilabel_artifact):
    both, none = textwright.load(tiny_multilabel_artifact).predict(["song and story", "the and the"])
    assert set(both.labels) == {"music", "plot"}
    assert sum(both.probabilities.values()) > 1.2
    assert (none.label, none.labels) == (None, ())


def test_a_threshold_decides_between_two_labels(make_artifact):
    texts = ["a good film", "an awful film", "the"]
    plain = textwright.load(make_artifact()).predict(texts)
    predictor = textwright.load(make_artifact("strict", thresholds={"positive": 0.999}))
    strict = predictor.predict(texts)
    assert [item.label for item in plain] == ["positive", "negative", "negative"]
    assert [item.labels for item in strict] == [("negative",)] * 3
    assert [item.probabilities for item in strict] == [item.probabilities for item in plain]
    assert strict[0].confidence == strict[0].probabilities["negative"] < 0.5
    assert [item.label for item in predictor.explain(texts)] == ["negative"] * 3
    lenient = textwright.load(make_artifact("lenient", thresholds={"positive": 0.5}))
    assert [item.label for item in lenient.predict(texts)] == ["positive", "negative", "positive"]  # a tie of halves


def test_a_model_abstains_where_it_is_not_sure(tiny_artifact, tiny_abstaining_artifact):
    texts = ["good", "good bad", "the awful"]
    plain = textwright.load(tiny_artifact).predict(texts)
    predictor = textwright.load(tiny_abstaining_artifact)
    sure, unsure, _ = said = predictor.predict(texts)
    assert (sure.label, sure.labels) == ("positive", ("positive",))
    assert (unsure.label, unsure.labels, unsure.best_label) == (None, (), plain[1].label)
    assert [item.probabilities for item in said] == [item.probabilities for item in plain]
    assert unsure.confidence == plain[1].confidence == max(unsure.probabilities.values())
    again = pickle.loads(pickle.dumps(predictor))  # noqa: S301
    assert again.predict(texts) == said
    (explanation,) = predictor.explain(["good bad"])
    assert explanation.label == unsure.best_label


def test_each_of_many_labels_has_a_threshold_of_its_own(make_artifact):
    fields = {"labels": TOPICS, "words": TOPICS_WORDS, "bias": TOPICS_BIAS}
    texts = ["song and story", "the and the"]
    music, none = textwright.load(make_artifact("topics", **fields, thresholds={"plot": 0.999})).predict(texts)
    assert (music.label, music.labels) == ("music", ("music",))
    assert none.labels == ()
    some, always = textwright.load(make_artifact("topics", **fields, thresholds={"acting": 0.0})).predict(texts)
    assert set(some.labels) == {"music", "plot", "acting"}
    assert some.labels[-1] == "acting"
    assert (always.label, always.confidence) == ("acting", always.probabilities["acting"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(batch=texts)
def test_a_text_is_answered_the_same_alone_and_in_any_batch(tiny_artifact, batch):
    predictor = textwright.load(tiny_artifact)
    together = predictor.logits(batch)
    assert together.shape == (len(batch), 2)
    for row, text in zip(together, batch, strict=True):
        np.testing.assert_allclose(row, predictor.logits([text])[0], atol=1e-6)


def test_more_texts_than_one_batch_holds_keep_their_order(tiny_artifact):
    predictor = textwright.load(tiny_artifact)
    many = ["good" if index % 3 else "bad " * (index % 11 + 1) for index in range(20_000)]
    labels = [prediction.label for prediction in predictor.predict(many)]
    assert labels == ["positive" if index % 3 else "negative" for index in range(20_000)]


def test_temperature_changes_the_confidence_and_not_the_label(make_artifact):
    sharp, soft = (
        textwright.load(make_artifact(name, temperature=temperature)).predict(["good film"])[0]
        for name, temperature in (("sharp", 1.0), ("soft", 4.0))
    )
    assert sharp.label == soft.label
    assert sharp.confidence > soft.confidence > 0.5


def test_a_text_beyond_the_maximum_length_says_so(tiny_artifact):
    short, long = textwright.load(tiny_artifact).predict(["the " * 16, "the " * 17])
    assert (short.truncated, long.truncated) == (False, True)


def test_awkward_texts_are_answered(tiny_artifact):
    awkward = ["", " ", "\x00", "😀" * 50, "word" * 10_000, "日本語 and English", "\u202e right to left", "\n\r\t"]
    predictions = textwright.load(tiny_artifact).predict(awkward)
    assert all(np.isfinite(list(item.probabilities.values())).all() for item in predictions)
    assert textwright.load(tiny_artifact).predict([]) == []


def test_one_string_instead_of_a_list_is_refused(tiny_artifact):
    with pytest.raises(TextError, match=r"\[text\]"):
        textwright.load(tiny_artifact).predict("a good film")


@pytest.mark.parametrize("call", ["predict", "logits", "explain", "encode"])
def test_every_way_in_takes_any_iterable_once_and_refuses_what_has_no_order_of_texts(tiny_artifact, call):
    predictor = textwright.load(tiny_artifact)
    ask, texts = getattr(predictor, call), ["a good film", "an awful film", ""]
    expected = list(ask(texts))
    for container in (iter(texts), tuple(texts), np.array(texts), dict(enumerate(texts)).values()):
        for answer, other in zip(ask(container), expected, strict=True):
            np.testing.assert_equal(answer, other)
    for bad in ("a good film", b"film", {"a": "film"}, {"film"}, None):
        with pytest.raises(TextError, match="give"):
            ask(bad)
    with pytest.raises(TextError, match="text 1 is missing"):
        ask(["film", float("nan")])


def test_an_unknown_variant_is_refused(tiny_artifact):
    with pytest.raises(NotFoundError, match="fp32"):
        textwright.load(tiny_artifact, variant="int8")


def test_a_golden_example_that_does_not_reproduce_is_refused(tiny_artifact):
    found = artifacts.read(tiny_artifact)
    contents = {name: (tiny_artifact / name).read_bytes() for name in found.files}
    lines = [json.loads(line) for line in contents["golden.jsonl"].splitlines()]
    lines[-1]["logits"][0] += 0.01
    contents["golden.jsonl"] = "\n".join(map(json.dumps, lines)).encode()
    artifacts.write(tiny_artifact, found.manifest, contents)
    with pytest.raises(GoldenMismatchError, match=f"golden example {len(lines)}"):
        textwright.load(tiny_artifact)


def test_a_graph_that_is_no_graph_is_refused(tiny_artifact):
    found = artifacts.read(tiny_artifact)
    contents = {name: (tiny_artifact / name).read_bytes() for name in found.files} | {"model.onnx": b"no graph"}
    artifacts.write(tiny_artifact, found.manifest, contents)
    with pytest.raises(ArtifactFormatError, match="is no ONNX graph"):
        textwright.load(tiny_artifact)


def test_pickling_keeps_the_path_and_refuses_another_artifact_there(tiny_artifact):
    predictor = textwright.load(tiny_artifact, num_threads=1)
    pickled = pickle.dumps(predictor)
    assert len(pickled) < 1_000
    again = pickle.loads(pickled)  # noqa: S301  its own
    assert again.predict(["a good film"]) == predictor.predict(["a good film"])
    found = predictor.artifact
    contents = {name: (tiny_artifact / name).read_bytes() for name in found.files}
    artifacts.write(tiny_artifact, replace(found.manifest, temperature=2.0), contents)
    with pytest.raises(ArtifactCorruptError, match=f"and version {found.version} was pickled"):
        pickle.loads(pickled)  # noqa: S301
