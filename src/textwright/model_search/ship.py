"""The chosen model becomes the artifact, and the test texts are read: here, once, and nowhere else in a search."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np

from textwright.core import artifact as artifacts
from textwright.core.artifact import Artifact, Manifest, Variant
from textwright.data.dataset import Dataset
from textwright.data.settings import DataSettings
from textwright.data.text_hashes import write_text_hashes
from textwright.evaluate.baselines import Baseline, compare_with_baselines
from textwright.evaluate.batch_invariance import measure_batch_invariance
from textwright.evaluate.card import model_card
from textwright.evaluate.diagnostics import TrainingFacts, diagnose
from textwright.evaluate.eval_split import TRAINING_TEXTS
from textwright.evaluate.evaluation import Evaluation
from textwright.evaluate.measure import evaluate_observations
from textwright.evaluate.predictions import LabeledPredictions, label_shares, observe
from textwright.evaluate.publish import publish
from textwright.model_search.trials import FinishedModel
from textwright.optimize.cascade.assemble import CascadePlan, write_cascade
from textwright.optimize.cascade.pair import open_pair
from textwright.runtime.loading import load, open_predictor
from textwright.runtime.predictor import Predictor
from textwright.runtime.selection import variant_files

TEST: Final = "test"
_THREADS: Final = 1
"""Of every measured inference: a server runs one inference per core."""
_ONE_TOKEN: Final = 8
"""A text of so many characters that is one token was not cut into words."""


@dataclass(frozen=True, slots=True)
class Shipment:
    """What is shipped, and on what it is measured.

    Args:
        model: The chosen model.
        path: Of its artifact in the folder of the search.
        dataset: The source, split; its test texts are read here.
        data: How the source was read and cut.
        name: What the model is called on the wire.
        account: What the manifest says of the search.
    """

    model: FinishedModel
    path: Path
    dataset: Dataset
    data: DataSettings
    name: str
    account: Mapping[str, Any]

    @property
    def described_data(self) -> dict[str, Any]:
        """What the manifest says of the data: that of the source, not of the file that was searched."""
        return {
            "source": self.dataset.source,
            "fingerprint": self.dataset.fingerprint,
            "settings": self.data.model_dump(mode="json"),
            "splits_are_given": self.dataset.splits_are_given,
            "num_examples": {name: len(examples) for name, examples in self.dataset.splits.items()},
        }


@dataclass(frozen=True, slots=True)
class Shipped:
    """What was shipped.

    Args:
        artifact: Verified.
        evaluation: On the test texts.
        baselines: What it was compared with on them.
        warnings: What is wrong with it, in sentences.
    """

    artifact: Artifact
    evaluation: Evaluation
    baselines: tuple[Baseline, ...]
    warnings: tuple[str, ...]


def shipped_variants(manifest: Manifest, variant: str) -> list[str]:
    """Name the variants that are shipped: the chosen one, and the one that answers on other processors."""
    names = [variant]
    if manifest.variant(variant).instruction_set and manifest.reference_variant != variant:
        names.append(manifest.reference_variant)
    return names


def shipped_size(artifact: Artifact, variant: str) -> int:
    """Count the bytes of an artifact with the shipped variants alone."""
    manifest = artifact.manifest
    if manifest.stages:
        return artifact.size_bytes
    shipped = shipped_variants(manifest, variant)
    others = {item.file for name, item in manifest.variants.items() if name not in shipped}
    others |= {item.golden for name, item in manifest.variants.items() if name not in shipped and item.golden}
    used = {manifest.variants[name].file for name in shipped}
    return artifact.size_bytes - sum(artifact.files[name].size_bytes for name in others - used)


def ship(shipment: Shipment, out: Path) -> Shipped:
    """Write the artifact of the chosen model, and measure it on the test texts.

    Args:
        shipment: What, and on what it is measured.
        out: Folder of the result; the artifact goes to ``out/artifact``.

    Returns:
        What was shipped.
    """
    artifact = artifacts.read(shipment.path)
    write = _ship_cascade if artifact.stages else _ship_model
    return write(shipment, artifact, out)


def _ship_model(shipment: Shipment, artifact: Artifact, out: Path) -> Shipped:
    names = shipped_variants(artifact.manifest, shipment.model.variant)
    predictors = [load(artifact.path, variant=name, num_threads=_THREADS) for name in names]
    golden = [item.text for item in artifact.golden(artifact.manifest.reference_variant)]
    manifest, contents = variant_files(predictors, golden)
    contents.pop(artifacts.CARD)
    contents.update(_profile(artifact))
    manifest, test = _relabeled(manifest, shipment), shipment.dataset.test
    with publish(out / "artifact", manifest, contents, num_threads=_THREADS) as publication:
        evaluations = {}
        for name in reversed(names):
            predictor = publication.predictor(name)
            predictions = observe(predictor, test)
            evaluations[name] = _evaluate(predictor, shipment, predictions)
            publication.add_metrics(name, evaluations[name], artifact.manifest.variants[name].batch_invariance)
        baselines = compare_with_baselines(predictions, shipment.dataset, linear=False)
        warnings = _warnings(evaluations[names[0]], shipment.dataset, manifest, predictions, baselines)
        publication.add_training(_account(shipment, out, baselines, warnings))
        publication.card = model_card(publication.manifest, {TEST: evaluations[names[0]]})
    return Shipped(publication.artifact, evaluations[names[0]], baselines, warnings)


def _ship_cascade(shipment: Shipment, artifact: Artifact, out: Path) -> Shipped:
    """Make the cascade again of stages that name the source, and measure it on the test texts."""
    manifest, measured = artifact.manifest, json.loads((artifact.path / artifacts.STAGES).read_text(encoding="utf-8"))
    del measured["stages"]
    validation = shipment.dataset.validation.texts
    with TemporaryDirectory(prefix="textwright-") as temporary:
        folder = Path(temporary)
        for stage in artifact.stages:
            relabeled = _relabeled(stage.artifact.manifest, replace(shipment, name=stage.artifact.manifest.name))
            artifacts.write(folder / stage.name, relabeled, stage.artifact.contents())
        fast, strong = (folder / stage.name for stage in artifact.stages)
        pair = open_pair(fast, strong, None, None)
        plan = CascadePlan(
            pair,
            artifact.stages[0].min_confidence,
            shipment.name,
            validation,
            {**manifest.training["cascade"], "auto": dict(shipment.account)},
            {**measured, "source": shipment.dataset.source},
        )
        predictor = open_predictor(write_cascade(folder / "cascade", plan), num_threads=_THREADS)
        predictions = observe(predictor, shipment.dataset.test)
        evaluation = _evaluate(predictor, shipment, predictions)
        baselines = compare_with_baselines(predictions, shipment.dataset, linear=False)
        stability = measure_batch_invariance(predictor, validation)
        write_text_hashes(shipment.dataset, out)
        shipped = write_cascade(out / "artifact", plan, evaluation, stability)
    return Shipped(
        shipped, evaluation, baselines, _warnings(evaluation, shipment.dataset, None, predictions, baselines)
    )


def _relabeled(manifest: Manifest, shipment: Shipment) -> Manifest:
    """Say which source the model was trained on, and forget what was measured on validation texts."""
    variants = {name: _unmeasured(item) for name, item in manifest.variants.items()}
    training = {name: value for name, value in manifest.training.items() if name not in ("baselines", "warnings")}
    return replace(
        manifest,
        name=shipment.name,
        data=shipment.described_data,
        variants=variants,
        training=training,
        metrics_split="",
    )


def _unmeasured(variant: Variant) -> Variant:
    return replace(variant, metrics={})


def _profile(artifact: Artifact) -> dict[str, bytes]:
    """Take over the reference profile, which is of the validation texts of the source."""
    name = artifacts.PROFILE
    return {name: (artifact.path / name).read_bytes()} if name in artifact.files else {}


def _evaluate(predictor: Predictor, shipment: Shipment, predictions: LabeledPredictions) -> Evaluation:
    source = shipment.dataset.source
    return evaluate_observations(predictor, shipment.dataset.test, predictions, source=source, split=TEST)


def _account(
    shipment: Shipment, out: Path, baselines: tuple[Baseline, ...], warnings: tuple[str, ...]
) -> dict[str, Any]:
    return {
        "baselines": [item.to_json() for item in baselines],
        "warnings": list(warnings),
        "auto": dict(shipment.account),
        TRAINING_TEXTS: write_text_hashes(shipment.dataset, out),
    }


def _warnings(
    evaluation: Evaluation,
    dataset: Dataset,
    manifest: Manifest | None,
    predictions: LabeledPredictions,
    baselines: tuple[Baseline, ...],
) -> tuple[str, ...]:
    """Say what is wrong with the shipped model, as ``train`` does."""
    training: Mapping[str, Any] = {} if manifest is None else manifest.training
    several = np.array([len(text.strip()) >= _ONE_TOKEN for text in dataset.test.texts])
    shares = label_shares(dataset.train, dataset.labels).tolist()
    facts = TrainingFacts(
        num_train=len(dataset.train),
        num_truncated=int(training.get("num_truncated", 0)),
        label_shares=dict(zip(dataset.labels.names, shares, strict=True)),
        validation_losses=[],
        validation_accuracy=float(training.get("validation_accuracy", 0.0)),
        one_token_share=float((several & (predictions.lengths <= 1)).mean()),
        unknown_share=0.0,
        metadata=training,
    )
    return diagnose(evaluation, facts, baselines)
