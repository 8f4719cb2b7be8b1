"""Texts are known again by their hashes, and a file that is another run's says nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_data import make_dataset

from textwright.data import text_hashes
from textwright.data.text_hashes import TEXT_HASHES, find_texts, hash_texts, read_text_hashes, write_text_hashes


def test_texts_are_known_whatever_their_case_and_white_space() -> None:
    known = hash_texts(["A good  film", "天地", ""] * 200)
    assert find_texts(["a GOOD film ", "天地", "", "a bad film"], known).tolist() == [True, True, True, False]
    assert len(hash_texts([])) == 0


def test_both_splits_are_written_and_read(tmp_path: Path) -> None:
    dataset = make_dataset(50)
    found = read_text_hashes(tmp_path, write_text_hashes(dataset, tmp_path))
    assert found is not None
    assert found.is_complete
    assert find_texts(dataset.train.texts, found.train).all()
    assert find_texts(dataset.validation.texts, found.validation).all()
    assert not find_texts(["never seen before at all"], found.train).any()


def test_what_is_missing_damaged_or_of_another_run_is_not_known(tmp_path: Path) -> None:
    digest = write_text_hashes(make_dataset(50), tmp_path)
    assert read_text_hashes(tmp_path, "") is None
    assert read_text_hashes(tmp_path / "elsewhere", digest) is None
    write_text_hashes(make_dataset(40), tmp_path)
    assert read_text_hashes(tmp_path, digest) is None
    (tmp_path / TEXT_HASHES).write_bytes(b"no archive")
    assert read_text_hashes(tmp_path, text_hashes.sha256_of(tmp_path / TEXT_HASHES)) is None


def test_of_too_many_texts_a_part_is_kept_and_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_hashes, "_MAX_HASHES", 10)
    found = read_text_hashes(tmp_path, write_text_hashes(make_dataset(50), tmp_path))
    assert found is not None
    assert (len(found.train), found.is_complete) == (10, False)
