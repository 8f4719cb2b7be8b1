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
PAGES = (ROOT / "README.md", ROOT / "docs" / "command-line.md")
_BLOCK = re.compile(r"(<!-- table: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def accuracy() -> str:
    """Accuracy of each model on each dataset, from ``results/accuracy.json``."""
    datasets: Mapping[str, Any] = _read("accuracy")["datasets"]
    models = list(next(iter(datasets.values()))["models"])
    rows = [
        [f"`{model}`", *(_accuracy_cell(dataset["models"].get(model)) for dataset in datasets.values())]
        for model in models
    ]
    counts = [f"{name} ({sum(dataset['num_examples'].values()):,})" for name, dataset in datasets.items()]
    return _table(["", *counts], rows)


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
    memory = _read("memory")
    rows.append(["training `bow` on 1,000,000 rows of 20 words, peak memory", f"{memory['peak_gib']} GiB", ""])
    return _table(["", "measured", "beside it"], rows)


def exit_codes() -> str:
    """Exit codes, from the code itself."""
    return _table(["code", "meaning"], [[str(code), meaning] for code, meaning in MEANINGS.items()])


TABLES: Mapping[str, Callable[[], str]] = {"accuracy": accuracy, "speed": speed, "exit-codes": exit_codes}


def filled(page: str) -> str:
    """Replace every table of a page by what the result files hold.

    Args:
        page: Markdown with table marks.

    Returns:
        The same page with today's numbers.
    """
    return _BLOCK.sub(lambda found: f"{found[1]}{TABLES[found[2]]()}{found[3]}", page)


def _accuracy_cell(model: Mapping[str, Any] | None) -> str:
    if model is None:
        return "not run"
    deviation = model["deviation_over_seeds"]
    spread = "" if deviation is None else f" ± {100 * deviation:.1f}"
    return f"{100 * model['accuracy']:.1f}{spread} ({100 * model['low']:.1f} to {100 * model['high']:.1f})"


def _read(name: str) -> Any:  # noqa: ANN401  JSON
    return json.loads((ROOT / "benchmarks" / "results" / f"{name}.json").read_text(encoding="utf-8"))


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
