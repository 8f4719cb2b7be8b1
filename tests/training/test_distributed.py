"""Two real processes under torchrun share every batch, and give the model that one process gives."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import training_process
from tiny_data import make_dataset
from training_process import SETTINGS, WITHOUT_DROPOUT

from textwright.training.run import train

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def two_processes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("two")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    finished = subprocess.run(
        [*command, training_process.__file__, str(folder)],
        env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr[-3000:]
    return folder


def test_both_processes_have_the_same_model(two_processes: Path) -> None:
    first, second = (torch.load(two_processes / f"weights-{rank}.pt") for rank in range(2))
    assert (first["is_main"], second["is_main"]) == (True, False)
    assert first["temperature"] == second["temperature"]
    for name, weight in first["weights"].items():
        assert torch.equal(weight, second["weights"][name])


def test_two_processes_train_as_one_does(two_processes: Path, tmp_path: Path) -> None:
    alone = train(make_dataset(), SETTINGS, WITHOUT_DROPOUT, run_dir=tmp_path)
    together = torch.load(two_processes / "weights-0.pt")
    for name, weight in alone.module.state_dict().items():
        torch.testing.assert_close(together["weights"][name], weight, rtol=1e-3, atol=1e-4)


def test_the_run_folder_is_written_once(two_processes: Path) -> None:
    assert len((two_processes / "history.jsonl").read_text().splitlines()) == 3
    assert len(list((two_processes / "tensorboard").glob("events.out.tfevents.*"))) == 2  # the run's and its settings'
