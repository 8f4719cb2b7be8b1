from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_data import make_dataset, make_examples
from tiny_encoders import SENTENCES, save_tiny_encoder

from textwright.core.callbacks import Callback
from textwright.core.encodings import Encodings
from textwright.core.labels import Labels, Task
from textwright.data.dataset import Dataset, Examples
from textwright.models import find_family
from textwright.models.family import BuildContext
from textwright.models.frozen_bert import FrozenBert
from textwright.training.batches import EncodedExamples, encode_examples
from textwright.training.checkpoint import NoCheckpoints
from textwright.training.contrastive import pairs_objective, tune, warn_of_many
from textwright.training.device import make_accelerator
from textwright.training.learner import make_learner
from textwright.training.loop import TrainingRuntime
from textwright.training.run import resolve_settings, train
from textwright.training.settings import Device, TrainSettings

LABELS = Labels(("negative", "positive"))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TEXTWRIGHT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "features"


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_encoder("bert", tmp_path_factory.mktemp("encoder"), hidden_size=32)


def runtime() -> TrainingRuntime:
    return TrainingRuntime(make_accelerator(Device.CPU))


def settings_of(**changes: object) -> TrainSettings:
    return TrainSettings(family="frozen-bert", device=Device.CPU, max_length=32, **changes)


def model_of(encoder: Path, **changes: object) -> dict[str, object]:
    tuned = {"contrastive_tuning": True, "contrastive_steps": 30, "contrastive_learning_rate": 5e-3}
    return {"encoder": str(encoder), "hidden_dim": 16, "dropout": 0.0, **tuned, **changes}


def build(encoder: Path, labels: Labels = LABELS, **changes: object) -> FrozenBert:
    family = find_family("frozen-bert")
    settings, config = resolve_settings(settings_of(), model_of(encoder, **changes))
    tokenizer = family.build_tokenizer((), config, settings.max_length)
    torch.manual_seed(0)
    return family.build(config, BuildContext(tokenizer, labels))


def encoded(encoder: Path, dataset: Dataset, split: str = "train") -> EncodedExamples:
    family = find_family("frozen-bert")
    settings, config = resolve_settings(settings_of(), model_of(encoder))
    return encode_examples(dataset.splits[split], family.build_tokenizer((), config, settings.max_length))


def margin(module: FrozenBert, examples: EncodedExamples) -> float:
    """How much nearer, by their cosine, texts of one label are than others."""
    with torch.no_grad():
        vectors = module.encoder(*examples.batch(np.arange(len(examples))).inputs)
    unit = torch.nn.functional.normalize(vectors[:, -32:], dim=1)
    cosines, same = unit @ unit.T, torch.from_numpy(examples.targets[:, None] == examples.targets)
    return float(cosines[same].mean() - cosines[~same].mean())


def test_the_loss_is_the_squared_distance_of_cosines_from_one_and_zero() -> None:
    vectors = torch.tensor([[9.0, 3.0, 4.0], [9.0, 6.0, 8.0], [9.0, 4.0, -3.0], [9.0, 3.0, 4.0]])
    targets = torch.tensor([0, 0, 1, 1])
    # Of one label: cosines 1 and 0. Of two: 0 with the third text, twice; 1 with the fourth, twice.
    assert pairs_objective(2)(vectors, targets).item() == pytest.approx((0.5 + 0.5) / 2)
    assert pairs_objective(2)(vectors, torch.tensor([0, 0, 1, 0])).item() == pytest.approx(0.0, abs=1e-6)
    assert pairs_objective(2)(vectors[:1], targets[:1]).item() == 0


def test_texts_that_share_one_of_several_labels_belong_together() -> None:
    vectors = torch.tensor([[3.0, 4.0], [6.0, 8.0], [4.0, -3.0]])
    shares = torch.tensor([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
    assert pairs_objective(2)(vectors, shares).item() == pytest.approx(0.0, abs=1e-6)
    assert pairs_objective(2)(vectors, shares.flip(0)).item() == pytest.approx((1 + 0.5) / 2)


def test_texts_of_one_label_come_near_each_other(encoder: Path) -> None:
    dataset, module = make_dataset(16), build(encoder)
    words, examples = module.word_vectors.clone(), encoded(encoder, dataset)
    before = margin(module, examples)
    tune(module.stages, examples, settings_of(), runtime(), Callback())
    assert margin(module, examples) > before + 0.3
    assert torch.equal(module.word_vectors, words)
    assert not module.encoder.training
    assert not any(weight.requires_grad for weight in module.encoder.parameters())


def test_the_seed_and_the_labels_decide_the_weights(encoder: Path) -> None:
    dataset = make_dataset(20)
    examples = encoded(encoder, dataset)
    flipped = EncodedExamples(examples.encodings, np.roll(examples.targets, 1), examples.pad_id)
    found = []
    for texts, seed in ((examples, 0), (examples, 0), (examples, 1), (flipped, 0)):
        module = build(encoder, contrastive_steps=3)
        tune(module.stages, texts, settings_of(seed=seed), runtime(), Callback())
        found.append(torch.cat([weight.flatten() for weight in module.encoder.parameters()]))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])
    assert not torch.equal(found[0], found[3])


