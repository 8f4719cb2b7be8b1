"""A run that is killed at any step goes on to the same bits as one that is not."""
# ruff: noqa: ARG002  a callback is given more than it uses

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import training_process
from tiny_data import make_dataset, make_examples
from training_process import FAMILY_SETTINGS, SETTINGS

from textwright.core.callbacks import Callback
from textwright.data.dataset import Dataset
from textwright.errors import SettingsError, TrainingError
from textwright.training.run import CHECKPOINT, HISTORY, TrainedModel, train
from textwright.training.settings import TrainSettings


class Interrupt(Callback):
    """Stops training as Ctrl-C does, and remembers where it started."""

    def __init__(self, step: int | None = None, epoch: int | None = None) -> None:
        self.step, self.epoch, self.started_at = step, epoch, -1

    def on_train_begin(self, num_steps: int, step: int) -> None:
        self.started_at = step

    def on_step_end(self, step: int, loss: float, learning_rate: float) -> None:
        if step == self.step:
            raise KeyboardInterrupt

    def on_epoch_end(self, record, logits) -> None:
        if record.epoch == self.epoch:
            raise KeyboardInterrupt


def run(run_dir: Path, *callbacks: Callback, dataset: Dataset | None = None, **settings) -> TrainedModel:
    changed = TrainSettings(**{**SETTINGS.model_dump(exclude_unset=True), **settings})
    return train(dataset or make_dataset(), changed, FAMILY_SETTINGS, run_dir=run_dir, callbacks=callbacks)


def assert_same(found: TrainedModel, expected: TrainedModel) -> None:
    assert found.history == expected.history
    assert found.temperature == expected.temperature
    for name, weight in expected.module.state_dict().items():
        assert torch.equal(found.module.state_dict()[name], weight), name


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> TrainedModel:
    return run(tmp_path_factory.mktemp("whole"))


@pytest.mark.slow
def test_a_killed_process_resumes_to_the_same_bits(tmp_path: Path, uninterrupted: TrainedModel) -> None:
    command = [sys.executable, training_process.__file__, str(tmp_path), "20"]  # in the middle of the second epoch
    environment = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}  # the same bits need the same threads
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "at step 20\n"
        process.kill()
    callback = Interrupt()
    assert_same(run(tmp_path, callback), uninterrupted)
    assert callback.started_at == 19
    epochs = [json.loads(line)["epoch"] for line in (tmp_path / HISTORY).read_text().splitlines()]
    assert epochs == [1, 2, 3]


@pytest.mark.parametrize("where", [{"step": 1}, {"step": 15}, {"step": 16}, {"epoch": 1}, {"epoch": 3}])
def test_an_interrupt_anywhere_resumes_to_the_same_bits(
    tmp_path: Path, uninterrupted: TrainedModel, where: dict[str, int]
) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, Interrupt(**where))
    assert_same(run(tmp_path), uninterrupted)


def test_a_finished_run_is_returned_without_a_step(tmp_path: Path, uninterrupted: TrainedModel) -> None:
    run(tmp_path)
    callback = Interrupt(step=None)
    assert_same(run(tmp_path, callback), uninterrupted)
    assert callback.started_at == 45


def test_other_settings_are_refused_by_name(tmp_path: Path) -> None:
    run(tmp_path)
    with pytest.raises(SettingsError, match=r"learning_rate was 0\.\d+, is 0\.5; .*--overwrite"):
        run(tmp_path, learning_rate=0.5)


def test_other_data_are_refused_by_name(tmp_path: Path) -> None:
    run(tmp_path)
    other = replace(make_dataset(), validation=make_examples(60, seed=9))
    with pytest.raises(SettingsError, match=r"validation data was '[0-9a-f]{12}', is '[0-9a-f]{12}'"):
        run(tmp_path, dataset=other)


def test_how_often_it_is_saved_may_change(tmp_path: Path, uninterrupted: TrainedModel) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, Interrupt(step=20))
    assert_same(run(tmp_path, checkpoint_every_s=1000), uninterrupted)


def test_overwrite_starts_anew(tmp_path: Path, uninterrupted: TrainedModel) -> None:
    run(tmp_path, seed=1)
    callback = Interrupt()
    found = train(make_dataset(), SETTINGS, FAMILY_SETTINGS, run_dir=tmp_path, callbacks=[callback], overwrite=True)
    assert callback.started_at == 0
    assert_same(found, uninterrupted)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 half a zip"])
def test_a_damaged_checkpoint_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / CHECKPOINT / "state.pt"
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(TrainingError, match=r"state.pt is damaged, or no checkpoint; .*--overwrite"):
        run(tmp_path)


def test_a_checkpoint_cannot_run_code(tmp_path: Path) -> None:
    path = tmp_path / CHECKPOINT / "state.pt"
    path.parent.mkdir()
    torch.save({"format_version": Path("code")}, path)  # any class that is not plain data
    with pytest.raises(TrainingError, match="is damaged, or no checkpoint"):
        run(tmp_path)
