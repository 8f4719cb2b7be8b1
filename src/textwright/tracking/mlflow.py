"""A training as a run of MLflow, and its artifact as a model that ``mlflow models serve`` serves.

Where the run goes is MLflow's affair: ``MLFLOW_TRACKING_URI``, ``MLFLOW_EXPERIMENT_NAME``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from textwright import __version__
from textwright.core.artifact import Artifact
from textwright.errors import MissingExtraError, TrackingError
from textwright.runtime.loading import load
from textwright.runtime.prediction_columns import prediction_types
from textwright.tracking.pyfunc_model import TEXT_COLUMN
from textwright.tracking.tracker import PROJECT, Tracker

_QUIET: Final = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # standard output is the result's
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # seven, and half an hour, where nobody answers
}
_LOADER: Final = "textwright.tracking.pyfunc_model"
_COLUMN_TYPES: Final = {str: "string", float: "double", bool: "boolean"}
_MAX_VALUE: Final = 6_000
"""Characters of a parameter that MLflow takes."""


class MlflowTracker(Tracker):
    """Records a training in MLflow."""

    service = "MLflow"

    def open(self, name: str, settings: Mapping[str, Any]) -> None:
        """Open a run, or take the one that the caller has opened.

        Raises:
            MissingExtraError: If mlflow is not installed.
            TrackingError: If the server cannot be reached.
        """
        self._mlflow = mlflow = _import_mlflow()
        try:
            self._is_own = mlflow.active_run() is None
            if self._is_own:
                mlflow.set_experiment(os.environ.get("MLFLOW_EXPERIMENT_NAME", PROJECT))
                mlflow.start_run(run_name=name)
            mlflow.log_params({key: str(value)[:_MAX_VALUE] for key, value in settings.items()})
        except Exception as error:
            with suppress(Exception):
                self.close(failed=True)
            raise TrackingError(
                f"MLflow at {mlflow.get_tracking_uri()} does not take the run: {_first_line(error)}; check "
                "MLFLOW_TRACKING_URI and the server, or train without --track"
            ) from error

    def record(self, values: Mapping[str, float], epoch: int) -> None:
        """Record the metrics of an epoch."""
        self._mlflow.log_metrics(dict(values), step=epoch)

    def record_final(self, values: Mapping[str, float], facts: Mapping[str, str]) -> None:
        """Record the metrics of the artifact, and what it is."""
        self._mlflow.log_metrics(dict(values))
        self._mlflow.set_tags(dict(facts))

    def record_artifact(self, artifact: Artifact) -> None:
        """Record the artifact as a model with the types of its input and output."""
        self._mlflow.pyfunc.log_model(
            name="model",
            loader_module=_LOADER,
            data_path=str(artifact.path),
            signature=_signature(artifact),
            pip_requirements=[f"textwright=={__version__}", "pandas"],
        )

    def close(self, *, failed: bool) -> None:
        """End the run that was opened here."""
        if self._is_own:
            self._mlflow.end_run("FAILED" if failed else "FINISHED")


def _import_mlflow() -> Any:  # noqa: ANN401  a module
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import mlflow
    except ImportError as error:
        raise MissingExtraError("tracking with MLflow", "mlflow") from error
    return mlflow


def _signature(artifact: Artifact) -> Any:  # noqa: ANN401  of MLflow
    """Name the column that a model reads, and those that it answers with."""
    from mlflow.models import ModelSignature
    from mlflow.types.schema import Array, ColSpec, DataType, Schema

    types = prediction_types(load(artifact, num_threads=1))
    answer = [
        ColSpec(Array(DataType.string) if kind is list else _COLUMN_TYPES[kind], name) for name, kind in types.items()
    ]
    return ModelSignature(inputs=Schema([ColSpec("string", TEXT_COLUMN)]), outputs=Schema(answer))


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
