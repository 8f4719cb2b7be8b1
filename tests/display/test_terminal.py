"""What is shown survives a console that knows few characters."""

from __future__ import annotations

import io
import json
import re
import sys

from textwright.cli.main import run, show_any_character
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
        view.on_epoch_end(EpochRecord(2, 20, 0.5, 0.4, 0.5, is_best=False, metric="exact match"), None)
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
        "epoch   1  train loss 0.5000  validation loss 0.4000  accuracy 75.0 %  best",
        "epoch   2  train loss 0.5000  validation loss 0.4000  exact match 50.0 %",
        "[1/3] int8: weights of 8 bits",
        "int8 passes: twice as fast",
    ]


def test_quiet_progress_says_nothing(capsys):
    watch(quiet=True)
    assert capsys.readouterr().err == ""


def test_lines_break_at_spaces_where_somebody_watches_and_commands_stay_whole(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    terminal = Terminal(Output())
    sentence = "not distinguishable from the linear baseline, which trains in seconds and is as accurate"
    command = "textwright compare encuesta.csv --encoding cp1252 --out es-compare"
    terminal.say(sentence)
    terminal.next(command)
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert len(lines) > 2
    assert " ".join(line.strip() for line in lines) == sentence
    assert command in captured.err


def test_what_is_piped_keeps_its_lines(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "40")
    Terminal(Output()).say("word " * 40)
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_an_error_breaks_at_spaces(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    assert run(["predict", "nowhere"]) != 0
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in capsys.readouterr().err.splitlines()]
    assert lines[0].startswith("error: ")
    assert max(map(len, lines)) <= 40


def test_no_spinner_stays_behind():
    assert Terminal(Output()).progress().live.transient
