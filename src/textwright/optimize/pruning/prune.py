"""The pipeline: an artifact and its training data in; a smaller artifact that answers nearly as well, and a report out.

::

    heads, neurons:  checkpoint -> importance -> cut -> repair: taught by the model that was given, in the one loop
    vocabulary:      tokenizer and every variant's graph -> tokens of the training texts alone

Each step is held against the model that was given, on the validation texts; one that costs too much is not kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from textwright.core import artifact as artifacts
from textwright.core.artifact import Artifact
from textwright.core.callbacks import Callback
from textwright.core.surprisal import cut_surprisals
from textwright.core.tokenizer import TextTokenizer
from textwright.data.dataset import Examples
from textwright.data.settings import DataSettings
from textwright.errors import SettingsError
from textwright.evaluate.batch_invariance import measure_batch_invariance
from textwright.evaluate.card import model_card
from textwright.evaluate.measure import evaluate
from textwright.evaluate.predictions import LabeledPredictions, observe
from textwright.evaluate.publish import publish
from textwright.models import FAMILIES
from textwright.optimize.distillation.distill import DistillationJob, distill
from textwright.optimize.distillation.settings import DistillSettings
from textwright.optimize.eval_texts import Texts, read_texts
from textwright.optimize.measure import compare_answers, compare_costs
from textwright.optimize.pruning.report import Pruning, Step
from textwright.optimize.pruning.settings import PruneSettings
from textwright.optimize.pruning.structured_pruning import slim
from textwright.optimize.pruning.vocabulary import Vocabulary, cut_tables, used_vocabulary
from textwright.pipeline import BuildPlan
from textwright.runtime.loading import load
from textwright.runtime.predictor import Predictor
from textwright.training.settings import TrainSettings

_NUM_THREADS: Final = 1
_REPAIR: Final = {"num_epochs": 1, "class_weight": "none"}
"""Beneath what is asked for, and above how the model was trained: a repair is short, and learns a teacher's answers."""


@dataclass(frozen=True, slots=True)
class PruningTask:
    """What is to be cut out of what.

    Args:
        path: An artifact, or the run folder that holds it.
        source: Its training data.
        settings: What is cut.
        teaching: How the model teaches what is left of it.
        training: How that is trained; what is not set is as it was for the model.
        data: What the user set explicitly of how the data is read.
    """

    path: Path
    source: str
    settings: PruneSettings
    teaching: DistillSettings
    training: TrainSettings
    data: DataSettings


def prune(
    task: PruningTask,
    out: Path,
    *,
    overwrite: bool = False,
    callbacks: Sequence[Callback] = (),
) -> Pruning:
    """Cut an artifact down and write what is left.

    Args:
        task: What is to be cut out of what.
        out: Run folder of the smaller model; the report goes there too.
        overwrite: Throw away what is in ``out``.
        callbacks: Called as the repair goes on.

    Returns:
        What was cut, and what it costs.

    Raises:
        SettingsError: If nothing is to be cut, or it cannot be cut out of this model.
        DataError: If the data cannot be used, or has other labels.
        ArtifactError: If the artifact cannot be trusted.
    """
    settings, artifact = task.settings, artifacts.read(task.path)
    if not (settings.vocabulary or settings.heads or settings.neurons):
        raise SettingsError("nothing is to be cut; give --heads, --neurons or both, or leave --no-vocabulary out")
    family = FAMILIES.get(artifact.manifest.family)
    if family is not None and family.why_not_pruned:
        raise SettingsError(f"{artifact.manifest.name} is of the family {family.name}: {family.why_not_pruned}")
    reference = load(artifact.path, variant=artifact.manifest.reference_variant, num_threads=_NUM_THREADS)
    texts = read_texts(task.source, task.data, artifact.manifest)
    predictions = observe(reference, texts.gate)
    steps: list[Step] = []
    current = artifact
    if settings.heads or settings.neurons:
        current, step = _slim(task, artifact, texts, out, reference, predictions, overwrite, callbacks)
        steps.append(step)
    if settings.vocabulary:
        current, step = _cut_vocabulary(current, texts, out, reference, predictions, settings)
        steps.append(step)
    path = out / "artifact"
    written = current if current.path == path else artifacts.write(path, current.manifest, current.contents())
    report = Pruning(
        name=written.manifest.name,
        version=written.version,
        pruned_from=artifact.version,
        source=task.source,
        settings=settings.model_dump(mode="json"),
        steps=steps,
        metrics=written.manifest.variant(None).metrics,
    )
    report.write_json(report.json_path(out))
    return report


