"""Examples as token ids, and batches of like length cut from them. Called by ``run`` and ``loop``."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from textwright.core.encodings import Encodings, pad
from textwright.core.tokenizer import TextTokenizer
from textwright.core.types import Bools, Ints
from textwright.data.dataset import Examples, refuse_unpaired

_TEXTS_PER_CALL: Final = 8192
_BATCHES_PER_POOL: Final = 50


class Batch(NamedTuple):
    """What one step sees.

    Args:
        inputs: The module's arguments: ``input_ids`` (B, T) and ``attention_mask`` (B, T).
        targets: Label indices, (B,) int64, or which labels hold, (B, K) float32; of a teacher, (B, 2, K) float32.
    """

    inputs: tuple[Tensor, ...]
    targets: Tensor


class LoopExamples(Protocol):
    """What the loop needs to know of examples, be they token ids or features."""

    def __len__(self) -> int:
        """Count the examples, N."""

    @property
    def lengths(self) -> Ints:
        """What each example costs, (N,); batches hold examples of like cost."""

    @property
    def targets(self) -> Ints | Bools:
        """Label indices, (N,), or which labels hold, (N, K)."""

    def batch(self, positions: Ints) -> Batch:
        """Make a batch of the examples at some positions, (B,), in that order."""


@dataclass(frozen=True, slots=True)
class EncodedExamples:
    """N examples as token ids.

    Args:
        encodings: The texts.
        targets: Label indices, (N,), or which labels hold, (N, K).
        pad_id: The id that batches are padded with.

    Raises:
        DataError: If there is not one target for each text.
    """

    encodings: Encodings
    targets: Ints | Bools
    pad_id: int

    def __post_init__(self) -> None:
        refuse_unpaired(self.encodings, self.targets)

    def __len__(self) -> int:
        return len(self.encodings)

    @property
    def lengths(self) -> Ints:
        """Number of tokens of each text, (N,); empty texts have 0."""
        return self.encodings.lengths

    @property
    def num_truncated(self) -> int:
        """Texts that were longer than ``max_length``."""
        return int(self.encodings.truncated.sum())

    def batch(self, positions: Ints) -> Batch:
        """Pad some examples into one batch.

        Args:
            positions: B positions in [0, N).

        Returns:
            The batch, on the CPU, in the order of the positions.
        """
        targets = torch.from_numpy(self.targets[positions])
        inputs = tuple(map(torch.from_numpy, pad(self.encodings.take(positions), self.pad_id)))
        return Batch(inputs, targets.float() if targets.dtype == torch.bool else targets)

    def take(self, positions: Ints) -> EncodedExamples:
        """Select examples, in the order of the positions, (M,)."""
        return EncodedExamples(self.encodings.take(positions), self.targets[positions], self.pad_id)

    def digest(self) -> str:
        """Identify ids and targets: equal examples, in the same order, have equal digests."""
        digest = hashlib.sha256(self.encodings.offsets.data)
        digest.update(self.encodings.ids.data)
        digest.update(np.ascontiguousarray(self.targets).data)
        return digest.hexdigest()


def encode_examples(examples: Examples, tokenizer: TextTokenizer) -> EncodedExamples:
    """Turn texts into ids, a few thousand at a time.

    Args:
        examples: N texts with their targets.
        tokenizer: The tokenizer, made from the training split.

    Returns:
        The same N examples in the same order.
    """
    starts = range(0, len(examples), _TEXTS_PER_CALL)
    parts = (tokenizer.encode(examples.texts[start : start + _TEXTS_PER_CALL]) for start in starts)
    return EncodedExamples(Encodings.join(parts), examples.targets, tokenizer.pad_id)


def shuffled_batches(lengths: Ints, batch_size: int, *, seed: int, epoch: int) -> list[Ints]:
    """Cut an epoch into batches of like length, in an order of their own.

    Examples are shuffled, sorted by length within pools of 50 batches, and the batches shuffled again: little
    padding, and still another mixture in every epoch.

    Args:
        lengths: Tokens of each example, (N,).
        batch_size: Examples per batch; the last batch made may be shorter.
        seed: Of the training run.
        epoch: Counted from 0; with ``seed`` it decides the order completely.

    Returns:
        ceil(N / batch_size) arrays of positions; each position occurs once.
    """
    generator = np.random.default_rng([seed, epoch])
    order = generator.permutation(len(lengths))
    batches: list[Ints] = []
    for start in range(0, len(order), batch_size * _BATCHES_PER_POOL):
        pool = order[start : start + batch_size * _BATCHES_PER_POOL]
        batches.extend(_cut(pool[np.argsort(lengths[pool], kind="stable")], batch_size))
    return [batches[i] for i in generator.permutation(len(batches)).tolist()]


def sorted_batches(lengths: Ints, batch_size: int) -> list[Ints]:
    """Cut examples, sorted by length, into batches; for evaluation, where order does not matter.

    Args:
        lengths: Tokens of each example, (N,).
        batch_size: Examples per batch.

    Returns:
        ceil(N / batch_size) arrays of positions, the shortest examples first.
    """
    return _cut(np.argsort(lengths, kind="stable"), batch_size)


def _cut(order: Ints, batch_size: int) -> list[Ints]:
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
