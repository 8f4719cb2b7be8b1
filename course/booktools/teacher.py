"""Record the teacher of lesson 32: Flite says numbers, and one Ogg file keeps what it said.

::

    apt-get install flite
    PYTHONPATH=course .venv/bin/python -m booktools.teacher

Flite's licence lets what it synthesizes be passed on. The file's words and lengths are in ``32-teacher.json``.
"""

from __future__ import annotations

import json
import random
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile

from nano import tacotron
from nano.speech import RATE, Sound

RECORDED = Path(__file__).parents[1] / "recorded"
INDEX = RECORDED / "32-teacher.json"
NUM_PHRASES = 800
_EDGE = 0.06
"""Seconds of silence left at each end."""
_COMPRESSION = 0.92
"""About 26 kbit a second."""


def main() -> None:
    """Let Flite say each phrase; write the sound and its index."""
    chosen = [0, *random.Random(0).sample(range(1, 1000), NUM_PHRASES - 1)]  # noqa: S311  no secret
    spoken = {phrase: say(phrase) for phrase in map(tacotron.number_phrase, chosen)}
    sound = np.concatenate(list(spoken.values()))
    soundfile.write(
        RECORDED / "32-teacher.ogg", sound, RATE, format="OGG", subtype="OPUS", compression_level=_COMPRESSION
    )
    index = {"voice": "slt of Flite 2.2", "samples": {phrase: len(each) for phrase, each in spoken.items()}}
    INDEX.write_text(json.dumps(index, indent=0) + "\n", encoding="utf-8")


def say(phrase: str) -> Sound:
    """Let Flite say a phrase; silence at both ends is cut to a few hundredths of a second."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "said.wav")
        subprocess.run(["flite", "-voice", "slt", "-t", phrase, "-o", path], check=True)
        sound, rate = soundfile.read(path, dtype="float32")
    assert rate == RATE, rate  # noqa: S101  of the voice
    (loud,) = np.nonzero(np.abs(sound) > 0.01)
    edge = int(_EDGE * RATE)
    return sound[max(0, loud[0] - edge) : loud[-1] + edge]


if __name__ == "__main__":
    main()