def test_progress_is_told_of_each_step(encoder: Path) -> None:
    told = []

    class Recorder(Callback):
        def on_progress(self, stage: str, done: int, total: int) -> None:
            told.append((stage, done, total))

    module = build(encoder, contrastive_steps=3)
    tune(module.stages, encoded(encoder, make_dataset(20)), settings_of(), runtime(), Recorder())
    assert told == [("tuning the encoder on pairs of texts", step, 3) for step in (1, 2, 3)]


@pytest.mark.slow
def test_held_out_texts_are_answered_by_encoders_that_have_not_learned_them(encoder: Path) -> None:
    """Labels that no text tells can be learned by heart, and not be found out."""
    generator = np.random.default_rng(0)
    words = generator.permutation([word for sentence in SENTENCES for word in sentence.split()])[:24]
    targets = generator.permutation(np.arange(24) % 2)
    split = Examples([f"{word} {index}" for index, word in enumerate(words)], targets)
    dataset = Dataset("noise", LABELS, split, split.take(np.arange(4)), split, "", splits_are_given=True)
    module = build(encoder, contrastive_steps=40)
    splits = encoded(encoder, dataset), encoded(encoder, dataset, "validation")
    learner = make_learner(
        module, *splits, LABELS, settings_of(learning_rate=0.01), runtime=runtime(), callback=Callback()
    )
    learner.fit(LABELS, NoCheckpoints(), Callback())
    with torch.no_grad():
        fitted = module(*splits[0].batch(np.arange(24)).inputs).argmax(dim=1).numpy()
    logits, held_out = learner.held_out(LABELS)
    assert (fitted == targets).mean() > 0.85
    assert np.array_equal(held_out, targets)
    assert (logits.argmax(axis=1) == targets).mean() < 0.7
    assert learner.metadata == {"fixed_epochs": learner.settings.num_epochs}


def test_the_trained_module_holds_the_tuned_encoder_and_the_cache_none_of_it(
    encoder: Path, tmp_path: Path, cache: Path
) -> None:
    splits = make_examples(40, 1), make_examples(100, 2), make_examples(8, 3)
    dataset = Dataset("made-up", LABELS, *splits, "", splits_are_given=True)
    found = {}
    for name in ("tuned", "frozen"):
        model = model_of(encoder, contrastive_tuning=name == "tuned", contrastive_steps=5)
        trained = train(dataset, settings_of(num_epochs=2), model, run_dir=tmp_path / name)
        assert "fixed_epochs" not in trained.metadata  # validation is large enough to end the training
        assert cache.exists() is (name == "frozen")
        found[name] = trained.module.state_dict()
    layer = "encoder.backbone.encoder.layer.1.output.dense.weight"
    assert not torch.equal(found["tuned"][layer], found["frozen"][layer])
    original = copy.deepcopy(build(encoder)).state_dict()
    assert torch.equal(original[layer], found["frozen"][layer])


@pytest.mark.slow
def test_several_labels_are_trained_too(encoder: Path, tmp_path: Path) -> None:
    dataset = make_dataset(40, task=Task.MULTI_LABEL)
    model = model_of(encoder, contrastive_steps=5)
    trained = train(dataset, settings_of(learning_rate=0.01), model, run_dir=tmp_path)
    assert trained.metadata["fixed_epochs"] == 200
    assert np.isfinite(trained.temperature)


def test_a_single_text_in_a_batch_changes_nothing_but_by_decay(encoder: Path) -> None:
    module = build(encoder, contrastive_steps=2)
    before = copy.deepcopy(module.encoder.state_dict())
    lone = EncodedExamples(Encodings.of([[1, 5, 2]]), np.array([0]), 0)
    tune(module.stages, lone, settings_of(weight_decay=0.0), runtime(), Callback())
    assert all(torch.equal(weight, before[name]) for name, weight in module.encoder.state_dict().items())


@pytest.mark.parametrize(("num_texts", "num_warnings"), [(128, 0), (129, 1)])
def test_a_file_of_many_texts_is_told_that_this_is_not_for_it(num_texts: int, num_warnings: int) -> None:
    told = []

    class Recorder(Callback):
        def on_warning(self, message: str) -> None:
            told.append(message)

    texts = EncodedExamples(Encodings.of([[1, 2]] * num_texts), np.arange(num_texts) % 2, 0)
    warn_of_many(texts, 2, Recorder())
    assert len(told) == num_warnings
    assert all("129 of 2 labels; leave it out" in message for message in told)
