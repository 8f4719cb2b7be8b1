"""The two models that the recordings ship: one family, taught for longer in the second, so that versions differ."""

from __future__ import annotations

from pathlib import Path

from textwright import BuildPlan, DataSettings, TrainSettings, build_artifact

TEXTS = ["A touching film with a great cast.", "Dull, predictable and far too long.", "It is a film."]
"""What is asked in every recording."""


def models(work: Path) -> tuple[Path, Path]:
    """Train both.

    Args:
        work: Folder for them.

    Returns:
        The artifacts of the first version and of the second.
    """
    paths = (work / "v1", work / "v2")
    for path, epochs in zip(paths, (2, 5), strict=True):
        settings = TrainSettings(family="bow", num_epochs=epochs)
        build_artifact(BuildPlan("movie-reviews", DataSettings(), settings, {}), path)
    return paths[0] / "artifact", paths[1] / "artifact"
