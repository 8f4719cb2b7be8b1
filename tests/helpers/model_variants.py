"""Untrained models of every family, with their tokenizer: what parity is about does not need training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from textwright.core.labels import Labels, Task
from textwright.core.tokenizer import TextTokenizer
from textwright.models import FAMILIES
from textwright.models.family import BuildContext, TextModel, TrainingSplit

TEXTS = ["the film is good", "a bad story , badly told", "not good and not bad", "the heart of the film"]


@dataclass(frozen=True)
class Model:
    module: TextModel
    tokenizer: TextTokenizer


def make_model(family: str, *, task: Task = Task.SINGLE_LABEL, max_length: int = 200, **settings) -> Model:
    config = FAMILIES[family].config.parse(settings, source="test")
    tokenizer = FAMILIES[family].build_tokenizer(TEXTS, config, max_length)
    torch.manual_seed(0)
    labels = Labels(("one", "two", "three"), task)
    indices = np.arange(len(TEXTS)) % len(labels)
    targets = indices if task is Task.SINGLE_LABEL else indices[:, None] == np.arange(len(labels))
    training = TrainingSplit(tokenizer.encode(TEXTS), targets)
    module = FAMILIES[family].build(config, BuildContext(tokenizer, labels, training))
    with torch.no_grad():
        for weight in module.parameters():
            weight.normal_()  # as large as after training, so that a wrong graph cannot hide
    return Model(module.eval(), tokenizer)


OVER_VECTORS = ("bow-glove", "cnn-glove")
"""Families whose setting ``vectors`` names a file that the test must write."""

VARIANTS = {
    "linear": ("linear", {}),
    "linear, words": ("linear", {"features": "words"}),
    "linear, characters": ("linear", {"features": "characters"}),
    "bow": ("bow", {"min_frequency": 1}),
    "bow with bigrams": ("bow", {"min_frequency": 1, "num_bigram_buckets": 97}),
    "bow from ratios": ("bow", {"min_frequency": 1, "num_bigram_buckets": 97, "naive_bayes": True}),
    "bow with a hidden layer": ("bow", {"min_frequency": 1, "hidden_dim": 7, "num_bigram_buckets": 97}),
    "bow, cased": ("bow", {"min_frequency": 1, "casing": "cased"}),
    "bow-glove": ("bow-glove", {"min_frequency": 1}),
    "bow-glove with bigrams": ("bow-glove", {"min_frequency": 1, "num_bigram_buckets": 97, "casing": "cased"}),
    "bow-glove, deep": ("bow-glove", {"min_frequency": 1, "num_hidden_layers": 2, "hidden_dim": 8}),
    "cnn-glove": ("cnn-glove", {"min_frequency": 1, "num_filters": 3}),
    "cnn-glove, random": (
        "cnn-glove",
        {"min_frequency": 1, "num_filters": 2, "variant": "rand", "embedding_dim": 4, "kernel_sizes": (1, 2, 7)},
    ),
    "cnn-glove, two channels": (
        "cnn-glove",
        {"min_frequency": 1, "num_filters": 2, "variant": "multichannel", "max_norm": 0},
    ),
}
