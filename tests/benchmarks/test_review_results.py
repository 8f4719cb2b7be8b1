"""What the docs say of label errors and of chosen labels stands in the result files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from label_errors import ceiling, flip, scores

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"


def result(name):
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def test_the_bar_of_flipped_labels_is_met_on_news_over_five_seeds():
    content = result("label_errors")
    news = content["sources"]["bbc-news"]
    assert len(news["seeds"]) == 5
    assert news["mean"]["precision"]["mean"] >= content["bar"]
    assert news["mean"]["recall"]["mean"] >= content["bar"]


def test_chosen_labels_reach_what_random_ones_reach_with_fewer():
    content = result("active_learning")
    assert content["num_labels"][0] == 200
    assert len(content["per_seed"]["random"]) == len(content["per_seed"]["chosen"]) == 5
    needed = content["labels_needed"]
    assert needed["of_the_mean_curves"] < content["num_labels"][-1]
    starts = zip(content["per_seed"]["random"], content["per_seed"]["chosen"], strict=True)
    assert all(random[0] == chosen[0] for random, chosen in starts)


def test_a_flipped_label_is_always_another_one():
    targets = np.arange(1000) % 3
    changed, is_flipped = flip(targets, 3, seed=0)
    assert is_flipped.sum() == 50
    assert ((changed != targets) == is_flipped).all()
    assert scores(is_flipped, is_flipped) == {"precision": 1.0, "recall": 1.0}


def test_the_ceiling_of_a_perfect_ranking_is_perfect():
    targets = np.arange(1000) % 2
    changed, is_flipped = flip(targets, 2, seed=0)
    probabilities = np.eye(2, dtype=np.float32)[targets]
    assert ceiling(probabilities, changed, is_flipped) == {"precision": 1.0, "recall": 1.0}
