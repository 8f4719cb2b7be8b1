"""The next command repeats the flags that this one needed."""

from __future__ import annotations

import shlex
from types import SimpleNamespace

from textwright.cli.flags import typed
from textwright.cli.train import _next
from textwright.data.settings import DataSettings


def test_only_what_was_typed_is_repeated_and_quoted():
    assert typed(DataSettings()) == ""
    data = DataSettings(encoding="cp1252", label_separator="|", split_seed=3)
    assert shlex.split(typed(data)) == ["--encoding", "cp1252", "--label-separator", "|", "--split-seed", "3"]


def test_a_switch_is_repeated_as_a_switch():
    data = DataSettings(quotes=not DataSettings().quotes)
    assert typed(data).strip() in {"--quotes", "--no-quotes"}


def test_comparing_after_training_reads_the_file_alike(tmp_path):
    built = SimpleNamespace(beats_majority=False, baselines=[SimpleNamespace(is_undecided=False)])
    said = shlex.split(_next(built, "mi encuesta.csv", typed(DataSettings(encoding="cp1252")), tmp_path / "a run"))
    assert said[:5] == ["textwright", "compare", "mi encuesta.csv", "--encoding", "cp1252"]
    assert said[-1] == f"{tmp_path}/a run-compare"
