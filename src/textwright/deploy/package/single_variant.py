"""The artifact as it is shipped: one variant, with the golden logits of that variant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from textwright.core import artifact as artifacts
from textwright.core.artifact import CARD, CURVE, GOLDEN, TOKENIZER, Artifact, Variant
from textwright.errors import ArtifactCorruptError, SettingsError
from textwright.runtime.predictor import load

GRAPH: Final = "model.onnx"
FAST_GRAPH: Final = "fast.onnx"


def write_single_variant(source: Artifact, variant: str | None, folder: Path) -> Artifact:
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
        ArtifactCorruptError: If a file was changed since the source was verified.
    """
    chosen = source.manifest.variant(variant)
    name = variant or source.manifest.default_variant
    _refuse_other_engines(source, name)
    predictor = load(source, variant=name, num_threads=1)
    if len(source.manifest.variants) == 1:
        shipped = artifacts.write(folder, source.manifest, source.contents())
        _require_same_bytes(source, shipped, {file: file for file in source.files})
        return shipped
    golden = (source.path / chosen.golden).read_bytes() if chosen.golden else None
    if golden is None and name == source.manifest.reference_variant:
        golden = (source.path / GOLDEN).read_bytes()
    if golden is None:
        texts = [item.text for item in source.golden()]
        golden = artifacts.golden_lines(texts, predictor.logits(texts).tolist())
    contents = {
        GRAPH: (source.path / chosen.file).read_bytes(),
        TOKENIZER: (source.path / TOKENIZER).read_bytes(),
        GOLDEN: golden,
        CARD: (source.path / CARD).read_bytes(),
        **_fast_files(source, chosen),
    }
    shipped = artifacts.write(folder, replace(source.manifest, variants={name: _alone(chosen)}), contents)
    copies = {GRAPH: chosen.file, TOKENIZER: TOKENIZER, **({FAST_GRAPH: chosen.fast} if chosen.fast else {})}
    _require_same_bytes(source, shipped, copies)
    return shipped


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


def _alone(variant: Variant) -> Variant:
    return replace(variant, file=GRAPH, golden="", fast=FAST_GRAPH if variant.fast else "")


def _fast_files(source: Artifact, chosen: Variant) -> dict[str, bytes]:
    fast = source.manifest.fast_stage
    if fast is None:
        return {}
    return {
        FAST_GRAPH: (source.path / chosen.fast).read_bytes(),
        fast.tokenizer: source.fast_tokenizer().encode(),
        CURVE: (source.path / CURVE).read_bytes(),
    }
