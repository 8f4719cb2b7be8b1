"""The flow of a comparison: run what is not yet run, and keep the table true after each. Called by the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from textwright import __version__
from textwright.comparison.candidate import Candidate, RunJob
from textwright.comparison.examples import Source, usable_sizes
from textwright.comparison.leaderboard import Leaderboard, RowSpeed
from textwright.comparison.options import ComparisonOptions
from textwright.comparison.run_cache import load_result, save_result
from textwright.comparison.runs import Run, TimeEstimate, plan_runs
from textwright.comparison.table import LeaderboardTable
from textwright.core.callbacks import Callback, CallbackList, RunInfo
from textwright.core.json_diff import first_difference
from textwright.data.dataset import Dataset
from textwright.data.encoders import advice_for_scripts
from textwright.data.scripts import count_scripts, main_scripts
from textwright.data.settings import DataSettings, complete_settings
from textwright.environment import machine
from textwright.errors import SettingsError
from textwright.evaluate.benchmark import benchmark
from textwright.evaluate.scores import primary_metric

RUNS: Final = "runs"
_NUM_BATCH_TEXTS: Final = 1_000
"""Texts of the call that gives a row its throughput, as in the leaderboards of ``benchmarks/results``."""
_LIBRARIES: Final = ("torch", "onnxruntime", "tokenizers", "scikit-learn", "numpy")


def compare(
    choice: ComparisonOptions,
    out: Path,
    *,
    callbacks: Sequence[Callback] = (),
    measure_speeds: bool = True,
) -> Leaderboard:
    """Train and measure every row on the same examples.

    What is finished is kept: a comparison that was killed goes on, one with more seeds, sizes or rows adds them.

    Args:
        choice: What to compare on what.
        out: Folder of the comparison: ``leaderboard.json`` after every run, the page at the end, and all runs.
        callbacks: Called at every run and its steps, with every new table, with the bytes of a built-in source that
            have come, and with each sentence about rows that were dropped and labels that look like mistakes.
        measure_speeds: Time the finished models at the end; False needs none of them, only what they said.

    Returns:
        The complete table.

    Raises:
        DataError: If the source cannot be used, or is too small for its folds.
        SettingsError: If ``out`` holds something else, or a setting is wrong.
        TextwrightError: What a run raises; what was finished before it is kept.
    """
    callback = CallbackList(callbacks)
    source = Source(choice.source, choice.data, partial(callback.on_progress, "fetching the data"))
    for warning in source.whole.warnings:
        callback.on_warning(warning)
    for sentence in about_encoders(choice, source):
        callback.on_warning(sentence)
    bench = _Runner(choice, source, out, callback)
    bench.run_all()
    if measure_speeds:
        bench.measure_speed()
    return bench.finish()


class _Runner:
    """The state of one comparison while it runs; all of it can be had back from the files."""

    def __init__(self, choice: ComparisonOptions, source: Source, out: Path, callback: Callback) -> None:
        self._source, self._out, self._callback = source, out, callback
        self._before = _read_before(out, source.describe())
        self._candidates: Mapping[str, Candidate] = {one.name: one for one in choice.candidates}
        sizes = usable_sizes(choice.sizes, source.whole)
        num_folds = choice.data.num_folds
        self._runs = runs = plan_runs(choice.candidates, num_seeds=choice.num_seeds, num_folds=num_folds, sizes=sizes)
        self._schedule = TimeEstimate(runs, len(source.whole.train))
        self._table = LeaderboardTable(choice.candidates, runs, _frame(choice, source, sizes))
        self._left = [run for run in runs if not self._take_up(run)]

    def run_all(self) -> None:
        """Run what is left, and write the table after each."""
        self._publish()
        for run in self._left:
            info = RunInfo(run.candidate, run.summary, self._runs.index(run) + 1, len(self._runs))
            self._callback.on_run_begin(info)
            candidate, job = self._candidates[run.candidate], self._job(run)
            result = candidate.run(job, self._callback)
            save_result(job.folder, result, self._identity(run))
            candidate.clean_up(job)
            self._table.add(run, result)
            self._schedule.finish(run, result.seconds)
            self._publish()
            self._callback.on_run_end(info, "done")

    def measure_speed(self) -> None:
        """Time the finished models beside each other."""
        versions = self._table.versions()
        speeds = _speeds_before(self._before, versions)
        if speeds is None:
            self._callback.on_stage_begin("timing the finished models")
            first = {name: Run(name, 0, fold=0 if self._source.settings.num_folds else None) for name in versions}
            answering = {name: self._candidates[name].reopen(self._job(run)) for name, run in first.items()}
            timings = benchmark(answering, self._source.whole.test.texts, num_batch_texts=_NUM_BATCH_TEXTS)
            speeds = {name: RowSpeed(item.latency_ms(), item.texts_per_second) for name, item in timings.items()}
        self._table.add_speeds(speeds)

    def finish(self) -> Leaderboard:
        """Write the table for the last time, and the page."""
        board = self._publish()
        board.write_html(Leaderboard.html_path(self._out))
        return board

    def _take_up(self, run: Run) -> bool:
        """Enter a run that was finished before, and say whether it was."""
        result = load_result(self._folder(run), self._identity(run), self._candidates[run.candidate].complete)
        if result is not None:
            self._table.add(run, result)
            self._schedule.finish(run, result.seconds)
        return result is not None

    def _publish(self) -> Leaderboard:
        board = self._table.leaderboard()
        board.write_json(Leaderboard.json_path(self._out))
        self._callback.on_result(board, self._schedule.seconds_left())
        return board

    def _job(self, run: Run) -> RunJob:
        data = run.data(self._source.settings)
        return RunJob(self._source.cut(run), data, run.seed, self._folder(run), keep_model=run.is_shipped)

    def _folder(self, run: Run) -> Path:
        return self._out / RUNS / run.folder

    def _identity(self, run: Run) -> dict[str, Any]:
        """Tell what a finished run must share to be this one."""
        return {
            "settings": json.loads(json.dumps(self._candidates[run.candidate].settings)),
            "seed": run.seed,
            "data": run.data(self._source.settings).model_dump(mode="json"),
            "fingerprint": self._source.whole.fingerprint,
        }


def about_encoders(choice: ComparisonOptions, source: Source) -> list[str]:
    """Advise another encoder where candidates read with the English one what is in other scripts.

    Args:
        choice: With the candidates.
        source: The texts.

    Returns:
        A sentence for each encoder that will not do.
    """
    encoders = {
        str(family["encoder"]): str(one.settings["family"])
        for one in choice.candidates
        if "encoder" in (family := one.settings.get("model", {}))
    }
    if not encoders:
        return []
    scripts = count_scripts(main_scripts(source.whole.splits["train"].texts))
    return [text for name, family in encoders.items() if (text := advice_for_scripts(scripts, family, name))]


def _frame(choice: ComparisonOptions, source: Source, sizes: Sequence[int]) -> Leaderboard:
    """Make the table without rows."""
    return Leaderboard(
        data=source.describe(),
        primary_metric=primary_metric(source.whole.labels.task),
        protocol=describe_protocol(source.whole, choice.data, choice.num_seeds, sizes),
        rows=(),
        machine=machine(),
        versions={"textwright": __version__, **{name: metadata.version(name) for name in _LIBRARIES}},
    )


def _read_before(out: Path, data: Mapping[str, Any]) -> dict[str, Any]:
    """Read the table of an earlier call, refusing a folder that holds something else.

    Returns:
        Its content; empty if the folder is new.
    """
    path = Leaderboard.json_path(out)
    if not path.is_file():
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise SettingsError(f"{out} exists and is no comparison; give an --out that is new, empty or a comparison")
        return {}
    try:
        before: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        stored_data = {**before["data"], "settings": complete_settings(before["data"]["settings"])}
        stored, wanted = ({name: it[name] for name in ("fingerprint", "settings")} for it in (stored_data, data))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SettingsError(f"{path} is no leaderboard ({error}); give another --out") from error
    difference = first_difference(stored, wanted)
    if difference is None:
        return before
    what = f"of {stored_data['source']}" if stored_data["source"] != data["source"] else "of other data"
    raise SettingsError(f"{out} holds a comparison {what} ({difference}); give another --out")


def _speeds_before(before: Mapping[str, Any], versions: Mapping[str, str]) -> dict[str, RowSpeed] | None:
    """Take the speeds of an earlier call, if all of these very models were timed on this machine."""
    rows = {row["name"]: row for row in before.get("rows", ())}
    is_same = all(name in rows and rows[name]["version"] == version for name, version in versions.items())
    if not is_same or before.get("machine") != machine() or any(rows[name]["speed"] is None for name in versions):
        return None
    return {name: RowSpeed(**rows[name]["speed"]) for name in versions}


def describe_protocol(dataset: Dataset, settings: DataSettings, num_seeds: int, sizes: Sequence[int]) -> str:
    """Say what was trained on, chosen with, measured on, and how often.

    Args:
        dataset: The whole source, cut; with folds, for the first of them.
        settings: How it was cut.
        num_seeds: Seeds of each row.
        sizes: Sizes of the learning curve below all examples.
    """
    return " ".join([*_describe_split(dataset, settings), *_describe_choosing(num_seeds), *_describe_curve(sizes)])


def _describe_split(dataset: Dataset, settings: DataSettings) -> Iterator[str]:
    train, validation, test = (f"{len(examples):,}" for examples in dataset.splits.values())
    if dataset.splits_are_given:
        yield f"The splits that the source brings, of {train} / {validation} / {test} texts"
        yield "(train / validation / test; what it lacks is drawn)."
    elif settings.num_folds is None:
        yield f"One stratified split of {train} / {validation} / {test} texts (train / validation / test), drawn with"
        yield f"seed {settings.split_seed}; near duplicates stay together; all rows share it."
    else:
        yield f"{settings.num_folds} stratified folds drawn with seed {settings.split_seed}, so that each of the"
        yield f"{sum(map(len, dataset.splits.values())):,} texts is tested once by a model that never saw it; near"
        yield "duplicates stay together; all rows share the folds; validation is drawn from the other folds."


def _describe_choosing(num_seeds: int) -> Iterator[str]:
    seeds = "training seed 0" if num_seeds == 1 else f"training seeds 0 to {num_seeds - 1}"
    yield f"Each family is trained with {seeds}; validation chooses the epoch and the temperature,"
    yield "cross-validation on the training texts the settings of tf-idf,"
    yield "and test texts are read once per run, by the shipped artifact."


def _describe_curve(sizes: Sequence[int]) -> Iterator[str]:
    if sizes:
        listed = ", ".join(f"{size:,}" for size in sizes)
        yield f"Learning curve: {listed} training texts, nested and stratified, drawn anew for each seed and alike for"
        yield "every row; validation shrinks in proportion, the test texts stay."
