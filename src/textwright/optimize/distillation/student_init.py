"""What a student may take over from its teacher beside the answers: the weights of the layers that it keeps.

Source:
    Sun et al., 2019, "Patient Knowledge Distillation for BERT Model Compression"; Sanh et al., 2019, "DistilBERT",
    section 2 (a student that starts from every second layer of its teacher).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from torch import Tensor

from textwright.core.artifact import Artifact
from textwright.models.encoder import layer_of, of_layer
from textwright.optimize.weights_from_graph import restore

_FAMILY: Final = "bert"
_SHAPE: Final = ("encoder", "pooling", "num_heads", "num_neurons")
"""Settings that must be alike for weights to fit."""


def inherited_weights(teacher: Artifact, family: str, model: Mapping[str, Any]) -> dict[str, Tensor]:
    """Take the teacher's weights for the layers that the student keeps.

    Args:
        teacher: The teacher, in its run folder or alone.
        family: The student's.
        model: The student's own settings, all of them.

    Returns:
        Weights as the student's module names them. Empty where they cannot be taken over: another family or encoder,
        heads, neurons or tokens that were cut, or layers that the teacher lacks.

    Raises:
        TrainingError: If the checkpoint cannot be read.
    """
    theirs = teacher.manifest.training.get("model", {})
    if family != _FAMILY or teacher.manifest.family != _FAMILY:
        return {}
    if any(theirs.get(name, []) != model.get(name, []) for name in _SHAPE):
        return {}
    module = restore(teacher)
    if module is None:
        return {}
    weights = module.state_dict()
    depth = 1 + max((layer_of(name) or 0 for name in weights), default=-1)
    used = list(theirs.get("keep_layers") or range(depth))  # where each of the teacher's layers stands in the encoder
    wanted = list(model.get("keep_layers") or used)
    if not set(wanted) <= set(used):
        return {}
    return _select(weights, [used.index(layer) for layer in wanted])


def _select(weights: Mapping[str, Tensor], layers: Sequence[int]) -> dict[str, Tensor]:
    places = {layer: place for place, layer in enumerate(layers)}
    selected = {}
    for name, weight in weights.items():
        layer = layer_of(name)
        if layer is None:
            selected[name] = weight
        elif layer in places:
            selected[of_layer(name, places[layer])] = weight
    return selected
