"""Fixtures of training: tiny datasets, and nothing left behind in accelerate."""

from __future__ import annotations

import pytest
from tiny_data import make_dataset

from textwright.core.labels import Task
from textwright.data.dataset import Dataset


@pytest.fixture
def dataset() -> Dataset:
    return make_dataset()


@pytest.fixture
def multilabel_dataset() -> Dataset:
    return make_dataset(task=Task.MULTI_LABEL)
