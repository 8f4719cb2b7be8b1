"""Pretrained vectors through the one loop: kept, trained, or trained once the head has found its place."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny_data import BAD, GOOD, NEUTRAL
from tiny_vectors import save_tiny_vectors

from textwright.data.dataset import Dataset
from textwright.data.vectors import open_vectors
from textwright.training.run import TrainedModel, train
from textwright.training.settings import TrainSettings


def fit(dataset: Dataset, folder: Path, *, num_epochs: int, vector_training: str) -> tuple[TrainedModel, bool]:
    """Train, and tell whether the vectors are still those of the file."""
    path = save_tiny_vectors(folder / "tiny.vec", {"good": GOOD, "bad": BAD, "neutral": NEUTRAL})
    settings = TrainSettings(
        min_steps=0,
        family="bow-glove",
        num_epochs=num_epochs,
        patience=num_epochs,
        batch_size=16,
        learning_rate=0.02,
        device="cpu",
    )
    model = {"vectors": str(path), "vector_training": vector_training, "num_frozen_epochs": 2, "word_dropout": 0}
    trained = train(dataset, settings, model, run_dir=folder / "run")
    words = trained.tokenizer.vocabulary[2:]
    return trained, torch.equal(
        trained.module.word_vectors[2:], torch.from_numpy(open_vectors(path).take(words).vectors)
    )


@pytest.mark.parametrize(
    ("vector_training", "num_epochs", "is_kept"),
    [("frozen", 4, True), ("thawed", 2, True), ("thawed", 6, False), ("fine-tuned", 2, False)],
)
def test_vectors_move_when_they_may(
    vector_training: str, num_epochs: int, is_kept: bool, dataset: Dataset, tmp_path: Path
) -> None:
    trained, found = fit(dataset, tmp_path, num_epochs=num_epochs, vector_training=vector_training)
    assert found == is_kept
    assert trained.summary["tokens_with_vector"] == 1.0
    if num_epochs == 6:
        assert trained.summary["best_epoch"] > 2  # else the best weights would be those of a frozen epoch
