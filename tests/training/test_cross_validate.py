from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from battery_sources import SOURCES
from textwright.core.callbacks import Callback
from textwright.core.labels import Labels, Task
from textwright.data.dataset import Dataset, Examples
from textwright.data.load import load_dataset
from textwright.data.settings import DataSettings
from textwright.errors import SettingsError
from textwright.models.bow import FAMILY, BowConfig, build, build_tokenizer
from textwright.models.family import BuildContext, TextModel, TrainingSplit
from textwright.training.batches import EncodedExamples, encode_examples
from textwright.training.cross_validate import select_adam_epsilon, select_num_epochs
from textwright.training.device import make_accelerator
from textwright.training.features import FeatureExamples
from textwright.training.learner import Learner
from textwright.training.loop import TrainingRuntime
from textwright.training.run import learner_of, prepare
from textwright.training.settings import Device, TrainSettings

LABELS = Labels(("no", "yes"))
SETTINGS = TrainSettings(family="bow", min_steps=0, batch_size=16, learning_rate=0.01, num_epochs=3)


def make_examples(num_examples: int, *, noise: float, seed: int = 0) -> FeatureExamples:
    """Features whose first component tells the label, but for some noise; the other 19 tell nothing."""
    generator = np.random.default_rng(seed)
    targets = np.arange(num_examples) % 2
    features = generator.normal(size=(num_examples, 20)).astype(np.float32)
    features[:, 0] = (2 * targets - 1) * 4 + generator.normal(size=num_examples) * noise
    return FeatureExamples(features, targets)


def choose(examples: FeatureExamples, labels: Labels = LABELS):
    torch.manual_seed(0)
    head = nn.Linear(20, len(labels))
    before = head.weight.clone()
    chosen = select_num_epochs(head, examples, labels, SETTINGS, TrainingRuntime(make_accelerator(Device.CPU)))
    assert torch.equal(head.weight, before)
    return chosen


@pytest.mark.parametrize(("num_per_class", "least"), [(8, 0.75), (64, 0.95)])
def test_what_can_be_learned_is_learned_out_of_fold(num_per_class: int, least: float) -> None:
    chosen = choose(make_examples(2 * num_per_class, noise=0.2))
    assert chosen.score.accuracy >= least
    assert chosen.logits.shape == (2 * num_per_class, 2)


def test_an_example_is_scored_by_a_model_that_has_not_seen_it() -> None:
    examples = make_examples(128, noise=0.2)
    shuffled = FeatureExamples(examples.features, np.random.default_rng(0).permutation(examples.targets))
    assert choose(shuffled).score.accuracy < 0.65  # 200 steps on all of it would learn most labels by heart


@pytest.mark.slow
def test_clean_labels_are_worth_more_steps_than_noise() -> None:
    clean, noise = make_examples(64, noise=0.05), make_examples(64, noise=50.0)
    assert choose(clean).settings.num_epochs > choose(noise).settings.num_epochs


def test_nothing_but_the_number_of_epochs_is_chosen() -> None:
    chosen = choose(make_examples(64, noise=0.2)).settings
    assert chosen.num_epochs in {13, 50}  # 50 and 200 steps of 4 per epoch
    assert chosen.model_copy(update={"num_epochs": 3}) == SETTINGS


def test_several_labels_at_once() -> None:
    examples = make_examples(60, noise=0.2)
    targets = np.stack([examples.targets == 1, examples.features[:, 1] > 0, examples.targets == 0], axis=1)
    chosen = choose(FeatureExamples(examples.features, targets), Labels(("a", "b", "c"), Task.MULTI_LABEL))
    assert chosen.logits.shape == (60, 3)
    assert chosen.score.accuracy > 0.4  # all three labels right; chance is a quarter


def test_two_examples_are_enough_to_go_on() -> None:
    assert choose(make_examples(2, noise=0.2)).logits.shape == (2, 2)


@pytest.mark.slow
def test_where_few_words_decide_steps_are_in_proportion_to_gradients(tmp_path: Path) -> None:
    """Each label of these texts has some words of its own among many that say nothing."""
    path, _ = SOURCES["tags"].write(tmp_path, 0.5)
    dataset = load_dataset(str(path), DataSettings())
    examples, module = encoded(dataset.train, dataset.labels)
    before = {name: weight.clone() for name, weight in module.state_dict().items()}
    settings = TrainSettings(family="bow").over(FAMILY.defaults)
    runtime = TrainingRuntime(make_accelerator(Device.CPU))
    chosen, scores = select_adam_epsilon(module, examples, dataset.labels, settings, runtime, Callback())
    assert (chosen.adam_epsilon, chosen.learning_rate) == (1e-3, pytest.approx(10 * settings.learning_rate))
    assert chosen.model_copy(update={"adam_epsilon": "auto", "learning_rate": settings.learning_rate}) == settings
    assert list(scores) == ["1e-08", "0.001"]
    assert scores["0.001"] > scores["1e-08"] + 0.02
    assert all(torch.equal(module.state_dict()[name], weight) for name, weight in before.items())


def test_a_single_text_leaves_nothing_to_compare() -> None:
    examples, module = encoded(Examples(("good",), np.array([1])), LABELS)
    settings = TrainSettings(family="bow").over(FAMILY.defaults)
    runtime = TrainingRuntime(make_accelerator(Device.CPU))
    chosen, scores = select_adam_epsilon(module, examples, LABELS, settings, runtime, Callback())
    assert (chosen.adam_epsilon, scores) == (1e-8, {})


def encoded(train: Examples, labels: Labels) -> tuple[EncodedExamples, TextModel]:
    """Encode texts, and make an untrained bag of words for them."""
    config = BowConfig()
    tokenizer = build_tokenizer(train.texts, config, 64)
    examples = encode_examples(train, tokenizer)
    torch.manual_seed(0)
    training = TrainingSplit(examples.encodings, train.targets)
    return examples, build(config, BuildContext(tokenizer, labels, training))


@pytest.mark.parametrize(
    ("settings", "tried", "rates"),
    [
        ({}, {1e-8, 1e-3}, {0.003, 0.03}),
        ({"learning_rate": 0.02}, {1e-8}, {0.02}),
        ({"adam_epsilon": 1e-5}, {1e-5}, {0.003}),
    ],
    ids=["default", "a learning rate", "an epsilon"],
)
def test_nothing_is_chosen_beside_what_is_set(dataset: Dataset, settings, tried, rates) -> None:
    few = {"family": "bow", "num_epochs": 1, "min_steps": 0, "device": "cpu"}
    prepared = prepare(dataset, TrainSettings(**few, **settings), {"embedding_dim": 4})
    learner = learner_of(prepared, TrainingRuntime(make_accelerator(Device.CPU)), Callback())
    assert isinstance(learner, Learner)
    assert learner.settings.adam_epsilon in tried
    assert learner.settings.learning_rate in rates
    if settings:
        assert learner.metadata == {}
    else:
        scores = learner.metadata["adam_epsilon_scores"]
        assert scores.keys() == {"1e-08", "0.001"}
        assert scores[f"{learner.metadata['cross_validated_adam_epsilon']:g}"] == max(scores.values())


def test_another_family_has_no_automatic_epsilon(dataset: Dataset) -> None:
    with pytest.raises(SettingsError, match=r"adam_epsilon is 'auto'.*give cnn-glove a number"):
        prepare(dataset, TrainSettings(family="cnn-glove", adam_epsilon="auto"), {})
