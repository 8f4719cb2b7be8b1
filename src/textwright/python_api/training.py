"""``textwright.train`` and ``textwright.compare``: labeled data in one of many forms becomes models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from textwright.data.in_memory import as_source
from textwright.data.settings import DataSettings
from textwright.display.terminal import Output, Terminal
from textwright.errors import SettingsError
from textwright.optional_deps import require
from textwright.python_api.comparison import Comparison
from textwright.python_api.folders import RunFolder
from textwright.python_api.model import Model
from textwright.python_api.settings import parse_training
from textwright.tracking.trackers import Service


def train(
    data: Any,  # noqa: ANN401  see as_source
    *,
    family: str | None = None,
    out: str | Path | None = None,
    name: str = "",
    example_text: str = "",
    start_from: str | Path | None = None,
    overwrite: bool = False,
    baselines: bool = True,
    track: Service | None = None,
    verbose: bool = True,
    **settings: Any,  # noqa: ANN401  TrainSettings, DataSettings and the family's by name
) -> Model:
    """Train a model on labeled data, measure it, and return it.

    Args:
        data: A path, a built-in name or a hub id; a DataFrame (pandas, polars) or a table of Arrow; a
            ``datasets.Dataset``; a list of dictionaries; a dictionary of columns; or a pair (texts, labels).
        family: Kind of model; ``textwright families`` lists them. None is that of ``start_from``, else "linear".
        out: Run folder, in which an interrupted run goes on; None takes a temporary one, which ends with the model.
        name: What the model is called when it is served; empty makes it from data and family.
        example_text: What documentation and golden examples ask for; empty takes short texts of the validation split,
            which stand in the artifact then.
        start_from: Run folder of a trained model to begin with: its words and labels keep what they learned, and new
            ones are added; None begins anew.
        overwrite: Throw away a run of other settings that is in ``out``.
        baselines: Compare with a tuned linear model at the end, which takes seconds.
        track: "mlflow" or "wandb" records settings, epochs, metrics and the model there; None nowhere. A run of MLflow
            that is open is taken.
        verbose: Show the progress, and what was dropped of the data.
        **settings: Settings of training, of the data and of the family, such as ``num_epochs=3``,
            ``text_column="review"`` or ``dropout=0.2``; see ``textwright train --help`` and ``textwright families``.

    Returns:
        The model: ``.metrics`` is what was measured on the held-out test split.

    Raises:
        MissingExtraError: If the extra "train" is not installed.
        NotFoundError: If there is no such file or family.
        DataError: If the data cannot be used; names the row and the cure.
        SettingsError: If a setting is unknown or out of bounds, or ``out`` holds something else.
        TrainingError: If the loss is not finite.
        TrackingError: If the tracking server does not take the run; nothing is trained then.
    """
    require("train", what="training")
    from textwright.display.training import build_with_view
    from textwright.optimize.warm_start import open_warm_start
    from textwright.pipeline import BuildPlan

    source = as_source(data)
    start = None if start_from is None else open_warm_start(Path(start_from))
    family = family or ("linear" if start is None else start.family)
    training, reading, model = parse_training("train", family, settings)
    folder = RunFolder(out)
    plan = BuildPlan(source, reading, training, model, name, start, example_text)
    terminal = Terminal(Output(quiet=not verbose))
    built = build_with_view(plan, folder.path, terminal, overwrite=overwrite, linear_baseline=baselines, track=track)
    if built is None:
        raise SettingsError("several processes train together by the command alone: torchrun -m textwright train")
    return Model(built.artifact).kept_by(folder, source)


def compare(
    data: Any,  # noqa: ANN401  see as_source
    *,
    families: str | Sequence[str] = "all",
    recipes: Sequence[str | Path] = (),
    seeds: int | None = None,
    folds: int | None = None,
    sizes: str | Sequence[int | str] | None = None,
    out: str | Path | None = None,
    verbose: bool = True,
    **settings: Any,  # noqa: ANN401  DataSettings by name
) -> Comparison:
    """Train several model families on the same examples, and recommend one.

    Args:
        data: As for :func:`train`.
        families: Kinds of model; "all" takes all of them.
        recipes: Files (TOML), or names of recipes of the package, whose settings are rows of their own, called like
            the file.
        seeds: Training seeds of each row; None takes 5, or 1 with folds.
        folds: Cut the data into so many parts that take turns at being tested; None is one split.
        sizes: Training texts of the learning curve; all of them are always measured. None is 100, 300, 1000 and 3000,
            or none with folds.
        out: Folder of the comparison, in which an interrupted one goes on; None takes a temporary one.
        verbose: Show the table while it grows.
        **settings: How to read and split the data, such as ``text_column="review"``.

    Returns:
        The table: ``.show()`` prints it, ``.model()`` loads the best model.

    Raises:
        MissingExtraError: If the extra "train" is not installed.
        NotFoundError: If there is no such file or family.
        DataError: If the data cannot be used, or are too few for the folds.
        SettingsError: If a setting is unknown or out of bounds, or ``out`` holds something else.
    """
    require("train", what="comparing")
    from textwright.comparison.options import resolve_options
    from textwright.display.comparison import compare_with_view

    choice = resolve_options(
        as_source(data),
        DataSettings.parse(settings, source="compare()"),
        families=_joined(families),
        recipes=[Path(recipe) for recipe in recipes],
        seeds=seeds,
        folds=folds,
        sizes=None if sizes is None else _joined(sizes) or "all",
    )
    folder = RunFolder(out)
    board = compare_with_view(choice, folder.path, Terminal(Output(quiet=not verbose)))
    return Comparison(board, folder)


def _joined(names: str | Sequence[int | str]) -> str:
    """Write a list as it is typed on the command line."""
    return names if isinstance(names, str) else ",".join(map(str, names))
