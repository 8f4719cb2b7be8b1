"""What the gates compare on: the artifact on validation texts, and models of the same training on out-of-fold texts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self

from textwright.core import artifact as artifacts
from textwright.core.artifact import Artifact, Variant
from textwright.core.callbacks import Callback
from textwright.core.encodings import pad
from textwright.core.tokenizer import TextTokenizer
from textwright.data.dataset import Examples
from textwright.errors import NoGainError, TextwrightError
from textwright.evaluate.predictions import LabeledPredictions, observe
from textwright.optimize.candidates import CalibrationData, CandidateSpec
from textwright.optimize.eval_texts import Texts, num_texts_needed
from textwright.optimize.folds import plan_folds, train_folds
from textwright.optimize.settings import OptimizeSettings
from textwright.runtime.predictor import Predictor

_NUM_CALIBRATION_TEXTS: Final = 256
_CALIBRATION_BATCH: Final = 32


@dataclass(frozen=True, slots=True)
class GatePart:
    """One model and texts that its weights were not fitted on.

    Args:
        reference: The model, with the graph that variants are made of.
        examples: The texts.
        observations: What the reference predicts of them.
        material: What recipes start from: its graph and texts that it was trained on.
    """

    reference: Predictor
    examples: Examples
    observations: LabeledPredictions
    material: CalibrationData

    @classmethod
    def of(cls, reference: Predictor, examples: Examples, calibration: Examples) -> Self:
        """Predict the gate texts with a model, and encode its calibration texts."""
        return cls(reference, examples, observe(reference, examples), _material(reference, calibration))

    def make(self, recipe: CandidateSpec, folder: Path) -> Artifact:
        """Make a recipe's graph, as an artifact of that variant alone.

        Raises:
            NoGainError: If the recipe changes nothing in this graph.
            BackendError: If it cannot be made.
        """
        graph = recipe.make(self.material)
        if graph == self.material.graph and not recipe.engine:
            raise NoGainError("there is nothing in this graph that it applies to")
        old = self.reference.artifact
        variant = Variant("model.onnx", recipe.precision, engine=recipe.engine)
        contents = {"model.onnx": graph, **old.shared_files(), artifacts.GOLDEN: b""}
        return artifacts.write(folder, replace(old.manifest, variants={recipe.name: variant}), contents)


def _material(reference: Predictor, calibration: Examples) -> CalibrationData:
    encodings = reference.encode(calibration.texts[:_NUM_CALIBRATION_TEXTS])
    starts = range(0, len(encodings), _CALIBRATION_BATCH)
    parts = (encodings.between(start, min(start + _CALIBRATION_BATCH, len(encodings))) for start in starts)
    pad_id = TextTokenizer(reference.artifact.tokenizer()).pad_id
    return CalibrationData(reference.graph_path.read_bytes(), tuple(pad(part, pad_id) for part in parts))


def fold_parts(
    reference: Predictor,
    source: str,
    texts: Texts,
    settings: OptimizeSettings,
    folder: Path,
    callback: Callback,
) -> tuple[list[GatePart], str]:
    """Repeat the artifact's training on folds, if the validation texts are too few for the bounds.

    Args:
        reference: The artifact.
        source: The labeled source.
        texts: Its texts, split.
        settings: Bounds, and the number of folds.
        folder: Where the models are kept.
        callback: Told of each fold before a model is trained without it.

    Returns:
        A part for each fold; and why there is none although there are few texts, empty if that is not so.

    Raises:
        SettingsError: If folds are set and cannot be had; says why.
    """
    manifest = reference.artifact.manifest
    num_folds, reason = plan_folds([manifest], source, len(texts.gate), num_texts_needed(settings), settings.gate_folds)
    if not num_folds:
        return [], reason
    try:
        models = train_folds(manifest, texts.calibration, texts.gate, num_folds, folder, callback)
    except TextwrightError as error:
        if settings.gate_folds is not None:
            raise
        return [], str(error)
    return [GatePart.of(item.predictor, item.held_out, item.calibration) for item in models], ""
