from __future__ import annotations

from itertools import pairwise, permutations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from textwright.core.encodings import pad
from textwright.core.labels import Labels, Task
from textwright.core.tokenizer import PAD_ID, UNKNOWN_ID, word_level_tokenizer
from textwright.data.dataset import Examples
from textwright.errors import SettingsError
from textwright.models.bag_of_words import BagOfWords
from textwright.models.bow import FAMILY, BowConfig, build, build_tokenizer
from textwright.models.family import BuildContext, TrainingSplit

LABELS = Labels(("no", "yes", "perhaps"))
CONFIGS = {
    "unigrams": BowConfig(embedding_dim=8),
    "bigrams": BowConfig(embedding_dim=8, num_bigram_buckets=97),
    "deep": BowConfig(embedding_dim=8, hidden_dim=5, num_bigram_buckets=97),
    "mean": BowConfig(embedding_dim=8, num_bigram_buckets=97, pooling="mean"),
    "as wide as the vectors": BowConfig(embedding_dim=8, hidden_dim=8),
    "ratios": BowConfig(num_bigram_buckets=97, naive_bayes=True),
}
ids = st.lists(st.integers(1, 21), max_size=12)


def make_model(name: str, seed: int = 0) -> BagOfWords:
    torch.manual_seed(seed)
    tokenizer = word_level_tokenizer([f"w{index}" for index in range(20)], max_length=64)
    texts = [" ".join(f"w{index}" for index in range(start, 20, 3)) for start in range(3)]
    training = TrainingSplit(tokenizer.encode(texts), np.arange(3))
    model = build(CONFIGS[name], BuildContext(tokenizer, LABELS, training)).eval()
    if isinstance(model.bigrams, nn.Embedding):
        nn.init.normal_(model.bigrams.weight)  # as after training; they start from zeros
    return model


def run(model: nn.Module, batch: list[list[int]]) -> torch.Tensor:
    with torch.inference_mode():
        return model(*map(torch.from_numpy, pad(batch, PAD_ID)))


def reference(model: BagOfWords, tokens: list[int]) -> torch.Tensor:
    """The pooling written out: one vector per word, and one per pair."""
    vectors = [model.words.weight[token] for token in tokens]
    if model.bigrams is not None:
        hashed = [(a * 1_000_003 + b) % model.bigrams.num_embeddings for a, b in pairwise(tokens)]
        vectors += [model.bigrams.weight[bucket] for bucket in hashed]
    divisor = len(vectors) if model.pooling == "mean" else len(vectors) ** 0.5
    return model.head(torch.stack(vectors).sum(dim=0) / divisor)


