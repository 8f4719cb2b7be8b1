"""``textwright train``: a labeled source becomes a measured artifact."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import Parameter

from textwright.cli.flags import typed
from textwright.data.settings import DataSettings
from textwright.display.terminal import DEFAULT_OUTPUT, Output, Terminal
from textwright.optional_deps import require
from textwright.tracking.trackers import Service
from textwright.training.settings import TrainSettings

if TYPE_CHECKING:
    from textwright.pipeline import BuildResult

_DATA: Final = DataSettings()
_TRAINING: Final = TrainSettings()


def train(
    source: str,
    /,
    *,
    out: Path,
    config: Path | None = None,
    name: str = "",
    example_text: str = "",
    start: Annotated[Path | None, Parameter(name="--from")] = None,
    overwrite: bool = False,
    baselines: bool = True,
    track: Service | None = None,
    model: Annotated[dict[str, str] | None, Parameter(group="Training")] = None,
    training: Annotated[TrainSettings, Parameter(name="*", group="Training")] = _TRAINING,
    data: Annotated[DataSettings, Parameter(name="*", group="Data")] = _DATA,
    output: Annotated[Output, Parameter(name="*", group="Output")] = DEFAULT_OUTPUT,
) -> None:
    """Train a model on a labeled source and write its artifact.

    Example: textwright train movie-reviews --family bow --out runs/demo

    The same command resumes a run that was interrupted.

    Args:
        source: A built-in name (movie-reviews), a file (.csv .tsv .json .txt .parquet .xlsx), a folder or a hub id.
        out: Run folder: artifact, checkpoint and TensorBoard events go there.
        config: Recipe: a file (TOML) whose keys are named like the flags, or the name of one that comes with Textwright
            (bow-nb, bert-r-drop); flags and environment take precedence.
        name: Name of the model in the API's answers; by default source and family.
        example_text: Text that documentation, page and golden examples ask the model for; by default short texts of the
            validation split, which stand in the artifact then.
        start: Run folder of a trained model to begin with: its words and labels keep what they learned, new ones are
            added. Family and family settings are those of that model.
        overwrite: Replace a run of other settings in --out.
        baselines: Compare with a tuned linear model at the end, which takes seconds.
        track: Record settings, epochs, metrics and the model in MLflow (MLFLOW_TRACKING_URI) or, offline, in Weights &
            Biases.
        model: Settings of the family, one flag each: --model.embedding-dim 200. See: textwright families NAME
    """
    require("train", what="training")
    from textwright.display.training import build_with_view, note_warm_start, show_built
    from textwright.optimize.warm_start import open_warm_start
    from textwright.pipeline import BuildPlan

    del config  # read by textwright.cli.layers.Recipe
    terminal = Terminal(output)
    family = {key.replace("-", "_"): value for key, value in (model or {}).items()}
    warm_start = None if start is None else open_warm_start(start)
    plan = BuildPlan(source, data, training, family, name, warm_start, example_text)
    built = build_with_view(plan, out, terminal, overwrite=overwrite, linear_baseline=baselines, track=track)
    if built is not None:
        show_built(terminal, built)
        note_warm_start(terminal, built)
        terminal.next(_next(built, source, typed(data), out))


def _next(built: BuildResult, source: str, flags: str, out: Path) -> str:
    """Serve a model that is better than always the most frequent label; otherwise look for another."""
    if built.beats_majority is False:
        folds = " --folds 10" if built.baselines[0].is_undecided else ""
        return f"textwright compare {shlex.quote(source)}{flags}{folds} --out {shlex.quote(f'{out}-compare')}"
    return f"textwright serve {shlex.quote(str(out))}"
