from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2
from tiny_data import make_dataset

from textwright.core.callbacks import EpochRecord
from textwright.core.labels import Task
from textwright.data.dataset import Examples
from textwright.training.run import TENSORBOARD, train
from textwright.training.settings import TrainSettings
from textwright.training.tensorboard import TensorBoard

SETTINGS = TrainSettings(family="bow", min_steps=0, num_epochs=2, batch_size=16, patience=2, device="cpu")


def read(folder: Path) -> EventAccumulator:
    return EventAccumulator(str(folder), size_guidance={"tensors": 0, "scalars": 0}).Reload()


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    train(make_dataset(), SETTINGS, {"embedding_dim": 8}, run_dir=folder)
    return folder


def test_curves_are_written_for_steps_and_epochs(run_dir: Path) -> None:
    events = read(run_dir / TENSORBOARD)
    steps = {tag: [event.step for event in events.Scalars(tag)] for tag in events.Tags()["scalars"]}
    assert steps["train/loss"] == steps["train/learning_rate"] == list(range(1, 31))
    assert steps["validation/loss"] == steps["validation/accuracy"] == steps["train/epoch_loss"] == [15, 30]


def test_texts_are_shown_with_their_predictions(run_dir: Path) -> None:
    samples = read(run_dir / TENSORBOARD).Tensors("validation/samples/text_summary")[-1]
    listing = samples.tensor_proto.string_val[0].decode()
    assert make_dataset().validation.texts[0] in listing
    assert "- **positive** 0." in listing
    assert "(right): " in listing


def test_word_vectors_are_projected_with_their_words(run_dir: Path) -> None:
    (folder,) = (run_dir / TENSORBOARD).glob("*/word_vectors")
    words = (folder / "metadata.tsv").read_text().splitlines()
    vectors = np.loadtxt(folder / "tensors.tsv")
    assert words[:2] == ["[PAD]", "[UNK]"]
    assert "good" in words
    assert vectors.shape == (len(words), 8)


def test_settings_stand_beside_the_best_result(run_dir: Path) -> None:
    events = read(run_dir / TENSORBOARD)
    content = events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    values = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info.hparams
    assert values["batch_size"].number_value == 16
    assert values["model.embedding_dim"].number_value == 8
    assert values["family"].string_value == "bow"
    accuracies = [event.value for event in events.Scalars("validation/accuracy")]
    assert events.Scalars("best/accuracy")[0].value == max(accuracies)


def test_a_new_run_removes_the_events_of_the_one_before(tmp_path: Path) -> None:
    for _ in range(2):
        train(make_dataset(), SETTINGS, {"embedding_dim": 8}, run_dir=tmp_path, overwrite=True)
    assert len(read(tmp_path / TENSORBOARD).Scalars("validation/loss")) == 2


def test_texts_are_taken_from_the_whole_split(tmp_path: Path) -> None:
    dataset = make_dataset()
    by_label = dataset.validation.take(np.argsort(dataset.validation.targets, kind="stable"))
    right = np.where(by_label.targets[:, None] == np.arange(2), 3, -3).astype(np.float32)
    with TensorBoard(tmp_path, dataset.labels, by_label) as board:
        board.on_train_begin(1, 0)
        board.on_epoch_end(EpochRecord(1, 1, 0.5, 0.5, 0.5, is_best=True), right)
    listing = read(tmp_path).Tensors("validation/samples/text_summary")[0].tensor_proto.string_val[0].decode()
    assert listing.count("(right)") == 16
    assert listing.count("**negative**") >= 6
    assert listing.count("**positive**") >= 6


def test_reading_a_finished_run_again_is_silent(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train(make_dataset(), SETTINGS, {"embedding_dim": 8}, run_dir=run_dir)
    assert "".join(capsys.readouterr()) == ""
    assert len(list((run_dir / TENSORBOARD).glob("*/word_vectors"))) == 1


def test_texts_cannot_break_the_listing(tmp_path: Path) -> None:
    dataset = make_dataset(task=Task.MULTI_LABEL)
    nasty = Examples(["- a *b*\nc <script>", ""], np.zeros((2, 3), dtype=bool))
    with TensorBoard(tmp_path, dataset.labels, nasty) as board:
        board.on_train_begin(1, 0)
        board.on_epoch_end(EpochRecord(1, 1, 0.5, 0.5, 0.5, is_best=True), np.full((2, 3), -2, dtype=np.float32))
    listing = read(tmp_path).Tensors("validation/samples/text_summary")[0].tensor_proto.string_val[0].decode()
    assert listing.splitlines()[0] == r"- **(none)** 0.12 (right): - a \*b\* c \<script\>"


def test_odd_words_stay_on_their_line(tmp_path: Path) -> None:
    dataset = make_dataset()
    words = ["[PAD]", "a\tb", "c\nd", "caf\u00e9"]
    with TensorBoard(tmp_path, dataset.labels, dataset.validation) as board:
        board.on_train_begin(1, 0)
        board.close_run({"seed": 1}, EpochRecord(1, 1, 0.5, 0.5, 0.5, is_best=True), words, torch.zeros(4, 2))
    (metadata,) = tmp_path.rglob("metadata.tsv")
    assert metadata.read_text().splitlines() == ["[PAD]", "a\\tb", "c\\nd", "caf\u00e9"]


def test_a_search_that_goes_on_keeps_the_events_before_and_leaves_no_writer(tmp_path: Path) -> None:
    dataset = make_dataset()
    with TensorBoard(tmp_path, dataset.labels, dataset.validation) as board:
        board.on_train_begin(2, 0)
        board.on_step_end(1, 0.5, 0.0)
        board.on_train_begin(1, 0)
        board.on_step_end(2, 0.4, 0.0)
    assert [event.step for event in read(tmp_path).Scalars("train/loss")] == [1, 2]
    assert len(list(tmp_path.glob("events.*"))) == 1
