"""Are the defaults right on data that nobody tuned them on? Every family, without a flag, on some 30 labeled files.

Run: ``make bench-battery``; for a part ``python benchmarks/battery.py --sources tweets-979,chinese-300 --families bow
--seeds 1``. Each file is written as a user has it, read and split by Textwright, and learned by each family with its
defaults, beside the most frequent label, TF-IDF with logistic regression tuned by cross-validation, SetFit and
fastText's autotune. The last two run where ``.venv-rivals/setfit`` and ``.venv-rivals/fasttext`` are.

A third of the sources is held: they are run with ``--held`` alone, once per release, and nothing is chosen by them.
Every run is kept under ``runs/``, so a battery that was stopped goes on; ``--again bow,linear`` runs those rows anew
after their defaults have changed. ``--check`` says which bars hold, ``python benchmarks/battery_figure.py`` draws.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.update(ORT_DISABLE_TELEMETRY="1", TOKENIZERS_PARALLELISM="false")

import json
import shutil
import statistics
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from _common import RESULTS, RUNS, chosen, save
from battery_baseline import TunedLinear
from battery_checks import print_checks
from battery_rivals import FastText, SetFit
from battery_sources import SOURCES
from battery_sources.source import BatterySource
from textwright.comparison.baselines import MajorityBaseline
from textwright.comparison.candidate import Candidate, Result, RunJob
from textwright.comparison.examples import Source
from textwright.comparison.families import from_family
from textwright.comparison.run_cache import load_result, save_result
from textwright.comparison.runs import Run
from textwright.comparison.summary import measure_seeds
from textwright.core.callbacks import Callback
from textwright.core.files import write_text
from textwright.core.labels import Task
from textwright.data.dataset import Dataset
from textwright.data.settings import DataSettings
from textwright.errors import SettingsError
from textwright.models import FAMILIES

OUT: Final = RUNS / "battery"
SETTINGS: Final = DataSettings()
METRICS: Final = ("accuracy", "exact_match", "macro_f1", "log_loss", "calibration_error")
RIVALS: Final[tuple[Candidate, ...]] = (MajorityBaseline(), TunedLinear(), SetFit(), FastText())
_TRANSFORMER_TEXTS: Final = 1_500
_TRANSFORMER_WORDS: Final = {"frozen-bert": 400, "bert": 60}
"""Family -> the longest mean length of texts that it is trained on here."""
_FAILURE: Final = "failure.json"


def main() -> None:
    """Run what is asked for, source by source, and save after each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sources", default="", help="names with commas between them; all but the held ones")
    parser.add_argument("--families", default="", help="families and rivals with commas between them; all")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--held", action="store_true", help="run the held sources, and no others")
    parser.add_argument("--again", default="", help="rows whose finished runs are thrown away first")
    parser.add_argument("--out", type=Path, default=OUT, help="where the runs are kept")
    parser.add_argument("--result", default="battery", help="name of the result file")
    parser.add_argument("--check", action="store_true", help="say which bars the result file meets; run nothing")
    given = parser.parse_args()
    if given.check:
        print_checks(json.loads((RESULTS / f"{given.result}.json").read_text(encoding="utf-8")))
        return
    names = chosen(parser, _names(given.sources), [name for name, it in SOURCES.items() if it.is_held == given.held])
    candidates = {one.name: one for one in (*RIVALS, *map(from_family, FAMILIES))}
    rows = [candidates[name] for name in chosen(parser, _names(given.families), candidates)]
    for name in names:
        bench = Bench(SOURCES[name], given.out / name)
        bench.forget(_names(given.again))
        merge(given.result, name, bench.run(rows, given.seeds))


def _names(typed: str) -> list[str]:
    return [name.strip() for name in typed.split(",") if name.strip()]


