from __future__ import annotations

from itertools import pairwise, permutations
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from textwright.core.encodings import pad
from textwright.core.labels import Labels
from textwright.core.tokenizer import PAD_ID
from textwright.models.bow_glove import BagOfVectors, BowGloveConfig, VectorTraining, build, build_tokenizer
from textwright.models.family import BuildContext, TrainingSplit

TEXTS = ["good film", "bad film"]


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.vec"
    path.write_text("good 1 2 3\nbad -1 -2 -3\nfilm 0 1 0\nsuperb 1 2 2\n")
    return path


def make_model(vectors: Path, **settings) -> BagOfVectors:
    config = BowGloveConfig(vectors=str(vectors), **settings)
    torch.manual_seed(0)
    return build(config, BuildContext(build_tokenizer(TEXTS, config, 16), Labels(("no", "yes"))))


def factors(model: BagOfVectors, name: str) -> list[float]:
    return [model.learning_rate_factor(name, epoch) for epoch in range(4)]


def test_frozen_vectors_are_never_trained(vectors: Path) -> None:
    model = make_model(vectors, vector_training="frozen")
    assert {name for name, weight in model.named_parameters() if not weight.requires_grad} == {"words.weight"}


def test_thawed_vectors_are_trained_from_an_epoch_on_and_the_head_always(vectors: Path) -> None:
    model = make_model(vectors, vector_training="thawed", num_frozen_epochs=2)
    assert factors(model, "words.weight") == [0, 0, 1, 1]
    assert factors(model, "head.1.weight") == [1, 1, 1, 1]
    assert all(weight.requires_grad for weight in model.parameters())


def test_fine_tuned_vectors_are_trained_from_the_start(vectors: Path) -> None:
    assert factors(make_model(vectors, num_frozen_epochs=2), "words.weight") == [1, 1, 1, 1]


@pytest.mark.parametrize("num_hidden_layers", [0, 1, 2])
def test_hidden_layers_stand_between_mean_and_logits(num_hidden_layers: int, vectors: Path) -> None:
    model = make_model(vectors, num_hidden_layers=num_hidden_layers, hidden_dim=7)
    shapes = [tuple(layer.weight.shape) for layer in model.head if isinstance(layer, nn.Linear)]
    widths = [3, *[7] * num_hidden_layers, 2]
    assert shapes == [(after, before) for before, after in pairwise(widths)]
    assert sum(isinstance(layer, nn.ReLU) for layer in model.head) == num_hidden_layers


def test_only_a_linear_head_is_folded_so_that_further_words_cost_two_numbers(vectors: Path) -> None:
    assert make_model(vectors).simplified().words.weight.shape == (6, 2)
    deep = make_model(vectors, num_hidden_layers=1, hidden_dim=3)
    assert deep.simplified() is deep


def test_a_text_of_unseen_words_is_read_by_their_vectors(vectors: Path) -> None:
    model = make_model(vectors, vector_training=VectorTraining.FROZEN).eval()
    tokenizer = build_tokenizer(TEXTS, BowGloveConfig(vectors=str(vectors)), 16)
    with torch.no_grad():
        model.head[-1].weight.copy_(torch.tensor([[-1.0, -1.0, -1.0], [1.0, 1.0, 1.0]]))
        ids = pad([item.ids for item in tokenizer.encode(["superb", "unheard"])], PAD_ID)
        superb, unheard = (model(*map(torch.from_numpy, ids)) - model.head[-1].bias).tolist()
    assert superb == pytest.approx([-5, 5])
    assert unheard == [0, 0]


def test_the_coverage_is_among_the_facts(vectors: Path) -> None:
    decided = {"casing", "num_bigram_buckets"}
    assert set(make_model(vectors).metadata) == {"words_with_vector", "tokens_with_vector", *decided}


def test_pairs_of_words_have_vectors_beside_the_pretrained_ones_where_order_decides(vectors: Path) -> None:
    texts = [f"{first} beats {second}" for first, second in permutations(("ann", "bob", "cy", "dee", "eve"), 2)] * 5
    is_ascending = np.array([text.split()[0] < text.split()[2] for text in texts])
    config = BowGloveConfig(vectors=str(vectors))
    tokenizer = build_tokenizer(texts, config, 16)
    training = TrainingSplit(tokenizer.encode(texts), is_ascending.astype(np.int64))
    model = build(config, BuildContext(tokenizer, Labels(("no", "yes")), training))
    assert model.metadata["num_bigram_buckets"] == 1024
    assert model.bigrams is not None
    assert model.bigrams.weight.shape == (1024, 3)
    assert not model.bigrams.weight.any()  # a pair that training never saw says nothing
    assert model.simplified().bigrams.weight.shape == (1024, 2)


def test_a_cased_word_begins_as_its_lower_case_form_whose_case_no_vector_has(vectors: Path) -> None:
    config = BowGloveConfig(vectors=str(vectors), casing="cased", min_frequency=1)
    tokenizer = build_tokenizer(["Good good BAD Berlin"], config, 16)
    assert tokenizer.is_cased
    model = build(config, BuildContext(tokenizer, Labels(("no", "yes"))))
    vector_of = dict(zip(tokenizer.vocabulary, model.words.weight.tolist(), strict=True))
    assert vector_of["Good"] == vector_of["good"] == [1, 2, 3]
    assert vector_of["BAD"] == [-1, -2, -3]
    assert vector_of["Superb"] == vector_of["superb"] == [1, 2, 2]  # training saw neither
    assert model.metadata["casing"] == "cased"
