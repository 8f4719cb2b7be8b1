"""The artifact as it is shipped: one variant, with the golden logits of that variant."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from textwright.core import artifact as artifacts
from textwright.core.artifact import CARD, GOLDEN, STAGES, Artifact, Manifest
from textwright.core.awkward_texts import AWKWARD_TEXTS
from textwright.core.example_texts import check_typed, typed_example
from textwright.errors import ArtifactCorruptError, SettingsError
from textwright.runtime.loading import load
from textwright.runtime.predictor import Predictor
from textwright.runtime.selection import GRAPH, golden_lines, stage_files, variant_files


def write_single_variant(source: Artifact, variant: str | None, folder: Path, *, example_text: str = "") -> Artifact:
    """Write an artifact that holds one variant alone; one that holds no other is copied byte for byte.

    Args:
        source: A verified artifact.
        variant: Name of the variant; None takes the default.
        folder: Where to write.
        example_text: Takes the place of the texts of the data, none of which is written then; empty keeps them.

    Returns:
        The artifact written. Its version differs from the source's unless it is a copy, since its manifest does.

    Raises:
        NotFoundError: If there is no such variant.
        SettingsError: If the variant runs on an engine that packages do not bring, or the example text is blank or
            too long.
        GoldenMismatchError: If the variant does not reproduce its golden examples here.
        ArtifactCorruptError: If a file was changed since the source was verified.
    """
    chosen = source.manifest.variant(variant)
    name = variant or source.manifest.default_variant
    _refuse_other_engines(source, name)
    predictor = load(source, variant=name, num_threads=1)
    text = check_typed(example_text)
    if len(source.manifest.variants) == 1 and not text:
        return artifacts.copy(source, folder)
    source = _with_example(source, text)
    texts = _golden_texts(source, text)
    if source.stages:
        manifest, contents, copies = _with_stages(source, predictor, texts)
    else:
        manifest, contents = variant_files([predictor], texts)
        manifest = replace(manifest, data=source.manifest.data)
        if not text and (chosen.golden or name == source.manifest.reference_variant):
            contents[GOLDEN] = (source.path / (chosen.golden or GOLDEN)).read_bytes()
        copies = {GRAPH: chosen.file, artifacts.TOKENIZER: source.tokenizer_file}
        if artifacts.SURPRISALS in contents:
            copies[artifacts.SURPRISALS] = artifacts.SURPRISALS
    shipped = artifacts.write(folder, manifest, contents)
    _require_same_bytes(source, shipped, copies)
    return shipped


def _with_example(source: Artifact, text: str) -> Artifact:
    """Put a typed example text into the manifest, and into that of each stage; empty changes nothing."""
    if not text:
        return source
    stages = tuple(replace(stage, artifact=_with_example(stage.artifact, text)) for stage in source.stages)
    manifest = replace(source.manifest, data=typed_example(source.manifest.data, text))
    return replace(source, manifest=manifest, stages=stages)


def _golden_texts(source: Artifact, text: str) -> list[str]:
    """Choose what the shipped artifact must reproduce: with a typed example, no text of the data."""
    texts = [item.text for item in source.golden()]
    if not text:
        return texts
    awkward = [item for item in texts if item in AWKWARD_TEXTS]
    # Stages of one model share golden texts, chosen far from the confidence at which one hands over to the next.
    return awkward if source.stages and awkward else [text, *awkward]


def _with_stages(
    source: Artifact, predictor: Predictor, texts: Sequence[str]
) -> tuple[Manifest, dict[str, bytes], dict[str, str]]:
    """Lay out one variant of each stage; also return which shipped file is a copy of which."""
    chosen = source.manifest.variant(predictor.variant)
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
    copies = {}
    for stage, (loaded,) in stages.items():
        file = loaded.artifact.manifest.variant(loaded.variant).file
        copies[f"{stage}/{GRAPH}"] = f"{stage}/{file}" if f"{stage}/{file}" in source.files else file
    manifest = replace(source.manifest, variants={predictor.variant: replace(chosen, golden="")})
    return manifest, contents, copies


def _require_same_bytes(source: Artifact, shipped: Artifact, copies: Mapping[str, str]) -> None:
    """Refuse a copy of files that were changed since the source was verified; hashes only, nothing is read again."""
    for name, original in copies.items():
        if shipped.files[name].sha256 != source.files[original].sha256:
            raise ArtifactCorruptError(
                f"{source.path / original} was changed after it was verified; restore the artifact and package it again"
            )


def _refuse_other_engines(source: Artifact, name: str) -> None:
    variants = source.manifest.variants
    if variants[name].engine:
        others = ", ".join(other for other, item in variants.items() if not item.engine)
        raise SettingsError(
            f"variant {name} of {source.path} runs on the engine {variants[name].engine}, and a package brings ONNX "
            f"Runtime alone; name a variant that runs on it: {others or 'there is none in this artifact'}"
        )
