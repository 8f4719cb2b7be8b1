"""Train on the tiny dataset in a process of its own, to be killed or to be one of several.

Usage: training_process.py RUN_DIR [STOP_AT_STEP]

With STOP_AT_STEP it says so on standard output when it gets there, and waits to be killed. Without, it writes the
weights to RUN_DIR/weights-PROCESS.pt.
"""
# ruff: noqa: ARG002  a callback is given more than it uses

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import torch
from tiny_data import make_dataset

from textwright.core.callbacks import Callback
from textwright.training.run import train
from textwright.training.settings import TrainSettings

SETTINGS = TrainSettings(
    family="bow", min_steps=0, num_epochs=3, patience=3, batch_size=16, seed=7, checkpoint_every_s=0, device="cpu"
)
FAMILY_SETTINGS = {"embedding_dim": 8, "num_bigram_buckets": 64}
WITHOUT_DROPOUT = {**FAMILY_SETTINGS, "dropout": 0, "word_dropout": 0}
"""Dropout is drawn by each process for itself, so only without it can one process and two be compared."""


class StopAt(Callback):
    def __init__(self, step: int) -> None:
        self._step = step

    def on_step_end(self, step: int, loss: float, learning_rate: float) -> None:
        if step == self._step:
            sys.stdout.write(f"at step {step}\n")
            sys.stdout.flush()
            time.sleep(600)


def main(run_dir: Path, stop_at: int | None) -> None:
    if stop_at is not None:
        train(make_dataset(), SETTINGS, FAMILY_SETTINGS, run_dir=run_dir, callbacks=[StopAt(stop_at)])
        return
    model = train(make_dataset(), SETTINGS, WITHOUT_DROPOUT, run_dir=run_dir)
    content = {"weights": model.module.state_dict(), "is_main": model.is_main, "temperature": model.temperature}
    torch.save(content, run_dir / f"weights-{os.environ.get('RANK', '0')}.pt")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else None)
