"""What is done and how much of the budget is spent, in one file; whoever runs the search again goes on from it.

::

    OUT/search/ledger.json      every trial under a hash of what decides it, the seconds spent, the step that runs
    OUT/search/NAME.jsonl       the texts of the search
    OUT/search/runs/STEP/       what the steps made

A trial is found again by its content: the texts, the step with all its settings, the models that it starts from and the
metric. The budget and the constraints are not part of it, so that another bound chooses anew from what is there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from textwright.core.files import write_text
from textwright.errors import SettingsError
from textwright.model_search.trials import SearchStep, Trial, TrialStatus

LEDGER: Final = "ledger.json"
_FORMAT_VERSION: Final = 1


@dataclass(slots=True)
class SearchLedger:
    """What a search has done.

    Args:
        path: Of the file.
        identity: What every trial depends on: the fingerprint of the texts, the metric, the version of Textwright.
        trials: Key -> what came of a step.
        seconds: Spent, over all processes, the step that runs included.
        budget_s: Of the process that wrote it last.
        running: Key of the step that runs -> seconds that it has taken; empty between two steps.
        measured: What was measured at the end of a search, by what it depends on.
    """

    path: Path
    identity: Mapping[str, Any]
    trials: dict[str, Trial] = field(default_factory=dict)
    seconds: float = 0.0
    budget_s: float = 0.0
    running: dict[str, float] = field(default_factory=dict)
    measured: dict[str, Any] = field(default_factory=dict)

    def key(self, step: SearchStep) -> str:
        """Hash what decides a step's result: its settings, the texts, and the steps whose models it starts from."""
        facts = {**asdict(step), "summary": "", "parents": [self._parent(name) for name in step.parents]}
        content = json.dumps([dict(self.identity), facts], sort_keys=True, default=str)
        return hashlib.sha256(content.encode()).hexdigest()

    def _parent(self, name: str) -> list[str]:
        keys = [key for key, trial in self.trials.items() if any(model.name == name for model in trial.models)]
        return [name, *keys]

    def begin(self, step: SearchStep) -> float:
        """Note that a step runs.

        Returns:
            Seconds that it has taken already, in a process that was killed.
        """
        key = self.key(step)
        self.running = {key: self.running.get(key, 0.0)}
        self.write()
        return self.running[key]

    def note(self, step: SearchStep, seconds: float, spent: float) -> None:
        """Note how long the step that runs has taken, and what is spent with it."""
        self.running, self.seconds = {self.key(step): seconds}, spent
        self.write()

    def add(self, trial: Trial, spent: float) -> None:
        """Note a step that is done."""
        self.trials[self.key(trial.step)] = trial
        self.running, self.seconds = {}, spent
        self.write()

    def by_name(self) -> dict[str, Trial]:
        """Give the trials by the names of their steps, in the order in which they were made."""
        return {trial.step.name: trial for trial in self.trials.values()}

    def use_budget(self, budget_s: float) -> None:
        """Take up a budget; a larger one tries again what an earlier one had no time for."""
        if budget_s > self.budget_s:
            self.trials = {key: it for key, it in self.trials.items() if it.status is not TrialStatus.DROPPED}
        self.budget_s = budget_s

    def write(self) -> None:
        """Write it all at once."""
        content = {
            "format_version": _FORMAT_VERSION,
            "identity": dict(self.identity),
            "seconds": round(self.seconds, 3),
            "budget_s": self.budget_s,
            "running": self.running,
            "trials": {key: trial.to_json() for key, trial in self.trials.items()},
            "measured": self.measured,
        }
        write_text(self.path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def open_ledger(folder: Path, identity: Mapping[str, Any]) -> SearchLedger:
    """Read the ledger of a search, or begin one.

    Args:
        folder: Of the search.
        identity: As of :class:`SearchLedger`.

    Raises:
        SettingsError: If the folder holds a search of other texts or by another metric, or the file cannot be read.
    """
    path = folder / LEDGER
    if not path.is_file():
        return SearchLedger(path, identity)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        stored, version = content["identity"], content["format_version"]
        trials = {key: Trial.of_json(item) for key, item in content["trials"].items()}
        parts = (content[name] for name in ("seconds", "budget_s", "running", "measured"))
        ledger = SearchLedger(path, identity, trials, *parts)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SettingsError(f"{path} cannot be read ({error}); give another --out, or remove it") from error
    if version != _FORMAT_VERSION or stored != json.loads(json.dumps(identity)):
        differing = [name for name in identity if stored.get(name) != json.loads(json.dumps(identity[name]))]
        raise SettingsError(
            f"{folder} holds a search of other {', '.join(differing) or 'format'}; give another --out, or remove it"
        )
    return ledger
