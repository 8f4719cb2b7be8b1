"""What every tracker does: tell a service about a training, and never let the service end the training.

A tracker is a callback of the training. What cannot be reached at the start is an error then; what fails later is a
warning, since hours of training are worth more than their record.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from textwright.core.callbacks import Callback, EpochRecord

if TYPE_CHECKING:
    from textwright.core.artifact import Artifact
    from textwright.core.types import Float32s
    from textwright.pipeline import BuildPlan, BuildResult

PROJECT: Final = "textwright"
"""Name of the experiment or project, where the user's environment names none."""
SINGLE: Final = "predicted_label"


class Tracker(Callback):
    """One run of a service, from the start of a training to its artifact; used as a context.

    Args:
        plan: What is trained on what.
        out: The run folder.
        warn: Is told what could not be recorded.
    """

    service: str

    def __init__(self, plan: BuildPlan, out: Path, warn: Callable[[str], None]) -> None:
        self.plan = plan.resolved()
        self.out = out
        self._warn = warn

    def __enter__(self) -> Self:
        """Open the run.

        Raises:
            TrackingError: If the service cannot be reached or refuses.
        """
        self.open(self.plan.model_name, parameters(self.plan))
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Close the run, as failed if the training was."""
        self._attempt(lambda: self.close(failed=kind is not None))

    def on_epoch_end(self, record: EpochRecord, logits: Float32s) -> None:  # noqa: ARG002  the form of Callback
        """Record what the epoch gave."""
        values = {
            "train/loss": record.train_loss,
            "validation/loss": record.validation_loss,
            f"validation/{record.metric_key}": record.validation_accuracy,
        }
        self._attempt(lambda: self.record(values, record.epoch))

    def finish(self, built: BuildResult) -> None:
        """Record what was measured of the artifact, and the artifact itself."""
        self._attempt(lambda: self.record_final(final_metrics(built.artifact), tags(built.artifact)))
        self._attempt(lambda: self.record_artifact(built.artifact))

    def _attempt(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:  # noqa: BLE001  whatever a service and its client may raise
            line = (str(error).splitlines() or [type(error).__name__])[0]
            self._warn(f"{self.service} did not record a part of this training, which goes on: {line}")

    @abstractmethod
    def open(self, name: str, settings: Mapping[str, Any]) -> None:
        """Open a run with its settings."""

    @abstractmethod
    def record(self, values: Mapping[str, float], epoch: int) -> None:
        """Record the metrics of an epoch."""

    @abstractmethod
    def record_final(self, values: Mapping[str, float], facts: Mapping[str, str]) -> None:
        """Record the metrics of the artifact, and what it is."""

    @abstractmethod
    def record_artifact(self, artifact: Artifact) -> None:
        """Record the artifact, so that it can be loaded from the service."""

    @abstractmethod
    def close(self, *, failed: bool) -> None:
        """Close the run."""


def parameters(plan: BuildPlan) -> dict[str, Any]:
    """Flatten a plan into the parameters of a run.

    Args:
        plan: Resolved, so that every setting has its value.

    Returns:
        Setting name -> value: those of training as they are, those of the family under "model.", of the data "data.".
    """
    training = plan.training.model_dump(mode="json")
    model = {f"model.{name}": value for name, value in plan.model.items()}
    data = {f"data.{name}": value for name, value in plan.data.model_dump(mode="json").items()}
    return {"source": str(plan.source), **training, **model, **data}


def final_metrics(artifact: Artifact) -> dict[str, float]:
    """List what was measured of an artifact, with both ends of each interval.

    Args:
        artifact: Its default variant is meant.

    Returns:
        "test/accuracy", "test/accuracy_low", "test/accuracy_high" and so on, and its size in bytes.
    """
    manifest = artifact.manifest
    values = {"artifact/size_bytes": float(artifact.size_bytes)}
    for name, item in manifest.variants[manifest.default_variant].metrics.items():
        ends = (("", "value"), ("_low", "low"), ("_high", "high"))
        values |= {f"{manifest.metrics_split}/{name}{end}": item[key] for end, key in ends}
    return values


def tags(artifact: Artifact) -> dict[str, str]:
    """Tell what an artifact is and what it was made from."""
    manifest = artifact.manifest
    return {
        "textwright.version": manifest.versions.get("textwright", ""),
        "textwright.family": manifest.family,
        "textwright.model": f"{manifest.name}@{artifact.version}",
        "textwright.data_fingerprint": str(manifest.data.get("fingerprint", "")),
    }
