"""Measurements that are kept as they come, so that a benchmark that was cut off goes on where it was."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable
from pathlib import Path

from _load import HERE

from _common import save, spread
from textwright.core.files import write_text

KEPT = HERE.parents[1] / "runs"


def asked(what: str | None, *, rounds: int, seconds: float) -> Namespace:
    """Read the command line: a small trial has its own artifact, and few rounds and seconds, and saves no result."""
    parser = rounds_parser(what, rounds=rounds, seconds=seconds)
    parser.add_argument("--artifact", type=Path, help="the model to serve; absent: the recipe is trained")
    return parser.parse_args()


def rounds_parser(what: str | None, *, rounds: int, seconds: float) -> ArgumentParser:
    """Begin a command line with what all have that measure in rounds."""
    parser = ArgumentParser(description=what, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--seconds", type=float, default=seconds, help="of each load")
    parser.add_argument("--trial", action="store_true", help="print what was found instead of saving it")
    return parser


class Rounds:
    """What was measured so far, by contender.

    Args:
        name: Of the benchmark; what was measured is kept in a file of this name.
        settings: What the measurements depend on; those of other settings are forgotten.
    """

    def __init__(self, name: str, settings: Namespace) -> None:
        self.name = name
        self._is_trial = settings.trial
        self._settings = {key: str(value) for key, value in vars(settings).items() if key != "rounds"}
        self._path = KEPT / f"bench-{name}.json"
        self.found: dict[str, list[dict[str, float]]] = {}
        if self._path.exists():
            kept = json.loads(self._path.read_text(encoding="utf-8"))
            self.found = kept["found"] if kept["settings"] == self._settings else {}

    def measure(self, number: int, contender: str, measure: Callable[[], dict[str, float]]) -> None:
        """Measure a contender in a round, unless that was done; print and keep what was found."""
        rounds = self.found.setdefault(contender, [])
        if len(rounds) <= number:
            rounds.append(measure())
            content = {"settings": self._settings, "found": self.found}
            write_text(self._path, json.dumps(content, indent=1) + "\n")
        told = ", ".join(f"{name} {value:.4g}" for name, value in rounds[number].items())
        print(f"round {number + 1}, {contender}: {told}", file=sys.stderr, flush=True)

    def spreads(self) -> dict[str, dict[str, dict[str, float]]]:
        """Sum the rounds of each contender up."""
        return {
            name: {key: spread([one[key] for one in rounds]) for key in rounds[0]}
            for name, rounds in self.found.items()
        }

    def ratio(self, key: str, ours: str, theirs: str, their_key: str | None = None) -> dict[str, float]:
        """Divide a number of ours by one of theirs, round by round."""
        pairs = zip(self.found[ours], self.found[theirs], strict=True)
        return spread([mine[key] / other[their_key or key] for mine, other in pairs])

    def save(self, content: dict[str, object]) -> None:
        """Save the result, or print that of a trial; the kept rounds have done their duty."""
        if self._is_trial:
            print(json.dumps(content, indent=2))
        else:
            save(self.name, content)
        self._path.unlink(missing_ok=True)
