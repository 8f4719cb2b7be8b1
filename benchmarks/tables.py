"""Write the tables of README and docs from the committed result files; a test fails when they differ.

Run ``python benchmarks/tables.py`` after a benchmark. A table stands between ``<!-- table: NAME -->`` and
``<!-- end -->``; what is between is replaced.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from textwright.cli.exit_codes import MEANINGS

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
PAGES = (ROOT / "README.md", ROOT / "docs" / "command-line.md")
_BLOCK = re.compile(r"(<!-- table: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


LEADERBOARDS = ("movie-reviews", "airline-tweets", "bbc-news")


def leaderboard() -> str:
    """Accuracy of each row on each dataset and its price, from ``results/leaderboard-*.json``; best first."""
    names = [name for name in LEADERBOARDS if (RESULTS / f"leaderboard-{name}.json").is_file()]
    boards = {name: _read(f"leaderboard-{name}") for name in names}
    by_name = {name: {row["name"]: row for row in board["rows"]} for name, board in boards.items()}
    first = boards[names[0]]["rows"]
    rows = [
        [
            f"`{row['name']}`" if not row["is_baseline"] else row["name"],
            *(_accuracy_cell(by_name[name].get(row["name"])) for name in names),
            f"{row['speed']['latency_ms']:.2g} ms",
            f"{row['size_bytes'] / 1e6:.1f} MB",
        ]
        for row in first
        if row["name"] != "majority"
    ]
    counts = [
        f"{name} ({sum(board['data']['num_examples'].values()):,} texts, {_num_seeds(board)} seeds)"
        for name, board in boards.items()
    ]
    return _table(["", *counts, "one text", "size"], rows)


def _num_seeds(board: Mapping[str, Any]) -> int:
    return max(len(row["metrics"]["accuracy"]["per_seed"]) for row in board["rows"])


def speed() -> str:
    """Speed of prediction and start-up, from ``results/speed.json``."""
    content = _read("speed")
    rows = []
    for name, title in (("bow", "`bow`"), ("bow_bigram", "`bow-bigram`")):
        rates, ratio = content[name]["texts_per_second"], content[name]["ratio"]
        rows.append(
            [
                f"{title}: texts a second from raw text, one thread",
                f"{rates['textwright']['median']:,.0f}",
                f"{ratio['median']:.2f} x fastText's {rates['fasttext']['median']:,.0f}",
            ]
        )
    start, ratio = content["start_up"]["seconds"], content["start_up"]["ratio"]
    rows.append(
        [
            "import, load and first prediction, whole process",
            f"{start['first_prediction']['median']:.2f} s",
            f"{ratio['median']:.2f} x importing numpy, onnxruntime and tokenizers alone",
        ]
    )
    rows += [*_training_rows(), *_serving_rows()]
    memory = _read("memory")
    rows.append(["training `bow` on 1,000,000 rows of 20 words, peak memory", f"{memory['peak_gib']} GiB", ""])
    return _table(["", "measured", "beside it"], rows)


def _training_rows() -> list[list[str]]:
    content = _read("train_speed")
    training, encoding = content["training"], content["encoding"]
    theirs = training["examples_per_second"]["Trainer"]["median"]
    vectors = encoding["texts_per_second"]
    return [
        *(
            [
                f"training `bert` in {form}, examples a second",
                f"{training['examples_per_second'][name]['median']:.0f}",
                f"{training['ratio'][name]['median']:.2f} x Hugging Face Trainer's {theirs:.0f} (fp32)",
            ]
            for form, name in (("bf16", "textwright bf16"), ("fp32", "textwright fp32"))
        ),
        [
            "embedding texts for `frozen-bert` in fp32, texts a second",
            f"{vectors['textwright fp32']['median']:.0f}",
            (
                f"{encoding['ratio']['textwright fp32']['median']:.2f} x sentence-transformers' "
                f"{vectors['sentence-transformers']['median']:.0f}"
            ),
        ],
    ]


def _serving_rows() -> list[list[str]]:
    content, words = _read("serving"), _read("serving_bow")
    ratios = content["throughput_ratios"]
    others = ", ".join(
        f"{ratios[name]['median']:.2f} x {name}" for name in ("FastAPI + pipeline", "LitServe", "BentoML", "Infinity")
    )
    ours, bare = (_median(words, name, "per_second") for name in ("textwright", "bare"))
    return [
        [
            "serving `bert` in fp32, requests a second from 32 connections",
            f"{_median(content, 'textwright', 'per_second'):.0f}",
            f"{others}; {ratios['raw loop']['median']:.2f} of ONNX Runtime in a loop without a server",
        ],
        [
            "serving `bow`, requests a second from 32 connections",
            f"{ours:,.0f}",
            f"{words['requests_ratio']['bare']['median']:.2f} x a FastAPI route that answers a constant ({bare:,.0f})",
        ],
    ]


def _median(content: Mapping[str, Any], contender: str, figure: str) -> float:
    return float(content["measured_rounds"][contender][figure]["median"])


def exit_codes() -> str:
    """Exit codes, from the code itself."""
    return _table(["code", "meaning"], [[str(code), meaning] for code, meaning in MEANINGS.items()])


TABLES: Mapping[str, Callable[[], str]] = {"leaderboard": leaderboard, "speed": speed, "exit-codes": exit_codes}


def filled(page: str) -> str:
    """Replace every table of a page by what the result files hold.

    Args:
        page: Markdown with table marks.

    Returns:
        The same page with today's numbers.
    """
    return _BLOCK.sub(lambda found: f"{found[1]}{TABLES[found[2]]()}{found[3]}", page)


def _accuracy_cell(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return "not run"
    found = row["metrics"]["accuracy"]
    deviation = found["deviation"]
    spread = "" if deviation is None else f" ± {100 * deviation:.1f}"
    return f"{100 * found['value']:.1f}{spread} ({100 * found['low']:.1f} to {100 * found['high']:.1f})"


def _read(name: str) -> Any:  # noqa: ANN401  JSON
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def _table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heading, ["---"] * len(heading), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def main() -> None:
    """Rewrite the pages."""
    for page in PAGES:
        content = page.read_text(encoding="utf-8")
        page.write_text(filled(content), encoding="utf-8")
        print(f"{'same' if filled(content) == content else 'rewritten'}: {page.relative_to(ROOT)}")


if __name__ == "__main__":
    sys.exit(main())
