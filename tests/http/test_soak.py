"""The short form of the soak: half a minute of twice what the server can answer."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.api

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "serving" / "soak.py"


def test_no_answer_is_lost_or_swapped_and_nothing_is_left_behind(tiny_artifact, tmp_path):
    result = tmp_path / "soak.json"
    command = [sys.executable, SCRIPT, tiny_artifact, "--seconds", "30", "--out", result]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(result.read_text())
    assert found["wrong"] == []
    assert found["outcomes"]["good 200"] > 1000
    assert {"abandoned", "bad 400", "bad 422"} <= set(found["outcomes"])
