"""Open an artifact as the predictor of its kind; the one way to one, whoever predicts."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from textwright.core import artifact as artifacts
from textwright.core.artifact import Artifact
from textwright.errors import GoldenMismatchError
from textwright.runtime.cascade import as_cascade
from textwright.runtime.cpu_features import instruction_set
from textwright.runtime.predictor import Predictor, verified

_AnyPredictor = TypeVar("_AnyPredictor", bound=Predictor)


def open_predictor(artifact: Artifact, *, variant: str | None = None, num_threads: int | None = None) -> Predictor:
    """Open a verified artifact without running its golden examples.

    Args:
        artifact: A verified artifact.
        variant: Name of the graph to load; None takes the default.
        num_threads: Threads of one inference, >= 1; None takes one per physical core.

    Raises:
        NotFoundError: If there is no such variant.
        BackendError: If the engine cannot open a graph.
    """
    return _kind_for(Predictor, artifact)(artifact, variant=variant, num_threads=num_threads)


def _kind_for(kind: type[_AnyPredictor], artifact: Artifact) -> type[_AnyPredictor]:
    return as_cascade(kind) if artifact.stages else kind


def open_verified(artifact: Artifact, *, variant: str | None = None, num_threads: int | None = None) -> Predictor:
    """Open a verified artifact as :func:`open_predictor` does, and run its golden examples.

    Raises:
        GoldenMismatchError: If a golden example does not come out as it was written.
    """
    return verified(_kind_for(Predictor, artifact), artifact, variant, num_threads)


def load(path: str | Path | Artifact, *, variant: str | None = None, num_threads: int | None = None) -> Predictor:
    """Open an artifact as what predicts and no more; arguments and errors are those of :func:`textwright.load`."""
    return load_as(Predictor, path, variant=variant, num_threads=num_threads)


def load_as(
    kind: type[_AnyPredictor],
    path: str | Path | Artifact,
    *,
    variant: str | None = None,
    num_threads: int | None = None,
) -> _AnyPredictor:
    """Load an artifact as :func:`load` does, as a predictor of the caller's own class.

    Args:
        kind: The class.
        path: As for :func:`load`.
        variant: As for :func:`load`.
        num_threads: As for :func:`load`.

    Raises:
        NotFoundError, ArtifactError: As :func:`load` does.
    """
    artifact = path if isinstance(path, Artifact) else artifacts.read(Path(path))
    kind = _kind_for(kind, artifact)
    try:
        predictor = verified(kind, artifact, variant, num_threads)
    except GoldenMismatchError as error:
        bound_to = artifact.manifest.variant(variant).instruction_set
        if not bound_to or bound_to == instruction_set():
            raise
        reference = artifact.manifest.reference_variant
        import logging  # here, since each import is part of a Lambda function's cold start

        logging.getLogger(__name__).warning(
            "variant %s passed its gates on %s and does not reproduce on %s, so %s answers instead: %s",
            *(variant or artifact.manifest.default_variant, bound_to, instruction_set(), reference, error),
        )
        predictor = verified(kind, artifact, reference, num_threads)
    return predictor
