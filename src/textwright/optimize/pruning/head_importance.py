"""How much each attention head and each neuron of a trained encoder matters, and which to keep.

A gate of 1 is put behind each head and each neuron; the slope of a text's loss at that gate says how much the loss
would change if it were closed. The mean of its absolute value over texts is the importance.

Source:
    Michel et al., 2019, "Are Sixteen Heads Really Better than One?", section 4.1 (the slope, and its scaling within a
    layer); Molchanov et al., 2017, "Pruning Convolutional Neural Networks for Resource Efficient Inference" (the same
    of neurons).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from torch import Tensor, nn

from textwright.core.labels import Labels
from textwright.core.types import Floats, Ints
from textwright.models.structured_pruning import Block
from textwright.training.batches import EncodedExamples, sorted_batches
from textwright.training.objective import make_objective

_BATCH_SIZE: Final = 32
_NEURON_STEP: Final = 16
"""Widths are multiples of this: kernels compute in blocks, so that an odd width saves nothing."""


@dataclass(frozen=True, slots=True)
class Importance:
    """How much the parts of each of L layers matter.

    Args:
        heads: For each layer, (A,), scaled to a length of 1.
        neurons: For each layer, (F,), scaled to a length of 1.
    """

    heads: Sequence[Floats]
    neurons: Sequence[Floats]


@dataclass(slots=True)
class _Gates:
    """The gates of one layer for one batch, and what was gathered of their slopes."""

    block: Block
    heads: Tensor | None = None
    neurons: Tensor | None = None
    head_sum: Floats = field(default_factory=lambda: np.zeros(0))
    neuron_sum: Floats = field(default_factory=lambda: np.zeros(0))

    def gate_heads(self, _: nn.Module, inputs: tuple[Any, ...]) -> tuple[Tensor]:
        """Put a gate behind each head, one for each text, (B, A)."""
        (joined,) = inputs  # (B, T, A * D)
        self.heads = joined.new_ones(len(joined), self.block.num_heads, requires_grad=True)
        return (joined * self.heads.repeat_interleave(self.block.head_dim, dim=1)[:, None],)

    def gate_neurons(self, _: nn.Module, inputs: tuple[Any, ...]) -> tuple[Tensor]:
        """Put a gate behind each neuron, one for each text, (B, F)."""
        (active,) = inputs  # (B, T, F)
        self.neurons = active.new_ones(len(active), self.block.num_neurons, requires_grad=True)
        return (active * self.neurons[:, None],)

    def gather(self) -> None:
        """Add up the absolute slopes of a batch."""
        self.head_sum = self.head_sum + _slopes(self.heads) if self.head_sum.size else _slopes(self.heads)
        self.neuron_sum = self.neuron_sum + _slopes(self.neurons) if self.neuron_sum.size else _slopes(self.neurons)


def _slopes(gates: Tensor | None) -> Floats:
    assert gates is not None  # noqa: S101  the forward pass made them
    assert gates.grad is not None  # noqa: S101  the backward pass filled them
    return np.asarray(gates.grad.abs().sum(dim=0).double().numpy())


def measure_importance(
    module: nn.Module, blocks: Sequence[Block], examples: EncodedExamples, labels: Labels
) -> Importance:
    """Measure how much each head and neuron matters for labeled texts.

    Args:
        module: The trained model, on the CPU; it is not changed.
        blocks: Its L layers.
        examples: N >= 1 labeled texts.
        labels: Their task decides the loss.

    Returns:
        Importances, 0 or more, scaled within each layer.
    """
    gates = [_Gates(block) for block in blocks]
    objective = make_objective(labels.task)
    module.eval()
    with _gated(gates):
        for positions in sorted_batches(examples.lengths, _BATCH_SIZE):
            batch = examples.batch(positions)
            loss = objective(module(*batch.inputs), batch.targets) * len(positions)
            loss.backward()  # type: ignore[no-untyped-call]
            for gate in gates:
                gate.gather()
    module.zero_grad(set_to_none=True)
    return Importance([_scaled(gate.head_sum) for gate in gates], [_scaled(gate.neuron_sum) for gate in gates])


@contextmanager
def _gated(gates: Sequence[_Gates]) -> Iterator[None]:
    hooks = [gate.block.joined.register_forward_pre_hook(gate.gate_heads) for gate in gates]
    hooks += [gate.block.outer.register_forward_pre_hook(gate.gate_neurons) for gate in gates]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _scaled(values: Floats) -> Floats:
    """Scale to a length of 1, so that a layer with large slopes does not keep everything."""
    return values / max(float(np.linalg.norm(values)), 1e-12)


def choose_heads(importance: Importance, share: float) -> list[Ints]:
    """Choose the heads that stay: the most important of all layers together, at least one in each.

    Args:
        importance: Of L layers.
        share: Of all heads that goes, in [0, 1).

    Returns:
        For each layer the heads that stay, rising.
    """
    return _choose(importance.heads, share, step=1)


def choose_neurons(importance: Importance, share: float) -> list[Ints]:
    """Choose the neurons that stay, as :func:`choose_heads` does; in each layer a multiple of 16, if it has as many."""
    return _choose(importance.neurons, share, step=_NEURON_STEP)


def _choose(scores: Sequence[Floats], share: float, *, step: int) -> list[Ints]:
    threshold = float(np.quantile(np.concatenate(list(scores)), share))
    heads = []
    for layer in scores:
        wanted = step * max(round(float((layer >= threshold).sum()) / step), 1)
        best = np.argsort(-layer, kind="stable")[: min(wanted, len(layer))]
        heads.append(np.sort(best).astype(np.int64))
    return heads
