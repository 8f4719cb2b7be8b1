"""A forked process, as of ``gunicorn --preload``: it answers like its parent, and ends."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")

_FORK = """
import os, signal, sys
import textwright

def child_of(answer):
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)  # a child that hangs ends by a signal
        answer()
        sys.exit(0)  # as a worker ends that is recycled: everything is let go of
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
"""


def run(program: str, *arguments: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _FORK + program, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stderr


def test_a_child_predicts_like_its_parent_and_ends(make_artifact):
    run(
        """
predictor = textwright.load(sys.argv[1], num_threads=2)
texts = ["a good film", "an awful story of an actor"] * 50
before = predictor.predict(texts)

def answer():
    assert predictor.predict(texts) == before

assert child_of(answer) == 0
assert child_of(lambda: child_of(answer)) == 0
assert child_of(lambda: None) == 0

def answer_by_another_model():
    path = predictor.graph_path
    path.write_bytes(path.read_bytes() + b"")
    try:
        predictor.predict(texts)
    except textwright.errors.BackendError as error:
        assert "load the model in the child process" in str(error), error
    else:
        raise AssertionError

assert child_of(answer_by_another_model) == 0
assert predictor.predict(texts) == before
""",
        str(make_artifact("forked", num_slow_layers=2)),
    )


def test_openvino_says_where_to_load_instead(make_artifact):
    pytest.importorskip("openvino")
    run(
        """
from pathlib import Path
from textwright.runtime.engines import open_session
import numpy as np
session = open_session(Path(sys.argv[1]) / "model.onnx", "openvino", num_threads=2)
ids = np.ones((2, 3), dtype=np.int64)
session.infer(ids, ids)

def answer():
    try:
        session.infer(ids, ids)
    except textwright.errors.BackendError as error:
        assert "gunicorn without --preload" in str(error), error
    else:
        raise AssertionError

assert child_of(answer) == 0
""",
        str(make_artifact("forked-openvino", num_slow_layers=2)),
    )
