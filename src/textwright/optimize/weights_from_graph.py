"""Weights of a trained encoder, to be trained on: out of the run's checkpoint, else out of the artifact's own graph.

torch's exporter keeps the names of all weights but those of dense layers: it turns them round and gives them new names.
What is added to a product is the bias of that layer, and so tells whose weights they are::

    MatMul(x, W') -> Add(.., "encoder...query.bias")      W = W' turned round is "encoder...query.weight"
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from torch import Tensor

from textwright.core.artifact import Artifact
from textwright.core.tokenizer import TextTokenizer
from textwright.graph.view import View, load
from textwright.models import find_family
from textwright.models.bert import FineTunedBert
from textwright.models.family import BuildContext
from textwright.training.checkpoint import read_best_weights
from textwright.training.run import CHECKPOINT

_FAMILY: Final = "bert"
_BIAS, _WEIGHT = ".bias", ".weight"


def restore(artifact: Artifact) -> FineTunedBert | None:
    """Build the module that an artifact was exported from, with its weights.

    Args:
        artifact: Of the family ``bert``, in its run folder or alone.

    Returns:
        The module in evaluation mode; None if some weight is not to be found, or has another shape, as where the
        vocabulary was cut.

    Raises:
        TrainingError: If there is a checkpoint and it cannot be read.
    """
    manifest = artifact.manifest
    family = find_family(_FAMILY)
    config = family.config.parse(manifest.training["model"], source="the artifact's manifest")
    module = family.build(config, BuildContext(TextTokenizer(artifact.tokenizer()), manifest.labels))
    assert isinstance(module, FineTunedBert)  # noqa: S101  its family was asked
    weights = read_best_weights(artifact.path.parent / CHECKPOINT)
    if not weights:
        graph = (artifact.path / manifest.variant(manifest.reference_variant).file).read_bytes()
        weights = weights_of(graph)
    own = module.state_dict()
    if any(name not in weights or weights[name].shape != value.shape for name, value in own.items()):
        return None
    module.load_state_dict({name: weights[name] for name in own})
    return module.eval()


def weights_of(graph: bytes) -> dict[str, Tensor]:
    """Read weights out of a graph as torch exported it, not fused and not quantized.

    Args:
        graph: The bytes of the ONNX file.

    Returns:
        Name -> weight, as the module that was exported names them; what cannot be told is left out.
    """
    model = load(graph)
    view = View(model)
    names = [item.name for item in model.graph.initializer]
    weights = {name: _tensor(view, name) for name in names}
    for name in names:
        adders = [node for node in view.readers(name) if node.op_type == "Add"] if name.endswith(_BIAS) else []
        for product in (view.maker(value) for node in adders for value in node.input):
            if product is not None and product.op_type == "MatMul" and product.input[1] in weights:
                weights[name.removesuffix(_BIAS) + _WEIGHT] = weights[product.input[1]].T.contiguous()
    return weights


def _tensor(view: View, name: str) -> Tensor:
    return torch.from_numpy(np.array(view.constant(name)))
