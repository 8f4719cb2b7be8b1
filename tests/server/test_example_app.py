"""The documented example of one's own application runs, tests included, and says what the Python API says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import textwright

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"

ASK = """
from fastapi.testclient import TestClient
from own_app import app
answer = TestClient(app).post("/predict", json={"text": "a good film"})
print(answer.json())
"""


def run(*words, **env):
    return subprocess.run(
        [sys.executable, *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(EXAMPLES), "PYTHONDONTWRITEBYTECODE": "1", **env},
    )


def test_its_own_tests_pass(tmp_path):
    done = run(
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "-c",
        os.devnull,
        "--rootdir",
        str(tmp_path),
        str(EXAMPLES / "test_own_app.py"),
    )
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout


def test_it_says_what_the_model_says(tiny_artifact):
    done = run("-c", ASK, MODEL=str(tiny_artifact))
    (said,) = textwright.load(tiny_artifact, num_threads=1).predict(["a good film"])
    told = {"probabilities": said.probabilities, "sentiment": said.label, "confidence": said.confidence}
    assert done.stdout.strip() == str(told), done.stderr


def test_it_fits_on_one_screen():
    assert len((EXAMPLES / "own_app.py").read_text().splitlines()) <= 50
