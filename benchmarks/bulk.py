"""How fast is ``textwright score`` beside a loop in pandas, and how much memory do 10,000,000 rows take?

Run by ``make bench-bulk``. Rates are of whole commands, start and planning included, in rounds that alternate between
the contenders; beside them stands what one process of one thread predicts from texts in memory. ``--bert RUN`` measures
an int8 ``bert`` too, ``--ray PYTHON`` the Ray engine (``.venv-ray/bin/python`` of ``.ci/ray``).
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import psutil
import pyarrow as pa
from pyarrow import parquet

from _common import ROOT, save, side_by_side, spread, trained, versions
from textwright.data.settings import DataSettings
from textwright.data.sources import open_source
from textwright.runtime.cores import num_cores
from textwright.runtime.loading import load

SOURCE: Final = "movie-reviews"
ROW_GROUP: Final = 100_000
PANDAS_CHUNK: Final = 10_000
"""Rows of a chunk of the loop in pandas."""
SAMPLE_S: Final = 1.0
"""Seconds between two looks at the memory of the processes."""

PANDAS_LOOP: Final = f"""
import sys
import pandas as pd
import textwright
model = textwright.load(sys.argv[1])
frame = pd.read_parquet(sys.argv[2])
parts = []
for start in range(0, len(frame), {PANDAS_CHUNK}):
    chunk = frame.iloc[start : start + {PANDAS_CHUNK}]
    predictions = model.predict(chunk["text"])
    probabilities = pd.DataFrame([item.probabilities for item in predictions], index=chunk.index)
    parts.append(
        chunk.assign(
            predicted_label=[item.label for item in predictions],
            confidence=[item.confidence for item in predictions],
            truncated=[item.truncated for item in predictions],
        ).join(probabilities.add_prefix("probability_"))
    )
