"""The example application of the voice runs, tests included, and says what the model says."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile
import torch

from nano import speech, tacotron

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "voice"

ASK = """
import sys
from fastapi.testclient import TestClient
from app import app
with TestClient(app) as client:
    answer = client.post("/say", json={"text": "6"})
assert answer.status_code == 200, answer.text
sys.stdout.buffer.write(answer.content)
"""


def run(*words, **env):
    path = os.pathsep.join([str(EXAMPLE), str(ROOT / "course"), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, *words],
        capture_output=True,
        check=False,
        timeout=300,
        env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", **env},
    )


@pytest.fixture
def weights(tmp_path):
    torch.manual_seed(0)
    tacotron.save(tacotron.Tacotron(dim=8, hidden=12), tmp_path / "voice.pt")
    return tmp_path / "voice.pt"


@pytest.mark.slow
def test_its_own_tests_pass(tmp_path):
    done = run("-m", "pytest", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(tmp_path), str(EXAMPLE))
    assert done.returncode == 0, done.stdout.decode()
    assert b"23 passed" in done.stdout, done.stdout.decode()


@pytest.mark.slow
def test_it_says_what_the_model_says(weights):
    done = run("-c", ASK, MODEL=str(weights))
    assert done.returncode == 0, done.stderr.decode()
    sound, rate = soundfile.read(io.BytesIO(done.stdout), dtype="float32")
    spoken = tacotron.load(weights).speak(tacotron.symbols("six"), 120)
    expected = speech.griffin_lim(spoken.mel)
    assert rate == speech.RATE
    assert abs(sound - expected).max() < 2 / 32767
