"""Measure checking and loading of large CSV files: seconds and peak memory, at 250,000 and 1,000,000 rows.

Run: ``python benchmarks/data_check.py``

The rows are synthetic: 20 words each, drawn from 50,000 with a few frequent and many rare ones, two labels, 2 % exact
and 2 % near duplicates, so that the search for duplicates has something to find. Each measurement is a process of its
own; the peak is its largest resident size.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from _common import save, versions

ROWS = (250_000, 1_000_000)
WORDS = 20
VOCABULARY = 50_000


def write_csv(path: Path, num_rows: int) -> None:
    """Write synthetic rows; the same ones every time."""
    generator = np.random.default_rng(0)
    words = np.array([f"word{number}" for number in range(VOCABULARY)])
    with path.open("w", encoding="utf-8") as file:
        file.write("text,label\n")
        for _ in range(0, num_rows, 10_000):
            ids = (VOCABULARY * generator.random((10_000, WORDS)) ** 3).astype(np.int64)
            ids[:200] = ids[200:400]  # exact duplicates
            ids[400:600] = ids[600:800]
            ids[400:600, 10] = 0  # near ones
            texts = (" ".join(row) for row in words[ids].tolist())
            file.writelines(f"{text},{('neg', 'pos')[number % 2]}\n" for number, text in enumerate(texts))


def measure(path: Path) -> dict[str, Any]:
    """Check and load a file in processes of their own."""
    steps = {name: json.loads(_child(name, path)) for name in ("import", "check", "load")}
    return {"file_bytes": path.stat().st_size, **steps}


def _child(step: str, path: Path) -> str:
    command = [sys.executable, __file__, step, str(path)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def run_step(step: str, source: str) -> None:
    """Do one step and print its cost."""
    from textwright.data.check import check
    from textwright.data.load import load_dataset

    start, cpu_start = time.perf_counter(), time.process_time()
    found: dict[str, Any] = {}
    if step == "check":
        report = check(source)
        found = {"exact": report.exact_duplicates.count, "near": report.near_duplicates.count}
    elif step == "load":
        found = {"splits": {name: len(split) for name, split in load_dataset(source).splits.items()}}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu_start
    cost = {"seconds": round(seconds, 2), "cpu_seconds": round(cpu_seconds, 2), "peak_mib": round(peak)}
    print(json.dumps({**cost, **found}))


def main() -> None:
    """Measure every size and write the result file."""
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for num_rows in ROWS:
            path = Path(folder) / "rows.csv"
            write_csv(path, num_rows)
            results[str(num_rows)] = measure(path)
    note = "one run each; a load above 1 means that other work shared the cores: read cpu_seconds then"
    load = round(os.getloadavg()[0], 1)
    save("data_check", {"note": note, "load": load, "versions": versions("numpy"), "rows": results})


if __name__ == "__main__":
    run_step(*sys.argv[1:]) if len(sys.argv) > 1 else main()
