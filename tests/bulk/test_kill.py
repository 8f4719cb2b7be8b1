"""Killed anywhere and run again: nothing twice, nothing missing, no process left."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from scoring_process import contents, num_done, start, wait_until

from textwright.bulk.run import score_files
from textwright.bulk.settings import ScoreSettings

NUM_ROWS = 600


@pytest.fixture
def source(tmp_path) -> Path:
    path = tmp_path / "in.jsonl"
    rows = [json.dumps({"id": number, "text": f"good {number} " + "the " * 12}) + "\n" for number in range(NUM_ROWS)]
    path.write_text("".join(rows))
    return path


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


SETTINGS = ScoreSettings(workers=1, fragment_rows=20)


def check_output(artifact, source, out, whole):
    summary = score_files(artifact, str(source), str(out), settings=SETTINGS)
    assert summary.num_rows == NUM_ROWS
    assert 0 < summary.num_scored < NUM_ROWS
    score_files(artifact, str(source), str(whole), settings=SETTINGS)
    assert contents(out) == contents(whole)


@pytest.mark.slow
def test_a_killed_run_is_gone_on_with(tmp_path, make_artifact, source):
    artifact, out = make_artifact("slow", num_slow_layers=64), tmp_path / "out"
    with start(artifact, source, out, "--workers", "1", "--fragment-rows", "20") as process:
        wait_until(lambda: num_done(out))
        process.kill()
    assert 0 < num_done(out) < NUM_ROWS / 20
    check_output(artifact, source, out, tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")
def test_no_process_is_left_and_one_that_ends_is_told(tmp_path, make_artifact, source):
    artifact, out = make_artifact("slow", num_slow_layers=64), tmp_path / "out"
    flags = ("--workers", "2", "--fragment-rows", "20")
    with start(artifact, source, out, *flags) as process:
        wait_until(lambda: num_done(out))
        children = children_of(process.pid)
        process.kill()
        assert len(children) >= 2
        wait_until(lambda: not any(map(is_alive, children)))
    before = num_done(out)
    assert 0 < before < NUM_ROWS / 20
    with start(artifact, source, out, *flags, "--json") as process:
        wait_until(lambda: num_done(out) > before)
        worker = children_of(process.pid)[-1]
        os.kill(worker, signal.SIGKILL)
        assert process.wait(60) == 8
        assert "a process that scored has ended" in process.stderr.read()
    check_output(artifact, source, out, tmp_path / "whole")
