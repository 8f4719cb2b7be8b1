"""A large source's texts, in a file, are read as they were written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textwright.core import large_arrays
from textwright.data import reader
from textwright.data.load import load_dataset
from textwright.data.settings import DataSettings
from textwright.data.stored_texts import StoredTexts, take_texts

TEXTS = ["", "one", "zwei Wörter", "三", "lone \ud800 surrogate", "last\nline"]


@given(st.lists(st.text(st.characters(), max_size=8), max_size=20), st.data())
def test_any_texts_come_back_in_any_order(texts: list[str], data: st.DataObject) -> None:
    stored = StoredTexts(texts)
    rows = np.array(data.draw(st.lists(st.integers(0, len(texts) - 1)) if texts else st.just([])), dtype=np.int64)

    assert list(stored) == texts
    assert list(stored.take(rows)) == [texts[row] for row in rows.tolist()]


def test_indices_and_slices_are_those_of_a_list() -> None:
    stored = StoredTexts(TEXTS)

    assert len(stored) == len(TEXTS)
    assert stored[-1] == TEXTS[-1]
    assert stored[1:4] == TEXTS[1:4]
    assert stored[::-2] == TEXTS[::-2]
    with pytest.raises(IndexError):
        stored[len(TEXTS)]


@pytest.mark.parametrize("has_pread", [True, False])
def test_texts_can_be_appended_after_reading(has_pread: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not has_pread:
        monkeypatch.delattr("os.pread", raising=False)
    stored = StoredTexts(["a"])
    assert stored[0] == "a"

    stored.append("b")

    assert list(stored) == ["a", "b"]


def test_far_apart_texts_are_read_one_by_one() -> None:
    stored = StoredTexts(["first", "x" * 100_000, "last"])

    assert list(stored.take(np.array([2, 0]))) == ["last", "first"]


def test_taking_twice_counts_from_what_was_taken() -> None:
    taken = take_texts(StoredTexts(TEXTS), np.array([5, 3, 1]))

    assert list(take_texts(taken, np.array([2, 0]))) == ["one", "last\nline"]


def test_a_large_source_gives_the_dataset_of_a_small_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "rows.csv"
    rows = [f"text number {row} about {'good' if row % 2 else 'bad'} things,{row % 2}" for row in range(60)]
    source.write_text("\n".join(["text,label", *rows, rows[0]]), encoding="utf-8")
    small = load_dataset(str(source), DataSettings())
    monkeypatch.setattr(reader, "MAX_CHARACTERS_IN_MEMORY", 100)
    monkeypatch.setattr(large_arrays, "MAX_BYTES_IN_MEMORY", 100)

    large = load_dataset(str(source), DataSettings())

    assert isinstance(large.train.texts, StoredTexts)
    assert large.fingerprint == small.fingerprint
    for name, part in small.splits.items():
        assert list(large.splits[name].texts) == part.texts
        assert large.splits[name].targets.tolist() == part.targets.tolist()
