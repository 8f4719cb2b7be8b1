"""Cut the heads and neurons that matter least out of a trained encoder: the start of a student that is then repaired.

The weights come from the run's checkpoint, because a graph cannot be trained.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from torch import Tensor

from textwright.core.artifact import Artifact
from textwright.core.tokenization import TextEncoder
from textwright.data.dataset import Examples
from textwright.errors import SettingsError
from textwright.models import find_family
from textwright.models.bert import FineTunedBert
from textwright.models.family import BuildContext
from textwright.models.slim import blocks, cut_heads, cut_neurons
from textwright.optimize.importance import choose_heads, choose_neurons, measure_importance
from textwright.optimize.teaching_settings import PruneSettings
from textwright.train.batches import encode_examples
from textwright.train.checkpoint import read_best_weights
from textwright.train.run import CHECKPOINT


class Slimmed(NamedTuple):
    """What is left of a model.

    Args:
        model: Settings of its family that describe it, with heads and neurons of each layer.
        weights: Its weights, by name.
        summary: What was cut, in words.
    """

    model: dict[str, Any]
    weights: dict[str, Tensor]
    summary: str


def slim(artifact: Artifact, examples: Examples, settings: PruneSettings) -> Slimmed:
    """Measure what matters in a trained encoder and cut the rest.

    Args:
        artifact: Of the family ``bert``, in the run folder that trained it.
        examples: Training texts with their labels.
        settings: How much goes.

    Returns:
        A smaller model, not yet repaired.

    Raises:
        SettingsError: If the artifact is of another family, or its run folder has no checkpoint.
        TrainingError: If the checkpoint cannot be read.
    """
    module = _load(artifact)
    given = artifact.manifest.training["model"]
    parts = blocks(module.encoder.backbone, given["encoder"])
    encoder = TextEncoder(artifact.tokenizer())
    probes = Examples(examples.texts[: settings.num_probes], examples.targets[: settings.num_probes])
    importance = measure_importance(module, parts, encode_examples(probes, encoder), artifact.manifest.labels)
    heads, neurons = [part.num_heads for part in parts], [part.num_neurons for part in parts]
    if settings.heads:
        for part, kept in zip(parts, choose_heads(importance, settings.heads), strict=True):
            cut_heads(part, kept)
    if settings.neurons:
        for part, kept in zip(parts, choose_neurons(importance, settings.neurons), strict=True):
            cut_neurons(part, kept)
    left = {"num_heads": [part.num_heads for part in parts], "num_neurons": [part.num_neurons for part in parts]}
    summary = f"heads {_change(heads, left['num_heads'])}, neurons {_change(neurons, left['num_neurons'])}"
    return Slimmed({**given, **left}, dict(module.state_dict()), summary)


def _change(before: Sequence[int], after: Sequence[int]) -> str:
    return f"{sum(before):,} to {sum(after):,} ({', '.join(map(str, after))} a layer)"


def _load(artifact: Artifact) -> FineTunedBert:
    manifest, run = artifact.manifest, artifact.path.parent
    if manifest.family != "bert":
        raise SettingsError(
            f"{manifest.name} is of the family {manifest.family}; heads and neurons are cut out of bert alone: leave "
            "--heads and --neurons out to cut the vocabulary"
        )
    weights = read_best_weights(run / CHECKPOINT)
    if not weights:
        raise SettingsError(
            f"{run} has no checkpoint; heads and neurons are cut out of the weights in it: give the run folder "
            "that textwright train wrote, or leave --heads and --neurons out to cut the vocabulary"
        )
    family = find_family(manifest.family)
    config = family.config.parse(manifest.training["model"], source="the artifact's manifest")
    module = family.build(config, BuildContext(TextEncoder(artifact.tokenizer()), manifest.labels))
    module.load_state_dict(weights)
    assert isinstance(module, FineTunedBert)  # noqa: S101  its family was asked
    return module.eval()
