"""The table of trackers. A new one is one file with a :class:`~textwright.tracking.tracker.Tracker` and one row."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from textwright.pipeline import BuildPlan
    from textwright.tracking.tracker import Tracker

Service: TypeAlias = Literal["mlflow", "wandb"]

TRACKERS: Final[Mapping[Service, tuple[str, str]]] = {
    "mlflow": ("textwright.tracking.mlflow", "MlflowTracker"),
    "wandb": ("textwright.tracking.wandb", "WandbTracker"),
}
"""Service -> module and class, imported when they are asked for."""


def open_tracker(
    service: Service | None, plan: BuildPlan, out: Path, warn: Callable[[str], None]
) -> AbstractContextManager[Tracker | None]:
    """Make the tracker of a training.

    Args:
        service: Its name; None tracks nothing.
        plan: What is trained on what.
        out: The run folder.
        warn: Is told what could not be recorded.

    Returns:
        A context that opens and closes the run; where several processes train together, in the first alone.
    """
    if service is None or os.environ.get("RANK", "0") != "0":
        return nullcontext()
    module, name = TRACKERS[service]
    tracker: Tracker = getattr(import_module(module), name)(plan, out, warn)
    return tracker
