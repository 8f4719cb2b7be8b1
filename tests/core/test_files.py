"""A reader sees the old content or the new, never a part of either."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import pytest

from textwright.core.files import atomic_file, atomic_folder, sha256_of, write_text


def test_a_file_appears_only_when_it_is_whole(tmp_path):
    path = tmp_path / "new" / "file"
    with atomic_file(path) as file:
        file.write(b"content")
        assert not path.exists()
    assert path.read_bytes() == b"content"
    assert sha256_of(path) == hashlib.sha256(b"content").hexdigest()


def test_a_failed_write_keeps_the_old_file_and_leaves_nothing(tmp_path):
    path = tmp_path / "file"
    write_text(path, "old")

    def fail():
        with atomic_file(path) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_replaces_another_as_a_whole(tmp_path):
    path = tmp_path / "folder"
    for name in ("first", "second"):
        with atomic_folder(path) as folder:
            (folder / name).touch()
    assert [item.name for item in path.iterdir()] == ["second"]
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_folder_keeps_the_old_one(tmp_path):
    path = tmp_path / "folder"
    with atomic_folder(path) as folder:
        (folder / "old").touch()

    def fail():
        with atomic_folder(path) as folder:
            (folder / "new").touch()
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert [item.name for item in path.iterdir()] == ["old"]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("write", [atomic_file, atomic_folder])
def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path, write):
    path = tmp_path / "out.csv"
    killed = f"""if True:
        import os, pathlib
        from textwright.core.files import {write.__name__}
        with {write.__name__}(pathlib.Path({str(path)!r})):
            os.kill(os.getpid(), 9)
    """
    subprocess.run([sys.executable, "-c", killed], check=False)
    (left,) = tmp_path.iterdir()
    other = tmp_path / ".out.csv.notes"
    other.touch()
    with write(path):
        assert not left.exists()
        with write(path):  # another run at the same time: its files are locked
            assert sum(item.name.startswith(".out.csv.") for item in tmp_path.iterdir()) == 3
    assert {item.name for item in tmp_path.iterdir()} == {"out.csv", other.name}