def _slim(
    task: PruningTask,
    artifact: Artifact,
    texts: Texts,
    out: Path,
    reference: Predictor,
    predictions: LabeledPredictions,
    overwrite: bool,
    callbacks: Sequence[Callback],
) -> tuple[Artifact, Step]:
    """Cut heads and neurons, and let the model repair what is left."""
    left = slim(artifact, texts.calibration, task.settings)
    training = task.training.over({**artifact.manifest.training["settings"], **_REPAIR})
    plan = BuildPlan(task.source, task.data, training, left.model, f"{artifact.manifest.name}-pruned")
    job = DistillationJob([task.path], plan, task.teaching, start=left.weights)
    distill(job, out / "repair", overwrite=overwrite, callbacks=callbacks)
    repaired = artifacts.read(out / "repair")
    step = _held(repaired, "heads and neurons", left.summary, texts, reference, predictions, task.settings, {})
    return artifact if step.rejection_reason else repaired, step


def _cut_vocabulary(
    artifact: Artifact,
    texts: Texts,
    out: Path,
    reference: Predictor,
    predictions: LabeledPredictions,
    settings: PruneSettings,
) -> tuple[Artifact, Step]:
    """Leave out the tokens that no training text has, and count what that does to the validation texts."""
    vocabulary = used_vocabulary(artifact.tokenizer(), texts.calibration.texts)
    counts = _changes(artifact, vocabulary, texts.gate)
    summary = f"tokens {vocabulary.num_before:,} to {len(vocabulary.kept_ids):,}"
    cut = write_cut(artifact, vocabulary, texts.test, out / "artifact")
    step = _held(cut, "vocabulary", summary, texts, reference, predictions, settings, counts)
    return artifact if step.rejection_reason else cut, step


def _changes(artifact: Artifact, vocabulary: Vocabulary, gate: Examples) -> dict[str, float]:
    """Count the validation texts that are encoded otherwise than before, and their tokens that are unknown."""
    old, new = TextTokenizer(artifact.tokenizer()), TextTokenizer(vocabulary.tokenizer)
    before, after = old.encode(gate.texts), new.encode(gate.texts)
    same = [first.ids == vocabulary.kept_ids[second.ids].tolist() for first, second in zip(before, after, strict=True)]
    return {
        "texts_encoded_otherwise": 1 - float(np.mean(same)),
        "unknown_before": float(np.mean(before.ids == old.unknown_id)),
        "unknown_after": float(np.mean(after.ids == new.unknown_id)),
        "tokens_per_text_before": float(before.lengths.mean()),
        "tokens_per_text_after": float(after.lengths.mean()),
    }


def _held(
    artifact: Artifact,
    name: str,
    summary: str,
    texts: Texts,
    reference: Predictor,
    predictions: LabeledPredictions,
    settings: PruneSettings,
    counts: dict[str, float],
) -> Step:
    """Hold what is left against the model that was given."""
    predictor = load(artifact.path, variant=artifact.manifest.reference_variant, num_threads=_NUM_THREADS)
    gate = compare_answers(predictor, predictions, texts.gate)
    if gate.drop > settings.max_drop:
        rejection_reason = f"{gate.drop:.2f} points lost, bound {settings.max_drop:g}"
        return Step(name, summary, gate, None, rejection_reason, counts)
    return Step(name, summary, gate, compare_costs(predictor, reference, texts.gate.texts), "", counts)


def write_cut(artifact: Artifact, vocabulary: Vocabulary, test: Examples, path: Path) -> Artifact:
    """Write an artifact with a smaller vocabulary: every variant, with its golden logits and what is measured of it.

    Args:
        artifact: With the whole vocabulary.
        vocabulary: What stays of it.
        test: Texts to measure on.
        path: The new artifact's folder.
    """
    manifest = artifact.manifest
    contents = artifact.contents()
    contents[artifacts.TOKENIZER] = vocabulary.tokenizer.encode()
    contents.pop(artifacts.PROFILE, None)  # of another vocabulary: more words are unknown now
    if artifacts.SURPRISALS in contents and manifest.out_of_distribution["order"] == 1:
        contents[artifacts.SURPRISALS] = cut_surprisals(contents[artifacts.SURPRISALS], vocabulary.kept_ids)
    for variant in manifest.variants.values():
        contents[variant.file] = cut_tables(contents[variant.file], vocabulary.kept_ids)
    counts = {"num_before": vocabulary.num_before, "num_kept": len(vocabulary.kept_ids)}
    manifest = replace(manifest, training={**manifest.training, "vocabulary": counts})
    evaluations = {}
    with publish(path, manifest, contents, num_threads=_NUM_THREADS) as publication:
        for name in manifest.variants:
            predictor = publication.predictor(name)
            publication.add_golden(predictor, [item.text for item in artifact.golden(name)])
            evaluations[name] = evaluate(predictor, test, source=str(manifest.data.get("source", "")), split="test")
            stability = measure_batch_invariance(predictor, test.texts).to_manifest()
            publication.add_metrics(name, evaluations[name], stability)
        publication.card = model_card(publication.manifest, {"test": evaluations[manifest.default_variant]})
    return publication.artifact
