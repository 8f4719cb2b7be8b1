"""Some graphs of a model as an artifact of their own; called by whoever ships one or builds on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from textwright.core import artifact as artifacts
from textwright.core.artifact import CARD, GOLDEN, MANIFEST, Manifest
from textwright.runtime.predictor import Predictor

GRAPH: Final = "model.onnx"


def golden_lines(predictor: Predictor, texts: Sequence[str]) -> bytes:
    """Write the logits of some texts as the lines of a golden file.

    Args:
        predictor: The variant that they are of.
        texts: Short texts; they are run at every load.

    Returns:
        One JSON object a line; nothing for no texts.
    """
    rows = predictor.logits(texts).tolist() if texts else []
    return artifacts.golden_lines(texts, rows)


def variant_files(predictors: Sequence[Predictor], texts: Sequence[str]) -> tuple[Manifest, dict[str, bytes]]:
    """Lay out an artifact that holds some variants of a model and no other.

    Args:
        predictors: Variants of one model, the default first, the one that every machine reproduces last.
        texts: Golden texts.

    Returns:
        Its manifest, and the name and bytes of its other files.
    """
    source, variants = predictors[0].artifact, {}
    contents = {**source.shared_files(), CARD: (source.path / CARD).read_bytes()}
    for predictor in predictors:
        name = predictor.variant
        file = GRAPH if len(predictors) == 1 else f"{name}.onnx"
        golden = "" if predictor is predictors[-1] else f"{name}.golden.jsonl"
        variants[name] = replace(source.manifest.variant(name), file=file, golden=golden)
        contents[file] = predictor.graph_path.read_bytes()
        contents[golden or GOLDEN] = golden_lines(predictor, texts)
    return replace(source.manifest, variants=variants), contents


def stage_files(stages: Mapping[str, Sequence[Predictor]], texts: Sequence[str]) -> dict[str, bytes]:
    """Lay out the folder of each stage of an artifact.

    Args:
        stages: Stage -> variants of its model, as for :func:`variant_files`.
        texts: Golden texts.

    Returns:
        "STAGE/NAME" and bytes of all files.
    """
    contents = {}
    for stage, predictors in stages.items():
        manifest, files = variant_files(predictors, texts)
        sealed = {**files, MANIFEST: artifacts.manifest_bytes(manifest, files)}
        contents.update({f"{stage}/{name}": content for name, content in sealed.items()})
    return contents
