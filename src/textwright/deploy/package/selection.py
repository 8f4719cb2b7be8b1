"""The artifact as it is shipped: one variant, with the golden logits of that variant."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from textwright.core import artifact as artifacts
from textwright.core.artifact import CARD, GOLDEN, STAGES, Artifact
from textwright.errors import SettingsError
from textwright.runtime.loading import load
from textwright.runtime.predictor import Predictor
from textwright.runtime.selection import golden_lines, stage_files, variant_files


def write_selection(source: Artifact, variant: str | None, folder: Path) -> Artifact:
    """Write an artifact that holds one variant alone; one that holds no other is copied byte for byte.

    Args:
        source: A verified artifact.
        variant: Name of the variant; None takes the default.
        folder: Where to write.

    Returns:
        The artifact written. Its version differs from the source's unless it is a copy, since its manifest does.

    Raises:
        NotFoundError: If there is no such variant.
        SettingsError: If the variant runs on an engine that packages do not bring.
        GoldenMismatchError: If the variant does not reproduce its golden examples here.
    """
    chosen = source.manifest.variant(variant)
    name = variant or source.manifest.default_variant
    _refuse_other_engines(source, name)
    predictor = load(source.path, variant=name, num_threads=1)
    if len(source.manifest.variants) == 1:
        return artifacts.copy(source, folder)
    texts = [item.text for item in source.golden()]
    if not source.stages:
        return artifacts.write(folder, *variant_files([predictor], texts))
    stages = {
        stage.name: [Predictor(stage.artifact, variant=chosen.stages[stage.name], num_threads=1)]
        for stage in source.stages
    }
    contents = {
        GOLDEN: golden_lines(predictor, texts),
        CARD: (source.path / CARD).read_bytes(),
        STAGES: artifacts.stages_bytes(source.stages, json.loads((source.path / STAGES).read_bytes())),
        **stage_files(stages, texts),
    }
    return artifacts.write(folder, replace(source.manifest, variants={name: replace(chosen, golden="")}), contents)


def _refuse_other_engines(source: Artifact, name: str) -> None:
    variants = source.manifest.variants
    if variants[name].engine:
        others = ", ".join(other for other, item in variants.items() if not item.engine)
        raise SettingsError(
            f"variant {name} of {source.path} runs on the engine {variants[name].engine}, and a package brings ONNX "
            f"Runtime alone; name a variant that runs on it: {others or 'there is none in this artifact'}"
        )
