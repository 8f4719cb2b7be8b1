# ruff: noqa: ARG002  a callback is given more than it uses
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch.nn.functional import cross_entropy
from torch.nn.utils import clip_grad_norm_

from textwright.core.callbacks import Callback, StopTraining
from textwright.data.dataset import Dataset
from textwright.errors import TrainingError
from textwright.models import find_family
from textwright.models.family import BuildContext, TextModel
from textwright.training.batches import encode_examples, shuffled_batches
from textwright.training.checkpoint import Checkpointer, TrainState
from textwright.training.device import make_accelerator
from textwright.training.loop import Splits, TrainingRuntime, fit, infer, seed_step
from textwright.training.objective import validation_score
from textwright.training.optimizer import learning_rate_scale
from textwright.training.settings import Device, TrainSettings

SETTINGS = TrainSettings(
    family="bow", min_steps=0, num_epochs=4, batch_size=16, learning_rate=0.03, patience=4, device=Device.CPU
)


class Recorder(Callback):
    def __init__(self) -> None:
        self.num_steps = 0
        self.steps: list[int] = []
        self.losses: list[float] = []
        self.rates: list[float] = []

    def on_train_begin(self, num_steps: int, step: int) -> None:
        self.num_steps = num_steps

    def on_step_end(self, step: int, loss: float, learning_rate: float) -> None:
        self.steps.append(step)
        self.losses.append(loss)
        self.rates.append(learning_rate)


@dataclass
class Trial:
    """A model and its data, ready for the loop."""

    dataset: Dataset
    module: TextModel
    splits: Splits
    folder: Path

    def fit(self, settings: TrainSettings = SETTINGS, callback: Callback | None = None) -> TrainState:
        return fit(
            self.module,
            self.splits,
            self.dataset.labels,
            settings,
            runtime=TrainingRuntime(make_accelerator(settings.device)),
            checkpointer=Checkpointer(self.folder, {}, every_s=1000),
            callback=callback or Callback(),
        )

    def score(self):
        runtime = TrainingRuntime(make_accelerator(Device.CPU))
        logits = infer(self.module, self.splits.validation, len(self.dataset.labels), runtime)
        return validation_score(logits, torch.from_numpy(self.splits.validation.targets), self.dataset.labels.task)


def make_trial(dataset: Dataset, folder: Path, seed: int = 0) -> Trial:
    family = find_family("bow")
    config = family.config.parse({"embedding_dim": 8, "dropout": 0.2, "word_dropout": 0.1}, source="test")
    encoder = family.build_tokenizer(dataset.train.texts, config, 32)
    torch.manual_seed(seed)
    module = family.build(config, BuildContext(encoder, dataset.labels))
    splits = Splits(encode_examples(dataset.train, encoder), encode_examples(dataset.validation, encoder))
    return Trial(dataset, module, splits, folder)


@pytest.fixture
def trial(dataset: Dataset, tmp_path: Path) -> Trial:
    return make_trial(dataset, tmp_path / "trial")