class Bench:
    """One source of the battery, and its finished runs.

    Args:
        source: Which.
        folder: Where its file and its runs are kept.
        scale: Share of the rows that is made, for tests.
    """

    def __init__(self, source: BatterySource, folder: Path, scale: float = 1.0) -> None:
        self._source, self._folder = source, folder
        folder.mkdir(parents=True, exist_ok=True)
        path, self._ceiling = source.write(folder, scale)
        self._data = Source(str(path), SETTINGS)

    def forget(self, rows: Sequence[str]) -> None:
        """Throw away the finished runs of some rows."""
        for row in rows:
            shutil.rmtree(self._folder / "runs" / row, ignore_errors=True)

    def run(self, candidates: Sequence[Candidate], num_seeds: int) -> dict[str, Any]:
        """Run what is not yet run.

        Args:
            candidates: The rows.
            num_seeds: Seeds of each row that depends on one.

        Returns:
            What is known of the source, and of each row, as JSON-ready values.
        """
        rows = {}
        for candidate in candidates:
            reason = not_run(candidate.name, self._data.whole, self._source)
            rows[candidate.name] = {"not_run": reason} if reason else self._row(candidate, num_seeds)
            print(f"{self._source.name}: {candidate.name}: {_in_short(rows[candidate.name])}", flush=True)
        return {**describe(self._source, self._data.whole, self._ceiling), "rows": rows}

    def _row(self, candidate: Candidate, num_seeds: int) -> dict[str, Any]:
        results = []
        for seed in range(num_seeds if candidate.depends_on_seed else 1):
            result = self._result(candidate, Run(candidate.name, seed))
            if isinstance(result, str):
                return {"failed": result}
            results.append(result)
        measured = measure_seeds([result.predictions for result in results])
        seconds = [result.seconds for result in results if result.seconds is not None]
        return {
            "metrics": {name: asdict(measured[name]) for name in METRICS if name in measured},
            "train_s": statistics.median(seconds) if seconds else None,
            "train_s_per_seed": seconds,
            "version": results[0].version if candidate.is_baseline else "",
        }

    def _result(self, candidate: Candidate, run: Run) -> Result | str:
        """Take up a finished run, or run it; what ended with an error is its message."""
        folder = self._folder / "runs" / run.folder
        identity = {
            "settings": json.loads(json.dumps(candidate.settings)),
            "seed": run.seed,
            "data": SETTINGS.model_dump(mode="json"),
            "fingerprint": self._data.whole.fingerprint,
        }
        if (folder / _FAILURE).is_file():
            return str(json.loads((folder / _FAILURE).read_text(encoding="utf-8"))["message"])
        try:
            result = load_result(folder, identity, candidate.complete)
        except SettingsError as error:
            raise SettingsError(f"{error} (--again {candidate.name} runs it anew)") from error
        if result is not None:
            return result
        job = RunJob(self._data.whole, SETTINGS, run.seed, folder, keep_model=False)
        try:
            result = candidate.run(job, Callback())
        except Exception as error:  # noqa: BLE001  a family that fails is a finding; the others are still to be measured
            traceback.print_exc()
            message = f"{type(error).__name__}: {error}"[:500]
            write_text(folder / _FAILURE, json.dumps({"message": message}) + "\n")
            return message
        save_result(folder, result, identity)
        candidate.clean_up(job)
        return result


def not_run(row: str, dataset: Dataset, source: BatterySource) -> str:
    """Say why a row is not run on a source; empty if it is."""
    num_train = len(dataset.train)
    num_words = statistics.fmean(len(text.split()) for text in dataset.train.texts[:1000])
    for rival in RIVALS:
        if rival.name == row and isinstance(rival, SetFit | FastText):
            return rival.not_run(dataset, source)
    if row in _TRANSFORMER_WORDS and num_train > _TRANSFORMER_TEXTS:
        return f"too slow on this machine: more than {_TRANSFORMER_TEXTS:,} training texts"
    if row in _TRANSFORMER_WORDS and num_words > _TRANSFORMER_WORDS[row]:
        return f"too slow on this machine: more than {_TRANSFORMER_WORDS[row]} words a text"
    return ""


def describe(source: BatterySource, dataset: Dataset, ceiling: float | None) -> dict[str, Any]:
    """Tell what a source is, as JSON-ready values."""
    lengths = [len(text.split()) for text in dataset.train.texts]
    return {
        "summary": source.summary,
        "language": source.language,
        "is_real": source.is_real,
        "is_held": source.is_held,
        "origin": source.origin,
        "license": source.license,
        "layout": source.layout,
        "task": str(dataset.labels.task),
        "primary_metric": "exact_match" if dataset.labels.task is Task.MULTI_LABEL else "accuracy",
        "num_labels": len(dataset.labels),
        "num_examples": {name: len(examples) for name, examples in dataset.splits.items()},
        "median_words": statistics.median(lengths),
        "ceiling": ceiling,
        "fingerprint": dataset.fingerprint,
    }


def merge(result: str, name: str, found: Mapping[str, Any]) -> None:
    """Write what was found of one source into the result file, beside the sources and rows that are there."""
    path = RESULTS / f"{result}.json"
    before = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"sources": {}}
    there = before["sources"].get(name, {})
    rows = {**there.get("rows", {}), **found["rows"]} if there.get("fingerprint") == found["fingerprint"] else {}
    sources = {**before["sources"], name: {**found, "rows": rows or found["rows"]}}
    libraries = ("textwright", "torch", "onnxruntime", "tokenizers", "scikit-learn", "numpy")
    content = {
        "command": "make bench-battery",
        "threads": int(os.environ["OMP_NUM_THREADS"]),
        "versions": {library: metadata.version(library) for library in libraries},
        "sources": {known: sources[known] for known in SOURCES if known in sources},
    }
    save(result, content)


def _in_short(row: Mapping[str, Any]) -> str:
    if "metrics" not in row:
        return "; ".join(f"{key.replace('_', ' ')}: {value}" for key, value in row.items())
    primary_metric = row["metrics"].get("exact_match") or row["metrics"]["accuracy"]
    seconds = row["train_s"]
    return (
        f"{100 * primary_metric['value']:.1f} / {row['metrics']['macro_f1']['value']:.3f}, log loss "
        f"{row['metrics']['log_loss']['value']:.3f}, {'?' if seconds is None else f'{seconds:.1f}'} s {row['version']}"
    )


if __name__ == "__main__":
    main()