pd.concat(parts).to_parquet(sys.argv[3])
"""


def sentences() -> list[str]:
    """Read all sentences of the source."""
    with open_source(SOURCE, DataSettings()) as tables:
        return [str(row.values["text"]) for table in tables for row in table.read(table.columns)]


def write_rows(path: Path, texts: Sequence[str], num_rows: int) -> None:
    """Write sentences again and again, each with the number of its row, so that no two are alike."""
    schema = pa.schema({"id": pa.int64(), "text": pa.string()})
    with parquet.ParquetWriter(path, schema) as writer:
        for start in range(0, num_rows, ROW_GROUP):
            ids = range(start, min(start + ROW_GROUP, num_rows))
            rows = [f"{texts[number % len(texts)]} {number}" for number in ids]
            writer.write_table(pa.table({"id": ids, "text": rows}, schema=schema))


def score_command(python: str, run: Path, source: Path, out: Path, *flags: str) -> list[str]:
    """Write the command that scores a file."""
    return [python, "-m", "textwright", "score", str(run), str(source), "--out", str(out), "--json", "--quiet", *flags]


def in_process_rate(run: Path, texts: Sequence[str]) -> float:
    """Texts a second of one thread, from texts in memory to predictions."""
    predictor = load(run, num_threads=1)
    predictor.predict(texts[:1_000])
    start = perf_counter()
    for first in range(0, len(texts), 8_192):
        predictor.predict(texts[first : first + 8_192])
    return len(texts) / (perf_counter() - start)


def rates(run: Path, texts: Sequence[str], num_rows: int, rounds: int, ray: str | None) -> dict[str, Any]:
    """Measure the contenders on one file of Parquet."""
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "rows.parquet", Path(folder) / "out"
        write_rows(source, texts, num_rows)
        memory = [f"{texts[number % len(texts)]} {number}" for number in range(num_rows)]
        stated: dict[str, list[float]] = {"score": [], "ray": []}
        one_thread: list[float] = []

        def score(name: str, python: str, *flags: str) -> None:
            shutil.rmtree(out, ignore_errors=True)
            done = subprocess.run(
                score_command(python, run, source, out, *flags), check=True, capture_output=True, cwd=ROOT
            )
            stated[name].append(json.loads(done.stdout)["texts_per_second"])

        contenders = {
            "in process, one thread": lambda: one_thread.append(in_process_rate(run, memory)),
            "score": lambda: score("score", sys.executable),
            "pandas loop": lambda: subprocess.run(
                [sys.executable, "-c", PANDAS_LOOP, str(run), str(source), str(Path(folder) / "pandas.parquet")],
                check=True,
            ),
        }
        if ray is not None:
            contenders["ray"] = lambda: score("ray", ray, "--engine", "ray")
        seconds = side_by_side(contenders, rounds=rounds)
    command = {name: [num_rows / taken for taken in all_taken] for name, all_taken in seconds.items()}
    command["in process, one thread"] = one_thread[1:]
    pairs = zip(command["score"], command["in process, one thread"], command["pandas loop"], strict=True)
    ratios = [(score / (num_cores() * thread), score / pandas) for score, thread, pandas in pairs]
    return {
        "num_rows": num_rows,
        "texts_per_second": {name: spread(values) for name, values in command.items()},
        "texts_per_second_without_start": {name: spread(values[1:]) for name, values in stated.items() if values},
        "of_cores_times_one_thread": spread([ratio for ratio, _ in ratios]),
        "beside_pandas_loop": spread([ratio for _, ratio in ratios]),
    }


def memory_curve(run: Path, texts: Sequence[str], num_rows: int) -> dict[str, Any]:
    """Score many rows and look at the resident memory of every process, once a second."""
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "rows.parquet", Path(folder) / "out"
        write_rows(source, texts, num_rows)
        samples, start = [], perf_counter()
        with subprocess.Popen(
            score_command(sys.executable, run, source, out), stdout=subprocess.PIPE, text=True, cwd=ROOT
        ) as process:
            while process.poll() is None:
                samples.append({"seconds": round(perf_counter() - start, 1), **_resident(process.pid), **_done(out)})
                time.sleep(SAMPLE_S)
            shown = process.stdout.read() if process.stdout else "{}"
        summary = json.loads(shown)
    return {
        "num_rows": num_rows,
        "seconds": summary["seconds"],
        "texts_per_second": summary["texts_per_second"],
        "peak_mib": max(sample["largest_mib"] for sample in samples),
        "curve": samples[:: max(len(samples) // 40, 1)],
    }


def _resident(pid: int) -> dict[str, float]:
    """Return the resident memory of the largest process of a command, and of all, in MiB."""
    sizes = [0]
    try:
        parent = psutil.Process(pid)
        processes = [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        processes = []
    for process in processes:
        try:
            sizes.append(process.memory_info().rss)
        except psutil.NoSuchProcess:
            continue
    return {"largest_mib": round(max(sizes) / 2**20, 1), "all_mib": round(sum(sizes) / 2**20, 1)}


def _done(out: Path) -> dict[str, int]:
    return {"num_files": sum(1 for _ in out.glob("*.parquet"))}


def main(options: Namespace) -> None:
    """Measure and write ``results/bulk.json``."""
    texts, bow = sentences(), options.bow or trained(SOURCE, "bow", 0)
    content: dict[str, Any] = {
        "command": "make bench-bulk",
        "what": f"whole commands over sentences of {SOURCE} in Parquet, row groups of {ROW_GROUP:,}; the loop in "
        f"pandas reads the file, predicts {PANDAS_CHUNK:,} rows at a time with all threads and writes one file",
        "versions": versions("numpy", "onnxruntime", "pandas", "pyarrow", "tokenizers"),
        "num_cores": num_cores(),
        "note": options.note,
        "bow": rates(bow, texts, options.rows, options.rounds, options.ray),
    }
    if options.bert is not None:
        content["bert_int8"] = rates(options.bert, texts, options.bert_rows, options.rounds, None)
    content["memory"] = memory_curve(bow, texts, options.memory_rows)
    save("bulk", content)


if __name__ == "__main__":
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--bow", type=Path, help="run of a bow model; absent: the leaderboard's, or trained")
    parser.add_argument("--bert", type=Path, help="run of an int8 bert; absent: not measured")
    parser.add_argument("--ray", help="Python of an environment with the extra ray; absent: not measured")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--bert-rows", type=int, default=20_000)
    parser.add_argument("--memory-rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--note", default="", help="what should be known of this run, such as what else was running")
    main(parser.parse_args())
