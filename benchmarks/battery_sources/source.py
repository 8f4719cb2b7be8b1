"""A source of the battery: how its rows are made, and the ordinary file that they become."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Literal, TypeAlias

from textwright.core.files import atomic_file

Layout: TypeAlias = Literal["csv", "jsonl", "parquet"]


@dataclass(frozen=True, slots=True)
class Example:
    """One row.

    Args:
        text: Any text.
        labels: Its one label; several or none in a multi-label source.
        split: "train", "validation" or "test"; empty leaves the split to Textwright.
    """

    text: str
    labels: tuple[str, ...]
    split: str = ""


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a source.

    Args:
        examples: In the order of the file.
        ceiling: Accuracy of the Bayes classifier, exact match in a multi-label source; None where nobody knows it.
    """

    examples: Sequence[Example]
    ceiling: float | None = None


@dataclass(frozen=True, slots=True)
class BatterySource:
    """One source.

    Args:
        name: Also the name of its file.
        summary: What about it breaks defaults.
        language: Of its texts.
        num_rows: Rows that are learned from and chosen with.
        make: Makes so many rows; equal calls give equal rows.
        num_test: Rows that the file names as its test split, more than a tenth, so that half a point can be seen;
            0 leaves all splits to Textwright.
        origin: The package that carries the texts, or "constructed".
        license: Of the texts.
        layout: Form of the file.
        is_multi_label: Whether a row may have several labels, or none.
        is_held: Whether its numbers are never looked at while defaults are tuned.
    """

    name: str
    summary: str
    language: str
    num_rows: int
    make: Callable[[int], Rows]
    num_test: int = 0
    origin: str = "constructed"
    license: str = "Apache-2.0"
    layout: Layout = "csv"
    is_multi_label: bool = False
    is_held: bool = False

    @property
    def is_real(self) -> bool:
        """Whether people wrote the texts for a purpose of their own."""
        return self.origin != "constructed"

    def write(self, folder: Path, scale: float = 1.0) -> tuple[Path, float | None]:
        """Write the file that Textwright reads.

        Args:
            folder: Where to put it; must exist.
            scale: Share of the rows, for a small form.

        Returns:
            The file, and the ceiling of accuracy where it is known.
        """
        num_rows, num_test = round(self.num_rows * scale), round(self.num_test * scale)
        rows = self.make(num_rows + num_test)
        examples = _with_test(rows.examples, num_test) if num_test else rows.examples
        path = folder / f"{self.name}.{self.layout}"
        with atomic_file(path) as file:
            _WRITERS[self.layout](examples, file, is_multi_label=self.is_multi_label)
        return path, rows.ceiling


def sampled(examples: Iterable[Example], num_rows: int) -> Rows:
    """Take so many rows of distinct texts at random, the same in each call; all where there are fewer."""
    rows = list({example.text: example for example in examples}.values())
    random.Random(0).shuffle(rows)
    return Rows(rows[:num_rows])


def _with_test(examples: Sequence[Example], num_test: int) -> list[Example]:
    first = len(examples) - num_test
    return [replace(example, split="train" if at < first else "test") for at, example in enumerate(examples)]


def _write_csv(examples: Sequence[Example], file: IO[bytes], *, is_multi_label: bool) -> None:
    names = ["text", "label", "split"] if examples[0].split else ["text", "label"]
    lines = io.TextIOWrapper(file, encoding="utf-8", newline="")
    writer = csv.writer(lines)
    writer.writerow(names)
    for example in examples:
        writer.writerow([example.text, _cell(example, is_multi_label), example.split][: len(names)])
    lines.detach()  # flushes, and leaves the file open to its owner


def _write_jsonl(examples: Sequence[Example], file: IO[bytes], *, is_multi_label: bool) -> None:
    for example in examples:
        label = list(example.labels) if is_multi_label else _cell(example, is_multi_label)
        values = {"text": example.text, "label": label, **({"split": example.split} if example.split else {})}
        file.write(json.dumps(values, ensure_ascii=False).encode() + b"\n")


def _write_parquet(examples: Sequence[Example], file: IO[bytes], *, is_multi_label: bool) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    columns = {
        "text": [example.text for example in examples],
        "label": [_cell(example, is_multi_label) for example in examples],
        **({"split": [example.split for example in examples]} if examples[0].split else {}),
    }
    parquet.write_table(pa.table(columns), file)


def _cell(example: Example, is_multi_label: bool) -> str:
    if is_multi_label:
        raise ValueError("several labels of a row need the layout jsonl")
    (label,) = example.labels
    return label


_WRITERS = {"csv": _write_csv, "jsonl": _write_jsonl, "parquet": _write_parquet}