def plain_loop(trial: Trial, settings: TrainSettings) -> list[dict[str, torch.Tensor]]:
    """The loop as a textbook writes it; returns the weights after each epoch."""
    module, examples, after_epoch, step = trial.module, trial.splits.train, [], 0
    num_steps = settings.num_epochs * -(-len(examples) // settings.batch_size)
    decayed, spared = ([p for p in module.parameters() if (p.ndim > 1) is wanted] for wanted in (True, False))
    groups = [{"params": decayed, "weight_decay": settings.weight_decay}, {"params": spared, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, fused=True)
    for epoch in range(settings.num_epochs):
        for positions in shuffled_batches(examples.lengths, settings.batch_size, seed=settings.seed, epoch=epoch):
            seed_step(settings.seed, step, 0)
            for group in optimizer.param_groups:
                group["lr"] = settings.learning_rate * learning_rate_scale(step, num_steps, settings.warmup_fraction)
            (input_ids, attention_mask), targets = examples.batch(positions)
            loss = cross_entropy(module.train()(input_ids, attention_mask), targets)
            optimizer.zero_grad()
            loss.backward()
            clip_grad_norm_(module.parameters(), settings.max_grad_norm)
            optimizer.step()
            step += 1
        after_epoch.append({name: weight.clone() for name, weight in module.state_dict().items()})
    return after_epoch


def test_the_loop_is_the_textbook_loop(dataset: Dataset, tmp_path: Path) -> None:
    trial, textbook = make_trial(dataset, tmp_path), make_trial(dataset, tmp_path)
    state = trial.fit()
    expected = plain_loop(textbook, SETTINGS)[state.best_epoch - 1]
    for name, weight in trial.module.state_dict().items():
        assert torch.equal(weight, expected[name]), name


def test_a_rule_is_learned(trial: Trial) -> None:
    before = trial.score().accuracy
    trial.fit()
    assert before < 0.7
    assert trial.score().accuracy > 0.9


def test_many_labels_are_learned(multilabel_dataset: Dataset, tmp_path: Path) -> None:
    trial = make_trial(multilabel_dataset, tmp_path)
    trial.fit(SETTINGS.model_copy(update={"num_epochs": 12, "patience": 12}))
    assert trial.score().accuracy > 0.9  # all three labels right


def test_the_seed_decides_the_result(dataset: Dataset, tmp_path: Path) -> None:
    weights = []
    for index, seed in enumerate((3, 3, 4)):
        trial = make_trial(dataset, tmp_path / str(index))
        trial.fit(SETTINGS.model_copy(update={"seed": seed}))
        weights.append(trial.module.word_vectors)
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_the_best_epoch_is_kept(trial: Trial) -> None:
    state = trial.fit(SETTINGS.model_copy(update={"learning_rate": 0.5, "num_epochs": 6, "patience": 6}))
    best = max(state.history, key=lambda record: (record.validation_accuracy, -record.validation_loss))
    assert state.best_epoch == best.epoch
    assert trial.score()[:2] == pytest.approx((best.validation_accuracy, -best.validation_loss))


def test_training_stops_when_validation_does_not_improve(trial: Trial) -> None:
    state = trial.fit(SETTINGS.model_copy(update={"num_epochs": 100, "patience": 2, "learning_rate": 0.5}))
    assert len(state.history) == state.best_epoch + 2 < 100


def test_steps_are_told_with_their_learning_rate(trial: Trial) -> None:
    recorder = Recorder()
    state = trial.fit(callback=recorder)
    assert recorder.steps == list(range(1, 61))
    assert recorder.num_steps == 60
    assert max(recorder.rates) == SETTINGS.learning_rate
    assert recorder.rates[-1] < recorder.rates[6] > recorder.rates[0]
    assert state.history[0].train_loss == pytest.approx(sum(recorder.losses[:15]) / 15)
    assert [record.step for record in state.history] == [15, 30, 45, 60]


def test_a_loss_that_is_not_finite_is_said_with_its_cure(trial: Trial) -> None:
    with torch.no_grad():
        trial.module.word_vectors[5] = float("inf")
    with pytest.raises(TrainingError, match=r"the loss is (nan|inf) at step \d+ of epoch 1, .* lower learning_rate"):
        trial.fit()


def test_a_batch_larger_than_the_data_is_one_step(trial: Trial) -> None:
    recorder = Recorder()
    trial.fit(SETTINGS.model_copy(update={"batch_size": 10_000}), callback=recorder)
    assert recorder.steps == [1, 2, 3, 4]


def test_logits_come_back_in_the_order_of_the_examples(trial: Trial) -> None:
    runtime = TrainingRuntime(make_accelerator(Device.CPU))
    found = infer(trial.module, trial.splits.validation, 2, runtime)
    for position in range(0, 60, 7):
        inputs, _ = trial.splits.validation.batch(torch.tensor([position]).numpy())
        torch.testing.assert_close(found[position], trial.module(*inputs)[0].detach())


def test_bf16_trains_and_keeps_weights_in_fp32(trial: Trial) -> None:
    runtime = TrainingRuntime(make_accelerator(Device.CPU), bf16=True)
    logits, _ = runtime.forward(trial.module, trial.splits.train.batch(torch.arange(4).numpy()))
    assert logits.dtype == torch.float32
    exact, _ = TrainingRuntime(runtime.accelerator).forward(
        trial.module.eval(), trial.splits.train.batch(torch.arange(4).numpy())
    )
    rounded, _ = runtime.forward(trial.module, trial.splits.train.batch(torch.arange(4).numpy()))
    assert not torch.equal(exact, rounded)
    torch.testing.assert_close(exact, rounded, rtol=0.05, atol=0.05)


@pytest.mark.parametrize("num_parts", [2, 5, 1000])
def test_a_step_in_parts_learns_what_a_whole_one_does(dataset: Dataset, tmp_path: Path, num_parts: int) -> None:
    whole, parts = (make_trial(dataset, tmp_path / name) for name in ("whole", "parts"))
    settings = SETTINGS.model_copy(update={"num_epochs": 1})
    for trial in (whole, parts):
        turn_dropout_off(trial.module)
    batch_sizes = sizes_of_batches(parts.module)
    whole.fit(settings)
    parts.fit(settings.model_copy(update={"gradient_accumulation": num_parts}))
    assert max(batch_sizes[: 15 * min(num_parts, 16)]) == -(-16 // num_parts)  # 15 steps of 16; validation follows
    for name, weight in whole.module.state_dict().items():
        torch.testing.assert_close(parts.module.state_dict()[name], weight, rtol=1e-3, atol=1e-4)


def test_r_drop_sees_each_text_twice_and_without_dropout_changes_nothing(dataset: Dataset, tmp_path: Path) -> None:
    plain, twice = (make_trial(dataset, tmp_path / name) for name in ("plain", "twice"))
    for trial in (plain, twice):
        turn_dropout_off(trial.module)
    batch_sizes = sizes_of_batches(twice.module)
    plain.fit(SETTINGS)
    twice.fit(SETTINGS.model_copy(update={"r_drop": 5.0}))
    assert batch_sizes[0] == 32
    for name, weight in plain.module.state_dict().items():
        torch.testing.assert_close(twice.module.state_dict()[name], weight, rtol=1e-3, atol=1e-4)


def turn_dropout_off(module: TextModel) -> None:
    module.word_dropout = 0.0
    for part in module.modules():
        if isinstance(part, torch.nn.Dropout):
            part.p = 0.0


def sizes_of_batches(module: TextModel) -> list[int]:
    """Return a list to which each forward pass adds its number of texts."""
    sizes: list[int] = []
    module.register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0])))
    return sizes


class StopAt(Callback):
    """Ends a training at a step."""

    def __init__(self, step: int) -> None:
        self._step = step

    def on_step_end(self, step: int, loss: float, learning_rate: float) -> None:
        del loss, learning_rate
        if step >= self._step:
            raise StopTraining("enough")


def test_a_callback_ends_the_training_at_the_best_epoch_so_far(dataset: Dataset, tmp_path: Path) -> None:
    whole, stopped = make_trial(dataset, tmp_path / "whole"), make_trial(dataset, tmp_path / "stopped")
    first = whole.fit().history[0]
    state = stopped.fit(callback=StopAt(first.step + 1))
    assert state.history == [first]
    assert stopped.score().accuracy == pytest.approx(first.validation_accuracy)


def test_before_the_first_epoch_there_is_nothing_to_use(trial: Trial) -> None:
    with pytest.raises(StopTraining):
        trial.fit(callback=StopAt(1))
