"""Arrays in files hold what arrays in memory hold."""

from __future__ import annotations

import numpy as np
import pytest

from textwright.core import large_arrays
from textwright.core.encodings import Encodings


@pytest.mark.parametrize("max_bytes", [0, 10, 2**20])
def test_parts_are_joined_in_order_in_memory_and_in_a_file(max_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_arrays, "MAX_BYTES_IN_MEMORY", max_bytes)
    parts = [np.arange(start, start + 3, dtype=np.int32) for start in range(0, 12, 3)]

    joined = large_arrays.concatenate(iter(parts), np.int32)

    assert joined.tolist() == list(range(12))
    assert joined.dtype == np.int32


@pytest.mark.parametrize("max_bytes", [0, 2**20])
def test_an_allocated_array_can_be_written_and_read(max_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_arrays, "MAX_BYTES_IN_MEMORY", max_bytes)
    table = large_arrays.allocate((2, 5), np.uint32)

    table[1] = np.arange(5)

    assert isinstance(table.base, np.memmap) is (max_bytes == 0)
    assert table[1].tolist() == [0, 1, 2, 3, 4]


def test_no_parts_give_an_empty_array() -> None:
    assert large_arrays.concatenate([], np.int32).tolist() == []


def test_encodings_are_joined_alike_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [Encodings.of([[1, 2], []], [False, True]), Encodings.of([[3]])]
    in_memory = Encodings.join(parts)
    monkeypatch.setattr(large_arrays, "MAX_BYTES_IN_MEMORY", 0)

    in_file = Encodings.join(iter(parts))

    assert list(in_file) == list(in_memory)
    assert in_file.take(np.array([2, 0])).ids.tolist() == [3, 1, 2]
