"""Finished runs on disk: what each said of every test example, and what it cost.

::

    DIR/leaderboard.json, leaderboard.html
    DIR/runs/<row>/<size>/seed-<n>/   result.json, observations.npz, settings.json, history.jsonl, artifact/

``result.json`` is written last, so a run that has one is finished.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np

from textwright.comparison.candidate import Result
from textwright.core.files import atomic_file, write_text
from textwright.core.json_diff import first_difference
from textwright.data.settings import complete_settings
from textwright.errors import SettingsError
from textwright.evaluate.predictions import LabeledPredictions

RESULT: Final = "result.json"
OBSERVATIONS: Final = "observations.npz"


def save_result(folder: Path, result: Result, identity: Mapping[str, Any]) -> None:
    """Keep a finished run.

    Args:
        folder: The run's own.
        result: What came of it.
        identity: What an equal run must share, as JSON-ready values.
    """
    arrays = {item.name: getattr(result.predictions, item.name) for item in fields(LabeledPredictions)}
    with atomic_file(folder / OBSERVATIONS) as file:
        np.savez(file, **arrays)
    facts = {item.name: getattr(result, item.name) for item in fields(Result) if item.name != "predictions"}
    write_text(folder / RESULT, json.dumps({**facts, "identity": identity}, indent=2, ensure_ascii=False) + "\n")


def load_result(
    folder: Path, identity: Mapping[str, Any], complete: Callable[[Mapping[str, Any]], Mapping[str, Any]]
) -> Result | None:
    """Read a finished run.

    Args:
        folder: The run's own.
        identity: What an equal run must share.
        complete: Gives the settings of a run the defaults of those that came since.

    Returns:
        What came of it; None if it was not finished.

    Raises:
        SettingsError: If the run was another one, or its files cannot be read.
    """
    if not (folder / RESULT).is_file():
        return None
    try:
        facts = json.loads((folder / RESULT).read_text(encoding="utf-8"))
        stored = facts.pop("identity")
        stored["settings"], stored["data"] = complete(stored["settings"]), complete_settings(stored["data"])
        with np.load(folder / OBSERVATIONS, allow_pickle=False) as arrays:
            result = Result(predictions=LabeledPredictions(**arrays), **facts)
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
        raise SettingsError(f"{folder} cannot be read ({error}); remove it to run it again") from error
    difference = first_difference(stored, identity)
    if difference is not None:
        raise SettingsError(
            f"{folder} is a run of other settings ({difference}); give another --out, remove that run, or name the "
            "row otherwise by renaming its recipe"
        )
    return result
