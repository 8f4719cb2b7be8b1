"""The short form of the overload benchmark: clients that post more than a slow model can compute, for two minutes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.api

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "serving" / "overload.py"


def test_as_many_texts_are_answered_in_time_as_by_one_client():
    command = [sys.executable, SCRIPT, "--answers", "15", "--trial"]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, timeout=500)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert all("429" in load["statuses"] for name, load in found["loads"].items() if name.startswith("8"))
    assert min(found["share_of_one_client"]["texts_per_second"].values()) >= 0.9