@pytest.mark.parametrize("name", CONFIGS)
@given(tokens=ids.filter(bool))
@settings(max_examples=20)
def test_logits_are_the_head_of_the_pooled_vectors(name: str, tokens: list[int]) -> None:
    model = make_model(name)
    torch.testing.assert_close(run(model, [tokens])[0], reference(model, tokens), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", CONFIGS)
@given(tokens=ids, other=st.lists(st.integers(1, 21), min_size=12, max_size=40))
@settings(max_examples=20)
def test_padding_does_not_change_the_answer(name: str, tokens: list[int], other: list[int]) -> None:
    model = make_model(name)
    torch.testing.assert_close(run(model, [tokens, other])[0], run(model, [tokens])[0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", CONFIGS)
def test_an_empty_text_has_the_logits_of_the_head_alone(name: str) -> None:
    model = make_model(name)
    torch.testing.assert_close(run(model, [[]])[0], model.head(torch.zeros(model.words.weight.shape[1])))


def test_only_bigrams_see_the_order() -> None:
    there, back = [2, 3, 4], [4, 3, 2]
    torch.testing.assert_close(run(make_model("unigrams"), [there]), run(make_model("unigrams"), [back]))
    assert not torch.allclose(run(make_model("bigrams"), [there]), run(make_model("bigrams"), [back]))


@pytest.mark.parametrize("name", CONFIGS)
@given(tokens=ids)
@settings(max_examples=20)
def test_the_simplified_model_gives_the_same_logits(name: str, tokens: list[int]) -> None:
    model = make_model(name)
    torch.testing.assert_close(run(model.simplified(), [tokens]), run(model, [tokens]), rtol=1e-5, atol=1e-6)


def test_a_linear_head_is_folded_into_vectors_of_one_number_per_label() -> None:
    simplified = make_model("bigrams").simplified()
    shapes = {name: tuple(weight.shape) for name, weight in simplified.named_parameters()}
    assert shapes == {"words.weight": (22, 3), "bigrams.weight": (97, 3), "head.bias": (3,)}


@pytest.mark.parametrize("name", ["deep", "as wide as the vectors"])
def test_hidden_layers_are_not_folded(name: str) -> None:
    model = make_model(name)
    assert model.simplified() is model


def test_a_start_from_ratios_knows_the_training_split_before_any_step() -> None:
    tokenizer = word_level_tokenizer(["good", "bad", "not", "very"], max_length=8)
    encodings = tokenizer.encode(["very good", "not bad", "very bad", "not good"] * 5)
    context = BuildContext(tokenizer, Labels(("no", "yes")), TrainingSplit(encodings, np.array([1, 1, 0, 0] * 5)))
    model = build(BowConfig(naive_bayes=True, num_bigram_buckets=97), context).eval()
    ids = [item.ids for item in encodings][:4]
    assert run(model, ids).argmax(dim=1).tolist() == [1, 1, 0, 0]  # the pairs alone tell them apart


def test_a_start_from_ratios_takes_labels_that_hold_together() -> None:
    tokenizer = word_level_tokenizer(["plot", "music", "film"], max_length=8)
    encodings = tokenizer.encode(["plot film", "music film", "plot music", "film"] * 5)
    holds = np.array([[1, 0], [0, 1], [1, 1], [0, 0]] * 5, dtype=bool)
    labels = Labels(("plot", "music"), Task.MULTI_LABEL)
    model = build(BowConfig(naive_bayes=True), BuildContext(tokenizer, labels, TrainingSplit(encodings, holds))).eval()
    plot, music, _ = run(model, [[2], [3], [4]]).tolist()
    assert plot[0] > 0 > plot[1]
    assert music[1] > 0 > music[0]


def test_ratios_are_folded_into_scores() -> None:
    shapes = {name: tuple(weight.shape) for name, weight in make_model("ratios").simplified().named_parameters()}
    assert shapes == {"words.weight": (22, 3), "bigrams.weight": (97, 3), "head.bias": (3,)}


def test_word_dropout_draws_in_training_alone() -> None:
    model = make_model("unigrams")
    assert torch.equal(run(model, [[2, 3, 4]]), run(model, [[2, 3, 4]]))
    model.train()
    model.head.eval()  # ordinary dropout off
    assert len({tuple(run(model, [[2, 3, 4]])[0].tolist()) for _ in range(20)}) > 1


def test_a_text_whose_words_are_all_dropped_stays_finite() -> None:
    model = make_model("bigrams")
    model.word_dropout = 1.0
    assert run(model.train(), [[2, 3]]).isfinite().all()


def test_what_training_may_never_touch_says_nothing() -> None:
    tokenizer = word_level_tokenizer(["one", "two"], max_length=8)
    model = build(CONFIGS["bigrams"], BuildContext(tokenizer, LABELS))
    assert not model.words.weight[[PAD_ID, UNKNOWN_ID]].any()
    assert model.words.weight[2:].any(dim=1).all()
    assert model.bigrams is not None
    assert not model.bigrams.weight.any()


def test_the_tokenizer_knows_the_training_words_alone() -> None:
    tokenizer = build_tokenizer(["a rare word", "a word"], BowConfig(min_frequency=2), 16)
    assert tokenizer.vocabulary == ["[PAD]", "[UNK]", "a", "word"]


def test_a_setting_out_of_bounds_is_named() -> None:
    with pytest.raises(SettingsError, match=r"recipe, \[model\]: dropout: .*less than 1 \(got 1.5\)"):
        BowConfig.parse({"dropout": 1.5}, source="recipe, [model]")


@pytest.mark.parametrize(
    ("texts", "num_buckets"),
    [
        (["\u597d\u5403 good", "\u8fd9\u5bb6\u9910\u5385"], 1024),
        (["\u597d a good film", "another good film"], 0),
        (["a good film"], 0),
        ([chr(0x4E00 + index) + chr(0x5E00 + index) for index in range(1000)], 4096),
        ([], 0),
    ],
    ids=["Chinese", "mostly English", "English", "many pairs", "no texts"],
)
@pytest.mark.parametrize("naive_bayes", [False, True])
def test_pairs_of_characters_are_looked_at_by_default_in_scripts_without_spaces(texts, num_buckets, naive_bayes):
    config = BowConfig(embedding_dim=4, naive_bayes=naive_bayes)
    tokenizer = build_tokenizer(texts or ["\u597d"], config, 64)
    training = TrainingSplit(tokenizer.encode(texts), np.arange(len(texts)) % len(LABELS))
    model = build(config, BuildContext(tokenizer, LABELS, training))
    assert (model.bigrams.num_embeddings if model.bigrams is not None else 0) == num_buckets


@pytest.mark.parametrize("task", Task)
def test_pairs_are_looked_at_where_the_order_of_words_decides(task):
    ordered = [f"{first} beats {second}" for first, second in permutations(("ann", "bob", "cy", "dee", "eve"), 2)] * 5
    is_ascending = np.array([text.split()[0] < text.split()[2] for text in ordered])
    names = np.array(["ann" in text for text in ordered])
    for holds, has_pairs in ((is_ascending, True), (names, False)):
        config = BowConfig(embedding_dim=4)
        tokenizer = build_tokenizer(ordered, config, 64)
        multi = task is Task.MULTI_LABEL
        targets = np.stack([holds, ~holds], axis=1) if multi else holds.astype(np.int64)
        context = BuildContext(
            tokenizer, Labels(("yes", "no"), task), TrainingSplit(tokenizer.encode(ordered), targets)
        )
        bigrams = build(config, context).bigrams
        assert (bigrams is not None) == has_pairs


@pytest.mark.parametrize("task", Task)
def test_case_is_kept_where_it_tells_the_labels_apart(task):
    names = ("apple", "orange", "shell", "target", "amazon")
    texts = [
        f"{(name.capitalize() if number % 2 else name)} seen {number // 2}" for number in range(40) for name in names
    ]
    np.random.default_rng(0).shuffle(texts)
    is_company = np.array([text[0].isupper() for text in texts])
    is_fruit = np.array(["apple" in text.lower() or "orange" in text.lower() for text in texts])
    labels = Labels(("yes", "no"), task)
    for holds, casing in ((is_company, "cased"), (is_fruit, "uncased")):
        targets = np.stack([holds, ~holds], axis=1) if task is Task.MULTI_LABEL else holds.astype(np.int64)
        examples = Examples(texts, targets)
        chosen = FAMILY.choose_settings(BowConfig(), examples, labels, 64)
        assert chosen.casing == casing
        tokenizer = build_tokenizer(texts, chosen, 64)
        assert ("Apple" in tokenizer.vocabulary) == (casing == "cased")
        context = BuildContext(tokenizer, labels, TrainingSplit(tokenizer.encode(texts), targets))
        assert build(BowConfig(), context).metadata == {"casing": casing, "num_bigram_buckets": 0}
        typed = BowConfig(casing="uncased")
        assert FAMILY.choose_settings(typed, examples, labels, 64) == typed


def test_many_labels_have_fewer_pairs_so_that_the_graph_stays_small():
    labels = Labels(tuple(f"label {index}" for index in range(9_000)))
    texts = [chr(0x4E00 + index) + chr(0x5E00 + index) for index in range(1000)]
    config = BowConfig(embedding_dim=1)
    tokenizer = build_tokenizer(texts, config, 64)
    training = TrainingSplit(tokenizer.encode(texts), np.arange(len(texts)))
    model = build(config, BuildContext(tokenizer, labels, training))
    assert model.bigrams.num_embeddings == 1024


@pytest.mark.parametrize(("value", "expected"), [("auto", "auto"), ("64", 64), (0, 0)])
def test_the_number_of_buckets_is_a_number_or_chosen(value, expected):
    assert BowConfig.parse({"num_bigram_buckets": value}, source="flags").num_bigram_buckets == expected


def test_another_word_for_the_number_of_buckets_is_refused():
    with pytest.raises(SettingsError, match=r"num_bigram_buckets.*'auto'"):
        BowConfig.parse({"num_bigram_buckets": "many"}, source="flags")
