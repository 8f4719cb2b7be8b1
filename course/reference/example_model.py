"""A small model that is trained while the site is built: the answers and the manifest on the pages are its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from textwright.core.files import write_text

NAME: Final = "reviews"
_PRAISE: Final = ("touching", "great", "funny", "moving", "clever")
_BLAME: Final = ("dull", "awful", "tedious", "clumsy", "flat")
_THINGS: Final = ("film", "cast", "story", "ending", "script", "score", "hero", "scene")


def train_example_model(folder: Path) -> Path:
    """Train a linear model on made-up reviews.

    Args:
        folder: For the file of reviews and the run.

    Returns:
        The artifact.
    """
    rows = [
        f"The {thing} is {word} and the rest is {word} too.,{label}"
        for label, words in (("positive", _PRAISE), ("negative", _BLAME))
        for word in words
        for thing in _THINGS
    ]
    source = folder / "reviews.csv"
    write_text(source, "\n".join(("text,label", *rows)) + "\n")
    run = folder / "run"
    command = [sys.executable, "-m", "textwright", "train", str(source), "--out", str(run), "--name", NAME]
    flags = ["--family", "linear", "--no-baselines", "--quiet"]
    environment = {**os.environ, "ORT_DISABLE_TELEMETRY": "1"}
    subprocess.run([*command, *flags], check=True, stdout=subprocess.DEVNULL, env=environment)
    return run / "artifact"
