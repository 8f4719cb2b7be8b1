"""Two artifacts and a confidence become one artifact."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from textwright import __version__
from textwright.core import artifact as artifacts
from textwright.core.artifact import Artifact, Manifest, StageArtifact, Variant
from textwright.core.example_texts import TYPED
from textwright.core.types import Bools, Float32s
from textwright.evaluate.batch_invariance import BatchInvariance
from textwright.evaluate.card import model_card
from textwright.evaluate.evaluation import Evaluation
from textwright.evaluate.publish import publish
from textwright.optimize.cascade.pair import Pair
from textwright.runtime.predictor import Predictor
from textwright.runtime.selection import stage_files

_NUM_GOLDEN_TEXTS: Final = 8
"""Of each stage."""
_LONGEST_GOLDEN_TEXT: Final = 2_000  # characters; golden examples are run at every load
_LEAST_MARGIN: Final = 1e-3
"""How far a golden text's confidence must be from the boundary: kernels differ in the last digits."""


@dataclass(frozen=True, slots=True)
class CascadePlan:
    """What goes into the artifact.

    Args:
        pair: The models, with the graphs that answer when nobody names a variant.
        min_confidence: The fast stage answers from this confidence on.
        name: What the cascade is called on the wire.
        texts: Validation texts, of which golden examples are chosen.
        settings: What was asked for, for the manifest.
        measured: What the artifact holds in ``cascade.json`` beside its stages.
    """

    pair: Pair
    min_confidence: float
    name: str
    texts: Sequence[str]
    settings: Mapping[str, Any]
    measured: Mapping[str, Any]


def write_cascade(
    path: Path, plan: CascadePlan, evaluation: Evaluation | None = None, stability: BatchInvariance | None = None
) -> Artifact:
    """Write the artifact: at once, or not at all.

    If the graphs are bound to an instruction set, those that every machine reproduces are put in as well; they answer
    where the others' golden examples do not reproduce.

    Args:
        path: The folder.
        plan: What goes in.
        evaluation: What was measured of it on the test split; None before that.
        stability: How far its predictions change with the other texts of a batch; None if not measured yet.

    Returns:
        The artifact, read back and verified.

    Raises:
        SettingsError: If ``path`` holds something that is no artifact.
        BackendError: If an engine fails.
    """
    pairs = [plan.pair]
    if plan.pair.instruction_set and plan.pair.reference.variant != plan.pair.variant:
        pairs.append(plan.pair.reference)
    manifest, texts = _manifest(plan, pairs), _golden_texts(plan, pairs)
    contents = stage_files(_stages(pairs), texts)
    contents[artifacts.STAGES] = artifacts.stages_bytes(
        [
            StageArtifact(name, item.artifact, confidence)
            for (name, item), confidence in zip(plan.pair.stages.items(), (plan.min_confidence, 0.0), strict=True)
        ],
        plan.measured,
    )
    with publish(path, manifest, contents, num_threads=1) as publication:
        for name in manifest.variants:
            publication.add_golden(publication.predictor(name), texts)
        if evaluation is not None:
            changes = {} if stability is None else stability.to_manifest()
            publication.add_metrics(plan.pair.variant, evaluation, changes)
        evaluations = {} if evaluation is None else {"test": evaluation}
        publication.card = model_card(publication.manifest, evaluations, _about(plan))
    return publication.artifact


def _manifest(plan: CascadePlan, pairs: Sequence[Pair]) -> Manifest:
    fast, strong = (item.artifact.manifest for item in plan.pair)
    return replace(
        strong,
        name=plan.name,
        family=f"{fast.family}+{strong.family}",
        variants={pair.variant: _variant(pair, is_reference=pair is pairs[-1]) for pair in pairs},
        metrics_split="",
        training={"cascade": dict(plan.settings), "fast": dict(fast.training), "strong": dict(strong.training)},
        versions={**strong.versions, "textwright": __version__},
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _variant(pair: Pair, *, is_reference: bool) -> Variant:
    strong = pair.strong.artifact.manifest.variant(pair.strong.variant)
    recipes = {item.variant: item.artifact.manifest.variant(item.variant).recipe for item in pair}
    return Variant(
        file="",
        precision=strong.precision,
        golden="" if is_reference else f"{pair.variant}.golden.jsonl",
        instruction_set=pair.instruction_set,
        engine=strong.engine,
        recipe="; ".join(f"{name}: {recipe}" for name, recipe in recipes.items() if recipe),
        stages={name: item.variant for name, item in pair.stages.items()},
    )


def _stages(pairs: Sequence[Pair]) -> dict[str, list[Predictor]]:
    """Name the variants of each stage's model, each once."""
    return {
        name: list({pair.stages[name].variant: pair.stages[name] for pair in pairs}.values())
        for name in pairs[0].stages
    }


def _about(plan: CascadePlan) -> str:
    names = {name: f"{item.artifact.manifest.name}@{item.artifact.version}" for name, item in plan.pair.stages.items()}
    return (
        f"A cascade of two stages: the fast one, `{names['fast']}` of family "
        f"`{plan.pair.fast.artifact.manifest.family}`, reads every text and answers from a confidence of "
        f"{plan.min_confidence:.4f} on. The strong one, `{names['strong']}`, takes the rest. Each answer says its "
        "stage. Temperature and longest text below are the strong stage's; "
        f"`{artifacts.STAGES}` holds accuracy against the share of texts that are escalated."
    )


def _golden_texts(plan: CascadePlan, pairs: Iterable[Pair]) -> list[str]:
    """Choose texts of which each variant sends the same ones on, clearly: some of each stage, then awkward ones.

    Where the example text of the strong stage was typed, no text of the data is among them.
    """
    strong = plan.pair.strong.artifact
    known = [item.text for item in strong.golden()]
    real = [] if TYPED in strong.manifest.data else plan.texts
    texts = [text for text in dict.fromkeys([*real, *known]) if len(text) <= _LONGEST_GOLDEN_TEXT]
    margins = np.stack([_confidence(pair.fast, texts) - plan.min_confidence for pair in pairs])  # (pairs, N)
    is_fast, is_strong = margins.min(axis=0) > _LEAST_MARGIN, margins.max(axis=0) < -_LEAST_MARGIN
    is_known = np.isin(np.arange(len(texts)), [texts.index(text) for text in known if text in texts])
    chosen = [*_first(is_fast), *_first(is_strong), *np.flatnonzero(is_known & (is_fast | is_strong)).tolist()]
    return [texts[position] for position in dict.fromkeys(chosen)]


def _confidence(fast: Predictor, texts: Sequence[str]) -> Float32s:
    return fast.artifact.manifest.decision.confidence(fast.probabilities(fast.logits(texts)))


def _first(wanted: Bools) -> list[int]:
    positions: list[int] = np.flatnonzero(wanted)[:_NUM_GOLDEN_TEXTS].tolist()
    return positions
