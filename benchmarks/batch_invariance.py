"""How far predictions change with the other texts of a batch: families, candidates of `optimize`, cascades.

Protocol: each family is trained on 1,500 movie reviews (bert for one epoch); every graph scores 128 validation texts
alone and in four batches of other composition: mixed lengths, equal lengths, random texts, beside the longest text.
One thread. The largest change of a probability, the mean over the texts, and the predicted labels that changed.

    python benchmarks/batch_invariance.py
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from _common import RUNS, run_textwright, save, versions
from textwright.core import artifact as artifacts
from textwright.data.settings import DataSettings
from textwright.errors import TextwrightError
from textwright.evaluate.batch_invariance import MAX_CHANGE, measure_batch_invariance
from textwright.optimize.candidates import candidate_specs
from textwright.optimize.cascade.assemble import CascadePlan, write_cascade
from textwright.optimize.cascade.pair import Pair
from textwright.optimize.eval_texts import read_texts
from textwright.optimize.gate_texts import GatePart
from textwright.runtime.loading import load, open_predictor
from textwright.runtime.predictor import Predictor

SOURCE: Final = "movie-reviews"
SUBSET: Final = 1_500
FAMILIES: Final = ("linear", "bow", "bow-glove", "cnn-glove", "frozen-bert", "bert")
STRONG: Final = ("fp32", "int8-smooth", "int8")
"""Graphs of the encoder that a cascade sends texts to."""
MIN_CONFIDENCE: Final = 0.8


def main() -> None:
    """Measure everything and save it."""
    with TemporaryDirectory(prefix="textwright-") as folder:
        graphs = {family: dict(measure(family, Path(folder) / family)) for family in FAMILIES}
        cascades = dict(measure_cascades(Path(folder)))
    save(
        "batch-invariance",
        {
            "command": "python benchmarks/batch_invariance.py",
            "protocol": " ".join((__doc__ or "").partition("Protocol: ")[2].partition("\n\n")[0].split()),
            "bound": MAX_CHANGE,
            "versions": versions("onnxruntime", "openvino", "onnx"),
            "families": graphs,
            "cascades": cascades,
        },
    )


def train(family: str) -> Path:
    """Train a family on the subset, unless that was done."""
    out = RUNS / "batch-invariance" / family
    if not (out / "artifact" / artifacts.MANIFEST).is_file():
        epochs = ["--num-epochs", "1"] if family == "bert" else []
        flags = ("--family", family, "--subset-size", str(SUBSET), *epochs, "--out", str(out))
        run_textwright("train", SOURCE, *flags)
    return out


def measure(family: str, folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Measure a family's own graph and those of its candidates that can be made here: name -> numbers."""
    reference = load(train(family), num_threads=1)
    texts = read_texts(SOURCE, DataSettings(), reference.artifact.manifest)
    yield "fp32", row(family, "fp32", reference, texts.gate.texts)
    part = GatePart.of(reference, texts.gate, texts.calibration)
    for recipe in candidate_specs(part.material.graph):
        if recipe.unavailable_reason():
            continue
        try:
            made = Predictor(part.make(recipe, folder / recipe.name), num_threads=1)
        except TextwrightError as error:
            print(f"{family} {recipe.name}: {error}", flush=True)
            continue
        yield recipe.name, row(family, recipe.name, made, texts.gate.texts)


def measure_cascades(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Measure ``bow`` before each graph of ``bert``."""
    fast = load(train("bow"), num_threads=1)
    texts = read_texts(SOURCE, DataSettings(), fast.artifact.manifest).gate.texts
    for name in STRONG:
        path = train("bert") if name == "fp32" else folder / "bert" / name
        pair = Pair(fast, Predictor(artifacts.read(path), num_threads=1))
        made = write_cascade(
            folder / "cascades" / name, CascadePlan(pair, MIN_CONFIDENCE, name, texts, {}, {"curve": []})
        )
        yield f"bow+bert {name}", row("cascade", name, open_predictor(made, num_threads=1), texts)


def row(family: str, name: str, predictor: Predictor, texts: Sequence[str]) -> dict[str, Any]:
    """Measure one graph."""
    found = measure_batch_invariance(predictor, texts)
    print(f"{family} {name}: {found.in_words()}", flush=True)
    return {**asdict(found), "is_invariant": found.is_invariant}


if __name__ == "__main__":
    main()
