"""Fixtures of training: tiny datasets, one thread for tiny tensors."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from tiny_data import make_dataset

from textwright.core.labels import Task
from textwright.data.dataset import Dataset


@pytest.fixture(autouse=True, scope="package")
def one_thread() -> Iterator[None]:
    """Threads that wait for each other over tiny tensors take most of the time on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def dataset() -> Dataset:
    return make_dataset()


@pytest.fixture
def multilabel_dataset() -> Dataset:
    return make_dataset(task=Task.MULTI_LABEL)
