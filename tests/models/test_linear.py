"""The linear model: torch, numpy and the exported graph agree, and its weights are scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from model_variants import make_model
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

from textwright.core.encodings import Encodings, pad
from textwright.core.labels import Labels, Task
from textwright.core.ngrams import Alphabet, find_ngrams
from textwright.export.onnx import to_onnx
from textwright.models.family import BuildContext, TrainingSplit
from textwright.models.linear import Features, Linear, LinearConfig, build, build_tokenizer
from textwright.models.ngram_table import NgramTable
from textwright.runtime.session import Session
from textwright.training.linear_features import weigh

TEXTS = ["The film is not good, not a film!", "good good snake_case films", "it's", "", "été 12 été", "好电影 好"]
CHARACTERS = "atfilmgoodéAFÉ 12_.,'好电\N{CYRILLIC SMALL LETTER BE}\N{GRINNING FACE}"
ANY_TEXTS = st.lists(st.text(st.sampled_from(CHARACTERS), max_size=40), min_size=1, max_size=4)


def make_linear(texts: list[str], **settings: object) -> tuple[Linear, Encodings]:
    config = LinearConfig(**settings)
    tokenizer = build_tokenizer(texts, config, 200)
    encodings = tokenizer.encode(texts)
    split = TrainingSplit(encodings, np.arange(len(texts)) % 2)
    return build(config, BuildContext(tokenizer, Labels(("no", "yes"), Task.SINGLE_LABEL), split)), encodings


MODELS = {name: make_model("linear", features=name) for name in ("words", "characters", "both")}
MODELS["cased"] = make_model("linear", casing="cased")
SESSIONS = {name: Session(to_onnx(model.module), num_threads=1) for name, model in MODELS.items()}


@pytest.mark.parametrize("name", MODELS)
@given(texts=ANY_TEXTS)
@settings(max_examples=30)
def test_torch_and_numpy_and_the_graph_agree_on_any_texts_together_or_alone(name: str, texts: list[str]) -> None:
    model = MODELS[name]
    module, encodings = model.module, model.tokenizer.encode(texts)
    expected = weigh(encodings, module.alphabet, module.tfidf) @ module.scores[:-1].numpy() + module.bias.numpy()
    with torch.inference_mode():
        in_torch = module(*map(torch.from_numpy, pad(encodings, 0))).numpy()
    together = SESSIONS[name].infer(*pad(encodings, 0))
    alone = np.concatenate([SESSIONS[name].infer(*pad([item.ids], 0)) for item in encodings])
    for found in (in_torch, together, alone):
        np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("features", "vectorizers"),
    [
        (Features.WORDS, [{"token_pattern": r"\w+", "ngram_range": (1, 2)}]),
        (Features.CHARACTERS, [{"analyzer": "char_wb", "ngram_range": (1, 5)}]),
    ],
)
def test_the_weights_are_those_of_scikit_learn(features: Features, vectorizers: list[dict]) -> None:
    texts = [text for text in TEXTS if text]
    module, encodings = make_linear(texts, features=features)
    ours = weigh(encodings, module.alphabet, module.tfidf)
    theirs = sparse.hstack([TfidfVectorizer(sublinear_tf=True, **each).fit_transform(texts) for each in vectorizers])
    if features is Features.CHARACTERS:  # scikit-learn counts the spaces around words as an n-gram, and we do not
        vectorizer = TfidfVectorizer(sublinear_tf=True, **vectorizers[0]).fit(texts)
        words = [term for term in vectorizer.vocabulary_ if term.strip()]
        theirs = TfidfVectorizer(sublinear_tf=True, vocabulary=words, **vectorizers[0]).fit_transform(texts)
    assert ours.shape == theirs.shape
    np.testing.assert_allclose((ours @ ours.T).toarray(), (theirs @ theirs.T).toarray(), atol=1e-6)


@pytest.mark.parametrize("name", ["words", "both"])
def test_without_case_upper_and_lower_case_are_one(name: str) -> None:
    model = MODELS[name]
    upper, lower = (pad(model.tokenizer.encode([text]), 0) for text in ("GOOD FILM", "good film"))
    assert upper[0].tolist() != lower[0].tolist()
    np.testing.assert_array_equal(SESSIONS[name].infer(*upper), SESSIONS[name].infer(*lower))
    assert not np.allclose(SESSIONS["cased"].infer(*upper), SESSIONS["cased"].infer(*lower))


def test_an_empty_text_has_the_bias_alone() -> None:
    model = MODELS["both"]
    with torch.inference_mode():
        logits = model.module(torch.zeros(1, 3, dtype=torch.int64), torch.zeros(1, 3, dtype=torch.int64))
    np.testing.assert_array_equal(logits[0].numpy(), model.module.bias.numpy())


def test_ngrams_cover_what_they_are_of() -> None:
    tokenizer = build_tokenizer(["ab cd"], LinearConfig(), 20)
    found = find_ngrams(
        tokenizer.encode(["ab cd"]), Alphabet.of(tokenizer.vocabulary, cased=False), words=True, characters=False
    )
    assert list(zip(found.starts.tolist(), found.stops.tolist(), strict=True)) == [(0, 2), (3, 5), (0, 5)]


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_the_table_finds_its_keys_and_no_others(size: int) -> None:
    keys = np.unique(np.random.default_rng(size).integers(0, 2**31 - 1, size))
    keys[0] = 0
    asked = np.concatenate([keys, keys + 1, [2**31 - 1]])
    found = NgramTable(keys)(torch.from_numpy(asked)[None])[0].numpy()
    places = np.searchsorted(keys, asked).clip(max=len(keys) - 1)
    np.testing.assert_array_equal(found, np.where(keys[places] == asked, places, len(keys)))


def test_rare_ngrams_and_more_weights_than_allowed_are_left_out() -> None:
    texts = ["good film", "good story", "bad film", "bad story"] * 3
    every, _ = make_linear(texts, features="words")
    frequent, _ = make_linear(texts, features="words", min_texts=4)
    assert every.metadata["num_word_features"] == 8
    assert frequent.metadata["num_word_features"] == 4
    assert frequent.metadata["num_rare_features"] == 4
    many = [" ".join(f"w{i}x{j}" for j in range(40)) for i in range(40)]
    limited, _ = make_linear(many, features="words", max_weights=1000)
    assert limited.metadata["num_word_features"] == 500


def test_a_model_without_ngrams_still_answers() -> None:
    module, encodings = make_linear(["...", "!!"], features="words")
    assert module(*map(torch.from_numpy, pad(encodings, 0))).shape == (2, 2)
    assert Session(to_onnx(module)).infer(*pad(encodings, 0)).shape == (2, 2)
