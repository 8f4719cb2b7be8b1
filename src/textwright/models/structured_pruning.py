"""A smaller encoder cut out of a pretrained one: fewer layers, fewer attention heads, narrower feed-forward layers.

A head is a run of rows of the query, key and value layers and the same run of columns of the layer behind them; a
neuron is a row of the first feed-forward layer and a column of the second. Called by the ``bert`` family, which cuts
the last ones because it knows no better, and by ``optimize``, which cuts those that matter least.

Source:
    Sun et al., 2019, "Patient Knowledge Distillation for BERT Model Compression" (layers); Michel et al., 2019, "Are
    Sixteen Heads Really Better than One?" (heads).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn

from textwright.core.types import Ints
from textwright.errors import SettingsError

_LAYERS: Final = ("layer", "layers")
_PARTS: Final = (
    *("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"),
    *("intermediate.dense", "output.dense"),
)


class Block(NamedTuple):
    """The parts of one transformer layer that can be cut.

    Args:
        query: H -> heads * width of a head.
        key: The same of the keys.
        value: The same of the values.
        joined: Heads * width of a head -> H.
        inner: H -> neurons.
        outer: Neurons -> H.
        head_dim: Width of a head.
    """

    query: nn.Linear
    key: nn.Linear
    value: nn.Linear
    joined: nn.Linear
    inner: nn.Linear
    outer: nn.Linear
    head_dim: int

    @property
    def num_heads(self) -> int:
        """Heads that are left."""
        return self.query.out_features // self.head_dim

    @property
    def num_neurons(self) -> int:
        """Neurons that are left."""
        return self.inner.out_features


def keep_layers(backbone: nn.Module, layers: Sequence[int], name: str) -> None:
    """Leave out transformer layers.

    Args:
        backbone: An encoder of ``transformers``; changed in place.
        layers: Those that stay, counted from 0, in rising order.
        name: Of the encoder, for messages.

    Raises:
        SettingsError: If there is no such layer, or the encoder is of a kind whose layers are not found.
    """
    stack = _stack(backbone, name)
    if list(layers) != sorted(set(layers)) or layers[-1] >= len(stack):
        shown = ",".join(map(str, layers))
        raise SettingsError(
            f"keep_layers is {shown}, but encoder {name} has the layers 0 to {len(stack) - 1}; give some of these, "
            "each once, in rising order"
        )
    remaining = [stack[layer] for layer in layers]
    del stack[:]
    stack.extend(remaining)
    backbone.config.num_hidden_layers = len(remaining)  # type: ignore[union-attr]


def _stack(backbone: nn.Module, name: str) -> nn.ModuleList:
    depth = backbone.config.num_hidden_layers  # type: ignore[union-attr]
    for path, module in backbone.named_modules():
        if isinstance(module, nn.ModuleList) and len(module) == depth and path.rpartition(".")[2] in _LAYERS:
            return module
    raise SettingsError(
        f"encoder {name} has no stack of {depth} layers that some could be taken from; leave keep_layers out"
    )


def blocks(backbone: nn.Module, name: str) -> list[Block]:
    """Find what can be cut in each layer.

    Args:
        backbone: An encoder of ``transformers``.
        name: Of the encoder, for messages.

    Raises:
        SettingsError: If its layers are not those of BERT; RoBERTa, ELECTRA and most others have them.
    """
    modules = []
    for layer in _stack(backbone, name):
        parts = dict(layer.named_modules())
        if any(not isinstance(parts.get(part), nn.Linear) for part in _PARTS):
            raise SettingsError(
                f"encoder {name} has layers of another form than BERT's, so its heads and neurons cannot be cut; cut "
                "layers instead: --model.keep-layers"
            )
        query, key, value, joined, inner, outer = (parts[part] for part in _PARTS)
        width = parts["attention.self"].attention_head_size
        modules.append(Block(query, key, value, joined, inner, outer, head_dim=width))
    return modules


def prune_heads(block: Block, heads: Ints) -> None:
    """Keep some attention heads of a layer.

    Args:
        block: Changed in place.
        heads: Those that stay, (A,), A >= 1, counted from 0.
    """
    rows = (torch.from_numpy(heads)[:, None] * block.head_dim + torch.arange(block.head_dim)).flatten()  # (A * D,)
    for layer in (block.query, block.key, block.value):
        _keep_rows(layer, rows)
    _keep_columns(block.joined, rows)


def prune_neurons(block: Block, neurons: Ints) -> None:
    """Keep some neurons of a layer's feed-forward part.

    Args:
        block: Changed in place.
        neurons: Those that stay, (F,), F >= 1, counted from 0.
    """
    rows = torch.from_numpy(neurons)
    _keep_rows(block.inner, rows)
    _keep_columns(block.outer, rows)


def _keep_rows(layer: nn.Linear, rows: Tensor) -> None:
    layer.weight = nn.Parameter(layer.weight.detach()[rows].clone())
    layer.bias = nn.Parameter(layer.bias.detach()[rows].clone())
    layer.out_features = len(rows)


def _keep_columns(layer: nn.Linear, columns: Tensor) -> None:
    layer.weight = nn.Parameter(layer.weight.detach()[:, columns].clone())
    layer.in_features = len(columns)
