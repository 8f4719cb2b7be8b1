"""Read what ``serve --record`` has written: the rows of one version of a model, as a sample.

Two passes: the first reads when each row was made and by which version, the second the rows that are wanted. A folder
may hold more than fits into memory, and files may come and go while it is read.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np

from textwright.core.artifact import Artifact
from textwright.core.labels import Labels, Task
from textwright.core.prediction_record import LABELS_KEY, RECORD_FILES, PredictionRecord
from textwright.core.types import Bools, Float32s, Ints
from textwright.core.word_sketch import NUM_BUCKETS, count_buckets
from textwright.errors import DataError, NotFoundError
from textwright.monitor.sample import Sample
from textwright.storage import Location

_WITHOUT_TEXT: Final = ("time", "labels", "probabilities", "num_tokens", "unknown_rate", "words")


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """The rows of one version of a model.

    Args:
        sample: Those that are compared, in the order of their times.
        num_rows: All there are.
        num_other_versions: Rows of other models or versions, which are left out.
        num_files: Files that were read.
    """

    sample: Sample
    num_rows: int
    num_other_versions: int
    num_files: int


def read_records(
    folder: Location,
    artifact: Artifact,
    *,
    last_hours: float | None = None,
    max_texts: int = 50_000,
    with_texts: bool = False,
) -> Records:
    """Read the records of an artifact.

    Args:
        folder: A folder of records, or one file of them.
        artifact: Its version, digit by digit, is the one whose rows are read.
        last_hours: Only rows of so many hours before now; None for all.
        max_texts: Of more rows, evenly spaced ones are read.
        with_texts: Whether the texts are wanted, if they were recorded.

    Returns:
        The rows, at least one.

    Raises:
        NotFoundError: If there is no such folder or file.
        DataError: If a file is not one of records, or none has rows of this version in that time; names those that
            there are.
    """
    since = None if last_hours is None else datetime.now(UTC) - timedelta(hours=last_hours)
    versions: Counter[str] = Counter()
    times, places, files = [], [], _files(folder)
    for number, file in enumerate(files):
        table = _read(file, ("time", "version"))
        if table is None:
            continue
        names = table["version"].to_pylist()
        moments = table["time"].cast("int64").to_numpy()
        versions.update(names)
        rows = np.flatnonzero(np.array(names) == artifact.version)
        if since is not None:
            rows = rows[moments[rows] >= since.timestamp() * 1e6]
        times.append(moments[rows])
        places.append(np.stack([np.full(len(rows), number), rows], axis=1))
    chosen, num_rows = _choose(times, places, max_texts)
    if not num_rows:
        raise DataError(_nothing(folder, artifact, versions, last_hours))
    labels = artifact.manifest.labels
    parts = [
        _part(files[number], chosen[chosen[:, 0] == number, 1], labels, with_texts=with_texts)
        for number in np.unique(chosen[:, 0]).tolist()
    ]
    sample = _join([part for part in parts if part is not None])
    return Records(sample, num_rows, sum(versions.values()) - versions[artifact.version], len(files))


def _files(folder: Location) -> list[Location]:
    if folder.state() is not None:
        return [folder]
    if not folder.is_folder():
        raise NotFoundError(f"there are no records at {folder}; make some with: textwright serve RUN --record {folder}")
    return [file for file, _ in folder.members(RECORD_FILES)]


def _read(path: Location, columns: Sequence[str]) -> Any:  # noqa: ANN401  pyarrow has no types
    """Read columns of a file; None if the server has removed it meanwhile."""
    from pyarrow import ArrowException, parquet

    try:
        with path.open() as file:
            table = parquet.ParquetFile(file).read(columns=list(columns))
    except NotFoundError:
        return None
    except (ArrowException, OSError) as error:
        raise DataError(f"{path}: not a Parquet file that can be read: {error}; remove it from the folder") from error
    missing = [name for name in columns if name not in table.column_names]
    if missing:
        known = ", ".join(PredictionRecord._fields)
        raise DataError(f"{path}: no column {missing[0]!r}; records of textwright serve --record have {known}")
    return table


def _choose(times: Sequence[Ints], places: Sequence[Ints], max_texts: int) -> tuple[Ints, int]:
    """Order rows by time and take at most so many, evenly spaced: (M, 2) of file and row, and how many there are."""
    joined = np.concatenate([np.zeros((0, 2), dtype=np.int64), *places])
    order = np.argsort(np.concatenate([np.zeros(0, dtype=np.int64), *times]), kind="stable")
    if len(order) > max_texts:
        order = order[np.linspace(0, len(order) - 1, max_texts).astype(np.int64)]
    return joined[order], len(joined)


def _part(path: Location, rows: Ints, labels: Labels, *, with_texts: bool) -> Sample | None:
    """Read rows of one file, in its order, which is that of their times."""
    table = _read(path, (*_WITHOUT_TEXT, "text") if with_texts else _WITHOUT_TEXT)
    if table is None:
        return None
    _check_labels(path, table.schema.metadata or {}, labels)
    table = table.take(np.sort(rows))
    probabilities = np.array(table["probabilities"].to_pylist(), dtype=np.float32)
    if probabilities.shape != (len(rows), len(labels)):
        raise DataError(f"{path}: a row has not {len(labels)} probabilities, one for each label of the model")
    words = [np.array(item, dtype=np.int32) for item in table["words"].to_pylist()]
    if any(len(item) and not 0 <= item.min() <= item.max() < NUM_BUCKETS for item in words):
        raise DataError(f"{path}: buckets of words are numbers from 0 to {NUM_BUCKETS - 1}; it is of another version")
    texts = table["text"].to_pylist() if with_texts else []
    return Sample(
        predicted=_predicted(path, table["labels"].to_pylist(), labels, probabilities),
        probabilities=probabilities,
        num_tokens=table["num_tokens"].to_numpy(),
        unknown_rates=table["unknown_rate"].to_numpy(),
        word_counts=count_buckets(words),
        times=table["time"].to_pylist(),
        texts=[] if None in texts else texts,
    )


def _predicted(path: Location, names: Sequence[Sequence[str]], labels: Labels, probabilities: Float32s) -> Ints | Bools:
    """Turn recorded names back into predictions; where the model abstained, it is the most probable label."""
    try:
        if labels.task is Task.SINGLE_LABEL:
            best = [(labels.names[index],) for index in probabilities.argmax(axis=1).tolist()]
            chosen = (held or most_probable for held, most_probable in zip(names, best, strict=True))
            return np.array([labels.index[name] for (name,) in chosen], dtype=np.int64)
        holds = np.zeros((len(names), len(labels)), dtype=np.bool_)
        for row, held in enumerate(names):
            holds[row, [labels.index[name] for name in held]] = True
    except (KeyError, ValueError) as error:
        raise DataError(f"{path}: labels that are not the model's: {error}") from error
    return holds


def _check_labels(path: Location, metadata: dict[bytes, bytes], labels: Labels) -> None:
    try:
        names = json.loads(metadata.get(LABELS_KEY, b"null"))
    except ValueError:
        names = None
    if names != list(labels.names):
        raise DataError(
            f"{path}: its labels are {names}, and the model's {list(labels.names)}; name the model's records"
        )


def _join(parts: Sequence[Sample]) -> Sample:
    if not parts:
        raise DataError("every file of records was removed while it was read; read them again")
    texts = [text for part in parts for text in part.texts]
    probabilities: Float32s = np.concatenate([part.probabilities for part in parts])
    return Sample(
        predicted=np.concatenate([part.predicted for part in parts]),
        probabilities=probabilities,
        num_tokens=np.concatenate([part.num_tokens for part in parts]),
        unknown_rates=np.concatenate([part.unknown_rates for part in parts]),
        word_counts=np.sum([part.word_counts for part in parts], axis=0).tolist(),
        times=[time for part in parts for time in part.times],
        texts=texts if len(texts) == len(probabilities) else [],
    )


def _nothing(path: Location, artifact: Artifact, versions: Counter[str], last_hours: float | None) -> str:
    name = f"{artifact.manifest.name}@{artifact.version}"
    if versions[artifact.version]:
        return f"{path}: no record of {name} is of the last {last_hours:g} hours; leave --last-hours out to read all"
    others = ", ".join(f"{version} ({number:,})" for version, number in versions.most_common(5)) or "none at all"
    return f"{path}: no record is of {name}; there are records of: {others}. Name the artifact that was served"
