"""How much memory does training `bow` on 1,000,000 and on 20,000,000 rows of 20 words take? `make bench-memory`.

Two peaks are taken: of anonymous memory, which a machine must have, and of all resident memory, in which the kernel
counts pages of temporary files too as long as nothing else needs their place.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

import numpy as np

from _common import save, versions

WORDS_PER_ROW = 20
NUM_WORDS = 2_000_000
ROWS_AT_ONCE = 50_000
INTERVAL_S = 0.1


def write_rows(path: Path, num_rows: int) -> None:
    """Write synthetic rows with a rule to learn, words from frequent to rare: those of even number are positive."""
    generator = np.random.default_rng(0)
    words = np.array([f"word{index}" for index in range(NUM_WORDS)], dtype=object)
    with path.open("w", encoding="utf-8") as file:
        file.write("text,label\n")
        for start in range(0, num_rows, ROWS_AT_ONCE):
            shape = (min(ROWS_AT_ONCE, num_rows - start), WORDS_PER_ROW)
            ids = np.minimum((10 * generator.pareto(0.9, shape)).astype(np.int64), NUM_WORDS - 1)
            labels = np.where((ids % 2).sum(axis=1) < WORDS_PER_ROW / 2, "positive", "negative").tolist()
            rows = zip(words[ids].tolist(), labels, strict=True)
            file.write("".join(f"{' '.join(row)},{label}\n" for row, label in rows))


def watch(command: list[str]) -> dict[str, Any]:
    """Run a command and take the peaks of its memory, as Linux tells them."""
    start, anonymous, resident = perf_counter(), 0, 0
    process = subprocess.Popen(command)
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        values = dict(line.split(":", 1) for line in status.read_text(encoding="utf-8").splitlines())
        if "RssAnon" in values:  # not while the process ends
            anonymous = max(anonymous, 1024 * int(values["RssAnon"].split()[0]))
            resident = 1024 * int(values["VmHWM"].split()[0])
        sleep(INTERVAL_S)
    if process.returncode:
        raise SystemExit(f"training ended with exit code {process.returncode}")
    seconds = round(perf_counter() - start, 1)
    return {
        "peak_bytes": anonymous,
        "peak_gib": round(anonymous / 2**30, 2),
        "peak_with_file_pages_gib": round(resident / 2**30, 2),
        "seconds": seconds,
    }


def measure(num_rows: int) -> dict[str, Any]:
    """Train one epoch as a user would."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "rows.csv"
        write_rows(source, num_rows)
        out = str(Path(folder) / "run")
        train = [sys.executable, "-m", "textwright", "train", str(source), "--family", "bow", "--out", out]
        peaks = watch([*train, "--num-epochs", "1", "--batch-size", "1024"])
        return {"num_rows": num_rows, "source_bytes": source.stat().st_size, **peaks}


def main() -> None:
    """Measure one size after another."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--num-rows", type=int, nargs="+", default=[1_000_000, 20_000_000])
    sizes = parser.parse_args().num_rows
    runs = [measure(num_rows) for num_rows in sizes]
    save(
        "memory",
        {
            "command": f"python benchmarks/memory.py --num-rows {' '.join(map(str, sizes))}",
            "what": f"textwright train, one epoch of bow on rows of {WORDS_PER_ROW} words",
            "versions": versions("torch", "numpy", "tokenizers"),
            "runs": runs,
        },
    )


if __name__ == "__main__":
    main()
