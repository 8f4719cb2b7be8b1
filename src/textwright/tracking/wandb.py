"""A training as a run of Weights & Biases, offline unless ``WANDB_MODE`` says otherwise.

The run is written to ``wandb/`` in the run folder; ``wandb sync`` sends it. Of the machine, the program and its output
nothing is recorded.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final

from textwright.core.artifact import Artifact
from textwright.errors import MissingExtraError, TrackingError
from textwright.tracking.tracker import PROJECT, Tracker

_QUIET: Final = {"WANDB_ERROR_REPORTING": "false", "WANDB_MODE": "offline", "WANDB_SILENT": "true"}


class WandbTracker(Tracker):
    """Records a training in Weights & Biases."""

    service = "Weights & Biases"

    def open(self, name: str, settings: Mapping[str, Any]) -> None:
        """Open a run.

        Raises:
            MissingExtraError: If wandb is not installed.
            TrackingError: If wandb cannot start, or its server refuses.
        """
        self._wandb = wandb = _import_wandb()
        try:
            self._run = wandb.init(
                project=os.environ.get("WANDB_PROJECT", PROJECT),
                name=name,
                config=dict(settings),
                dir=str(self.out),
                settings=wandb.Settings(
                    console="off",
                    host="unknown",  # else the name of the machine
                    disable_git=True,
                    disable_code=True,
                    x_disable_meta=True,
                    x_disable_stats=True,
                    x_disable_machine_info=True,
                    x_save_requirements=False,
                ),
            )
        except Exception as error:
            raise TrackingError(
                f"Weights & Biases does not take the run: {str(error).splitlines()[0] if str(error) else error!r}; log "
                "in with `wandb login`, or leave WANDB_MODE unset to record offline"
            ) from error

    def record(self, values: Mapping[str, float], epoch: int) -> None:
        """Record the metrics of an epoch."""
        self._run.log({**values, "epoch": epoch})

    def record_final(self, values: Mapping[str, float], facts: Mapping[str, str]) -> None:
        """Record the metrics of the artifact, and what it is."""
        self._run.summary.update({**values, **facts})

    def record_artifact(self, artifact: Artifact) -> None:
        """Record the artifact's folder as an artifact of wandb."""
        model = self._wandb.Artifact(artifact.manifest.name, type="model", metadata={"version": artifact.version})
        model.add_dir(str(artifact.path))
        self._run.log_artifact(model)

    def close(self, *, failed: bool) -> None:
        """End the run."""
        self._run.finish(exit_code=int(failed))


def _import_wandb() -> Any:  # noqa: ANN401  a module
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import wandb
    except ImportError as error:
        raise MissingExtraError("tracking with Weights & Biases", "wandb") from error
    return wandb
