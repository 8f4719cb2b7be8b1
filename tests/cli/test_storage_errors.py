"""A disk that is full or not to be written: one sentence with the cure, no traceback."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from rich.console import Console

from textwright.cli import main
from textwright.cli.main import RemarkStream, run


def test_an_out_below_a_file_is_refused_in_words(tmp_path, capsys):
    (tmp_path / "file").touch()
    data = tmp_path / "data.csv"
    data.write_text("text,label\n" + "".join(f"film {n},{'ab'[n % 2]}\n" for n in range(40)))
    assert run(["train", str(data), "--out", str(tmp_path / "file" / "run")]) == 3
    error = capsys.readouterr().err
    assert "a part of the path is a file; name another folder" in error
    assert "Traceback" not in error


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EFBIG])
def test_each_storage_error_names_file_and_cure(monkeypatch, capsys, number):
    def fail(_arguments):
        raise OSError(number, os.strerror(number), "runs/x")

    monkeypatch.setattr(main, "build_app", fail)
    assert run(["train"]) == 3
    assert f"error: runs/x: {os.strerror(number)}; " in capsys.readouterr().err


def test_another_error_of_the_system_is_a_defect(monkeypatch):
    def fail(_arguments):
        raise OSError(errno.EBADF, "Bad file descriptor")

    monkeypatch.setattr(main, "build_app", fail)
    with pytest.raises(OSError, match="Bad file"):
        run(["train"])


def test_a_writing_thread_leaves_the_words_to_the_main_one(capsys):
    for error in (OSError(errno.ENOSPC, "full"), ValueError("a defect")):
        main._silence_storage_errors(threading.ExceptHookArgs((type(error), error, None, None)))
    shown = capsys.readouterr().err
    assert "a defect" in shown
    assert "full" not in shown


def test_no_folder_for_temporary_files_names_the_variable(monkeypatch, capsys):
    def fail(_arguments):
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr(main, "build_app", fail)
    assert run(["train"]) == 3
    assert "found in ['/tmp']; set TMPDIR to a folder that can be written" in capsys.readouterr().err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_behind_standard_output_is_said(tiny_artifact, tmp_path):
    (tmp_path / "in.csv").write_text("text\n" + "good\n" * 1_000)
    command = [sys.executable, "-m", "textwright", "predict", str(tiny_artifact), "--input", "in.csv", "--output", "-"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 3
    assert done.stderr.startswith("error: No space left on device; free some space")
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_standard_error_ends_no_command():
    with io.TextIOWrapper(io.FileIO("/dev/full", "w"), write_through=True) as full:
        stream = RemarkStream(full)
        Console(file=stream).print("a remark")
        stream.flush()
        assert stream.name == "/dev/full"
        with pytest.raises(OSError, match="No space left"):
            full.write("what is no remark")
