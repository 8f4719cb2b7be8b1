"""``textwright tensorboard``: open TensorBoard on a training run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from textwright.errors import NotFoundError
from textwright.optional_deps import require


def tensorboard(run: Path, /, *, port: int = 6006) -> None:
    """Open TensorBoard on a training run, or on a folder of runs to compare them. Ctrl-C stops it.

    Example: textwright tensorboard runs/demo

    Args:
        run: A run folder, or a folder that holds several.
        port: Port on 127.0.0.1.
    """
    require("train", what="TensorBoard")
    if not any(run.rglob("events.out.tfevents.*")):
        raise NotFoundError(f"{run} holds no TensorBoard events; train with: textwright train SOURCE --out {run}")
    command = [
        sys.executable,
        "-m",
        "tensorboard.main",
        "--logdir",
        str(run),
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    subprocess.run(command, check=False)  # noqa: S603  our own interpreter, a path that exists
