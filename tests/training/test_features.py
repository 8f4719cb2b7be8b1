from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from textwright.core.callbacks import Callback
from textwright.core.encodings import Encodings
from textwright.models.family import Stages
from textwright.models.feature_cache import FeatureCache, cache_folder, text_keys
from textwright.training.batches import EncodedExamples
from textwright.training.device import make_accelerator
from textwright.training.features import FeatureSplits, encode_splits
from textwright.training.loop import TrainingRuntime
from textwright.training.settings import Device


class Sums(nn.Module):
    """Gives a text's sum of ids, times a weight, and its length; counts the texts that it is asked for."""

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight))
        self.num_texts = 0

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        self.num_texts += len(input_ids)
        total = (input_ids * attention_mask).sum(dim=1) * self.weight
        return torch.stack([total, attention_mask.sum(dim=1).float()], dim=1)


TEXTS = [[1, 2, 3], [9], [], [4, 4], [9]]
VALIDATION = [[4, 4], [7, 7, 7]]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TEXTWRIGHT_CACHE", str(tmp_path))
    return tmp_path / "features"


def examples(lists: list[list[int]]) -> EncodedExamples:
    return EncodedExamples(Encodings.of(lists), np.arange(len(lists)), 0)


class Recorder(Callback):
    def __init__(self) -> None:
        self.told: list[tuple[int, int]] = []

    def on_progress(self, stage: str, done: int, total: int) -> None:
        assert stage == "encoding the texts"
        self.told.append((done, total))


def encode(
    encoder: Sums, *, description: str = "", texts: list[list[int]] = TEXTS, callback: Recorder | None = None
) -> FeatureSplits:
    stages = Stages(encoder, nn.Linear(2, 2), 2, description)
    runtime = TrainingRuntime(make_accelerator(Device.CPU))
    return encode_splits(stages, examples(texts), examples(VALIDATION), runtime, callback or Recorder())


def expected(lists: list[list[int]], weight: float = 1.0) -> np.ndarray:
    return np.array([[sum(ids) * weight, len(ids)] for ids in lists], dtype=np.float32)


def test_features_stand_in_the_order_of_the_texts() -> None:
    train, validation = encode(Sums())
    np.testing.assert_array_equal(train.features, expected(TEXTS))
    np.testing.assert_array_equal(validation.features, expected(VALIDATION))
    inputs, targets = train.batch(np.array([3, 0]))
    np.testing.assert_array_equal(inputs[0], expected([[4, 4], [1, 2, 3]]))
    assert targets.tolist() == [3, 0]


def test_progress_is_told_of_what_is_left_to_encode() -> None:
    first, again = Recorder(), Recorder()
    encode(Sums(), texts=[[index] for index in range(1, 1501)], callback=first)
    encode(Sums(), texts=[[index] for index in range(1, 1511)], callback=again)
    assert first.told == [(1024, 1500), (1500, 1500), (2, 2)]
    assert again.told == [(10, 10)]


def test_a_text_is_encoded_once_for_all_runs_and_splits() -> None:
    first, second = Sums(), Sums()
    encode(first)
    assert first.num_texts == len(TEXTS) + 1  # of the validation split, [4, 4] is known from training
    again = encode(second, texts=[*TEXTS[::-1], [5]])
    assert second.num_texts == 1
    np.testing.assert_array_equal(again.train.features, expected([*TEXTS[::-1], [5]]))


@pytest.mark.parametrize(("weight", "description"), [(2.0, ""), (1.0, "other pooling")])
def test_another_encoder_has_features_of_its_own(weight: float, description: str) -> None:
    encode(Sums())
    other = Sums(weight)
    train, _ = encode(other, description=description)
    assert other.num_texts == len(TEXTS) + 1
    np.testing.assert_array_equal(train.features, expected(TEXTS, weight))


def test_a_damaged_file_is_said_and_computed_anew(cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    encode(Sums())
    for file in cache.rglob("*.npz"):
        file.write_bytes(file.read_bytes()[:100])
    again = Sums()
    with caplog.at_level(logging.WARNING):
        train, _ = encode(again)
    assert again.num_texts == len(TEXTS) + 1
    assert "cannot be read" in caplog.text
    np.testing.assert_array_equal(train.features, expected(TEXTS))


def test_features_that_are_quick_to_compute_are_not_kept(cache: Path) -> None:
    stages = Stages(Sums(), nn.Linear(2, 2), 2, "", keeps_features=False)
    runtime = TrainingRuntime(make_accelerator(Device.CPU))
    train, validation = encode_splits(stages, examples(TEXTS), examples(VALIDATION), runtime, Recorder())
    np.testing.assert_array_equal(train.features, expected(TEXTS))
    np.testing.assert_array_equal(validation.features, expected(VALIDATION))
    assert not cache.exists()


def test_two_processes_that_add_the_same_do_not_disturb_each_other(tmp_path: Path) -> None:
    keys = text_keys(Encodings.of(TEXTS))
    for _ in range(2):
        FeatureCache(tmp_path / "shared", 2).add(keys, expected(TEXTS))
    features, is_known = FeatureCache(tmp_path / "shared", 2).read([*keys, b"never seen......"])
    assert is_known.tolist() == [True] * len(TEXTS) + [False]
    np.testing.assert_array_equal(features[:-1], expected(TEXTS))


def test_texts_are_told_apart_by_where_they_are_cut() -> None:
    keys = text_keys(Encodings.of([[1, 2], [3], [1], [2, 3], []]))
    assert len(set(keys)) == 5


def test_the_folder_depends_on_every_weight(tmp_path: Path) -> None:
    one, two = nn.Linear(50, 50), nn.Linear(50, 50)
    two.load_state_dict(one.state_dict())
    assert cache_folder(one, "") == cache_folder(two, "")
    with torch.no_grad():
        two.weight[-1, -1] += 1e-6
    assert cache_folder(one, "") != cache_folder(two, "")
