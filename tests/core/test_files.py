"""A reader sees the old content or the new, never a part of either."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import pytest

from textwright.core.files import atomic_file, atomic_folder, exclusive_folder, sha256_of, write_text
from textwright.errors import SettingsError


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


def test_one_process_at_a_time_writes_into_a_folder(tmp_path):
    out = tmp_path / "runs" / "one"
    program = (
        "import sys, time; from pathlib import Path; from textwright.core.files import exclusive_folder\n"
        "with exclusive_folder(Path(sys.argv[1])):\n    print('locked', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(out)], stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"locked\n"
        with (
            pytest.raises(SettingsError, match="another textwright is writing into this folder"),
            exclusive_folder(out),
        ):
            pass
        other.kill()
    with exclusive_folder(out):
        (out / "file").touch()
    with exclusive_folder(out):  # what lies there is no matter
        pass
    assert list(out.iterdir()) == [out / "file"]


def test_a_locked_folder_without_content_is_removed(tmp_path):
    with pytest.raises(ValueError, match="stop"), exclusive_folder(tmp_path / "new"):
        raise ValueError("stop")
    assert not (tmp_path / "new").exists()


def test_processes_that_train_together_share_a_folder(tmp_path, monkeypatch):
    with exclusive_folder(tmp_path):
        monkeypatch.setenv("RANK", "1")
        with exclusive_folder(tmp_path):
            pass
