"""Cut the heads and neurons that matter least out of a trained encoder: the start of a student that is then repaired.

The weights come from the run's checkpoint or from the artifact's own graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from torch import Tensor

from textwright.core.artifact import Artifact
from textwright.core.tokenizer import TextTokenizer
from textwright.data.dataset import Examples
from textwright.errors import SettingsError
from textwright.models.bert import FineTunedBert
from textwright.models.structured_pruning import blocks, prune_heads, prune_neurons
from textwright.optimize.pruning.head_importance import choose_heads, choose_neurons, measure_importance
from textwright.optimize.pruning.settings import PruneSettings
from textwright.optimize.weights_from_graph import restore
from textwright.training.batches import encode_examples


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
        artifact: Of the family ``bert``, in the run folder that trained it or alone.
        examples: Training texts with their labels.
        settings: How much goes.

    Returns:
        A smaller model, not yet repaired.

    Raises:
        SettingsError: If the artifact is of another family, or its weights cannot be trained on.
        TrainingError: If the checkpoint cannot be read.
    """
    module = _load(artifact)
    settings_of_model = artifact.manifest.training["model"]
    parts = blocks(module.encoder.backbone, settings_of_model["encoder"])
    tokenizer = TextTokenizer(artifact.tokenizer())
    probes = Examples(examples.texts[: settings.num_probes], examples.targets[: settings.num_probes])
    importance = measure_importance(module, parts, encode_examples(probes, tokenizer), artifact.manifest.labels)
    heads, neurons = [part.num_heads for part in parts], [part.num_neurons for part in parts]
    if settings.heads:
        for part, indices in zip(parts, choose_heads(importance, settings.heads), strict=True):
            prune_heads(part, indices)
    if settings.neurons:
        for part, indices in zip(parts, choose_neurons(importance, settings.neurons), strict=True):
            prune_neurons(part, indices)
    sizes = {"num_heads": [part.num_heads for part in parts], "num_neurons": [part.num_neurons for part in parts]}
    summary = f"heads {_change(heads, sizes['num_heads'])}, neurons {_change(neurons, sizes['num_neurons'])}"
    return Slimmed({**settings_of_model, **sizes}, dict(module.state_dict()), summary)


def _change(before: Sequence[int], after: Sequence[int]) -> str:
    return f"{sum(before):,} to {sum(after):,} ({', '.join(map(str, after))} a layer)"


def _load(artifact: Artifact) -> FineTunedBert:
    manifest = artifact.manifest
    if manifest.family != "bert":
        raise SettingsError(
            f"{manifest.name} is of the family {manifest.family}; heads and neurons are cut out of bert alone: leave "
            "--heads and --neurons out to cut the vocabulary"
        )
    module = restore(artifact)
    if module is None:
        raise SettingsError(
            f"the weights of {artifact.path} cannot be trained on; give the run folder that textwright train wrote, or "
            "leave --heads and --neurons out to cut the vocabulary"
        )
    return module
