"""What is shown survives a console that knows few characters."""

from __future__ import annotations

import io
import json
import sys

from textwright.cli.main import show_any_character
from textwright.core.callbacks import EpochRecord, RunInfo
from textwright.display.terminal import Output, ProgressView, Terminal

TEXT = "caf\u00e9 \u6771\u4eac"


def test_a_console_without_a_character_shows_its_escape():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    show_any_character(stream)
    stream.write(TEXT)
    stream.flush()
    assert stream.buffer.getvalue() == rb"caf\xe9 \u6771\u4eac"
    show_any_character(None)  # as where standard output is closed


def test_json_is_json_in_any_encoding(monkeypatch):
    for encoding in ("ascii", "latin-1", "utf-8"):
        stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        monkeypatch.setattr(sys, "stdout", stream)
        Terminal(Output(json=True)).result({"text": TEXT}, lambda: None)
        stream.flush()
        written = stream.buffer.getvalue().decode(encoding)
        assert json.loads(written) == {"text": TEXT}
        assert (TEXT in written) == (encoding == "utf-8")


def watch(quiet):
    with ProgressView(Terminal(Output(quiet=quiet)), "reading the data") as view:
        view.on_progress("fetching the data", 1, 2)
        view.on_warning("2 rows were dropped [they are empty]")
        view.on_stage_begin("fitting the baselines")
        view.on_train_begin(10, 4)
        view.on_step_end(5, 0.5, 1e-3)
        view.on_epoch_end(EpochRecord(1, 10, 0.5, 0.4, 0.75, is_best=True), None)
        run = RunInfo("int8", "weights of 8 bits", 1, 3)
        view.on_run_begin(run)
        view.on_run_end(run, "passes: twice as fast")


def test_where_nobody_watches_each_stage_is_a_line(capsys):
    watch(quiet=False)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert [line.strip() for line in captured.err.splitlines() if line.strip()] == [
        "! 2 rows were dropped [they are empty]",
        "fitting the baselines",
        "going on from the checkpoint, step 4 of 10",
        "epoch   1  train loss 0.5000  validation loss 0.4000  accuracy 75.00%  best",
        "[1/3] int8: weights of 8 bits",
        "int8 passes: twice as fast",
    ]


def test_quiet_progress_says_nothing(capsys):
    watch(quiet=True)
    assert capsys.readouterr().err == ""
