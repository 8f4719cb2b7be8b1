"""What ``textwright train --from`` begins with: the weights of a run, or those in an encoder's own graph."""

from __future__ import annotations

from pathlib import Path

from textwright.core import artifact as artifacts
from textwright.errors import SettingsError
from textwright.optimize.weights_from_graph import restore
from textwright.training.run import CHECKPOINT
from textwright.training.warm_start import WarmStart, read_run_weights, refuse_unsuitable

_KEEPS_ITS_WEIGHTS = "bert"
"""The family whose graph holds every weight under its name; others are folded when they are exported."""


def open_warm_start(path: Path) -> WarmStart:
    """Read a trained model that a training shall begin with.

    Args:
        path: Its run folder; of family ``bert`` the artifact alone will do.

    Returns:
        Its words, labels and weights.

    Raises:
        NotFoundError: If there is no such artifact.
        ArtifactError: If it cannot be trusted.
        SettingsError: If it has no weights to begin with; says what to do instead.
        TrainingError: If its checkpoint cannot be read.
    """
    artifact = artifacts.read(path)
    refuse_unsuitable(artifact)
    weights = read_run_weights(artifact, artifact.path.parent / CHECKPOINT)
    if not weights and artifact.manifest.family == _KEEPS_ITS_WEIGHTS:
        module = restore(artifact)
        weights = {} if module is None else dict(module.state_dict())
    if not weights:
        raise SettingsError(
            f"{path} does not hold the weights that it was trained with: give the run folder, with its {CHECKPOINT}/ "
            f"beside the artifact (the graph of family {artifact.manifest.family!r} holds them in another form)"
        )
    return WarmStart.of(artifact, weights)
