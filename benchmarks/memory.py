"""How much memory does training `bow` take on 1,000,000 rows of 20 words? Run by ``make bench-memory``."""

from __future__ import annotations

import random
import resource
import subprocess
import sys
import tempfile
from itertools import accumulate
from pathlib import Path
from time import perf_counter

from _common import save, versions

NUM_ROWS = 1_000_000
WORDS_PER_ROW = 20
VOCABULARY = [f"word{index}" for index in range(50_000)]


def write_rows(path: Path) -> None:
    """Write synthetic rows with a rule to learn: words of even number stand more often in positive rows."""
    generator = random.Random(0)  # noqa: S311
    weights = list(accumulate(1 / (rank + 10) for rank in range(len(VOCABULARY))))
    with path.open("w", encoding="utf-8") as file:
        file.write("text,label\n")
        for row in range(NUM_ROWS):
            words = generator.choices(VOCABULARY, cum_weights=weights, k=WORDS_PER_ROW)
            label = "positive" if sum(int(word[4:]) % 2 for word in words) < WORDS_PER_ROW / 2 else "negative"
            file.write(f"{' '.join(words)} row{row},{label}\n")


def main() -> None:
    """Train one epoch as a user would, and read the peak memory of the process."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "rows.csv"
        write_rows(source)
        command = [sys.executable, "-m", "textwright", "train", str(source), "--out", str(Path(folder) / "run")]
        start = perf_counter()
        subprocess.run([*command, "--num-epochs", "1", "--batch-size", "1024"], check=True)
        seconds = perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    save(
        "memory",
        {
            "command": "make bench-memory",
            "what": f"textwright train, one epoch of bow on {NUM_ROWS:,} rows of {WORDS_PER_ROW} words",
            "versions": versions("torch", "numpy", "tokenizers"),
            "peak_bytes": peak,
            "peak_gib": round(peak / 2**30, 2),
            "seconds": round(seconds, 1),
        },
    )


if __name__ == "__main__":
    main()
