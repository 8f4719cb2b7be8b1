"""The flow of ``textwright score``: plan or go on, score what is left, sum up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from textwright import optional_deps
from textwright.batch_predict import added_types
from textwright.bulk.engines.local import LocalEngine
from textwright.bulk.engines.protocol import Engine, ScoreTask
from textwright.bulk.inputs import InputFile, list_inputs
from textwright.bulk.ledger import (
    LEDGER,
    Ledger,
    check_same,
    check_unchanged,
    describe_artifact,
    forget_missing,
    has_changed,
    read_ledger,
)
from textwright.bulk.plan import plan_files
from textwright.bulk.scoring import ScoreJob
from textwright.bulk.settings import ScoreSettings
from textwright.bulk.summary import ScoreSummary, summarize
from textwright.core.callbacks import Callback
from textwright.core.files import exclusive_folder
from textwright.data.settings import FileSettings
from textwright.errors import DataError, SettingsError
from textwright.runtime.loading import load
from textwright.runtime.predictor import Predictor
from textwright.storage import Location, locate

DEFAULT_DATA: Final = FileSettings()
DEFAULT_SETTINGS: Final = ScoreSettings()
_SILENT: Final = Callback()


def score_files(
    artifact: Path,
    source: str,
    out: str,
    *,
    data: FileSettings = DEFAULT_DATA,
    settings: ScoreSettings = DEFAULT_SETTINGS,
    callback: Callback = _SILENT,
) -> ScoreSummary:
    """Score every text of many files; called again after it was stopped, it goes on.

    Args:
        artifact: An artifact folder, or the run folder that holds it.
        source: A file, a folder or a pattern, on this machine or in S3.
        out: Folder of the output, on this machine or in S3. It holds for each input file its rows in order, in files
            numbered from 0, and the ledger.
        data: How the files are read.
        settings: What is written, and who computes it.
        callback: Told the stages, and the rows that are done.

    Returns:
        What was scored.

    Raises:
        NotFoundError: If there is no such artifact or input.
        SettingsError: If the output holds something else, or was begun with another model or other settings.
        DataError: If an input cannot be read or has changed, or no row can be scored.
        BackendError: If the engine fails, or a process ended.
        MissingExtraError: If an optional dependency is missing.
    """
    if any(name.endswith(".parquet") for name in (source, f".{settings.format}")):
        optional_deps.require("data", what="scoring Parquet files")
    target = locate(out)
    _refuse_overlap(locate(source), target)
    own = f"{target.address.rstrip('/')}/"
    files = [file for file in list_inputs(source) if not file.location.address.startswith(own)]  # a pattern may match
    predictor = load(artifact, variant=settings.variant, num_threads=1)
    with _locked(target):
        callback.on_stage_begin("planning")
        ledger = _open_ledger(target, files, predictor, data, settings)
        scored, seconds = _score(ledger, files, predictor, ScoreJob(target, data, settings.top_k), settings, callback)
        summary = summarize(out, ledger.results.values(), scored, seconds, settings.hourly_usd)
    if summary.num_rows == summary.num_errors:
        reason = f"none of {summary.num_rows:,} rows can be scored; the first: {summary.first_error}"
        raise DataError(f"{source}: {reason if summary.num_rows else 'there is no row to score'}")
    return summary


def _open_ledger(
    out: Location, files: list[InputFile], predictor: Predictor, data: FileSettings, settings: ScoreSettings
) -> Ledger:
    """Read the ledger of an earlier run, or plan anew."""
    artifact = describe_artifact(predictor.artifact, predictor.variant)
    decisive = _decisive(data, settings)
    ledger = read_ledger(out)
    if ledger is None:
        if out.is_folder() and out.files():
            raise SettingsError(
                f"{out.address} holds files and no {LEDGER}, so this command did not begin it; give another --out"
            )
        ledger = Ledger(out, artifact, decisive)
    check_same(ledger, artifact, decisive)
    new = check_unchanged(ledger, files)
    forget_missing(ledger)
    if new:
        ledger.files += plan_files(new, data, settings, added_types(predictor, with_errors=True, top_k=settings.top_k))
        ledger.write()
    return ledger


def _score(
    ledger: Ledger,
    files: list[InputFile],
    predictor: Predictor,
    job: ScoreJob,
    settings: ScoreSettings,
    callback: Callback,
) -> tuple[int, float]:
    """Score what is left; return the rows and the seconds of this run."""
    tasks = [ScoreTask(*task) for task in ledger.remaining()]
    progress = _Progress(callback, sum(file.num_rows for file in ledger.files), ledger)
    start = last = perf_counter()
    num_rows = 0
    try:
        for result in _engine(settings).results(predictor, job, tasks, progress.add) if tasks else ():
            now = perf_counter()
            ledger.add(result, now - last)
            num_rows, last = num_rows + result.num_rows, now
    finally:
        if tasks:
            ledger.write()
    _refuse_changed(ledger, files)
    return num_rows, last - start


def _engine(settings: ScoreSettings) -> Engine:
    if settings.engine == "ray":
        from textwright.bulk.engines.ray import RayEngine

        return RayEngine(settings.workers, settings.address)
    if settings.address is not None:
        raise SettingsError("--address names a Ray cluster; say --engine ray with it")
    return LocalEngine(settings.workers)


class _Progress:
    """Turns rows into calls of a callback, with the rate."""

    def __init__(self, callback: Callback, total: int, ledger: Ledger) -> None:
        self._callback, self._total = callback, total
        self._before = self._done = sum(result.num_rows for result in ledger.results.values())
        self._start = perf_counter()

    def add(self, num_rows: int) -> None:
        self._done += num_rows
        rate = (self._done - self._before) / (perf_counter() - self._start)
        self._callback.on_progress(f"scoring, {rate:,.0f} texts/s", self._done, max(self._total, self._done))


def _decisive(data: FileSettings, settings: ScoreSettings) -> Mapping[str, Any]:
    """Return what decides the output's bytes and must be the same when an output is gone on with."""
    return {
        **data.model_dump(mode="json"),
        "format": settings.format,
        "top_k": settings.top_k,
        "fragment_rows": settings.fragment_rows,
    }


def _refuse_changed(ledger: Ledger, files: list[InputFile]) -> None:
    """Refuse input that was written to while it was scored."""
    present = {file.name: file for file in files}
    for file in ledger.files:
        if has_changed(file, present[file.name]):
            raise DataError(
                f"{file.source} has changed while it was scored, so its predictions may be of both; give another --out"
            )


def _refuse_overlap(source: Location, out: Location) -> None:
    inside, folder = (item.address.rstrip("/") for item in (out, source))
    if f"{inside}/".startswith(f"{folder}/"):
        raise SettingsError(f"{out.address} is, or lies in, the input {source.address}; give an --out beside it")


@contextmanager
def _locked(out: Location) -> Iterator[None]:
    """Let one process at a time write; an output in S3 has no lock."""
    if out.is_remote:
        yield
        return
    if out.path.is_file():
        raise SettingsError(f"{out.address} is a file; --out is a folder")
    with exclusive_folder(out.path):
        yield
