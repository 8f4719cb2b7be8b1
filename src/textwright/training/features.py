"""Examples as what a frozen encoder gives for them: the loop trains a head on these as it trains a model on tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import torch
from accelerate.utils import broadcast, broadcast_object_list

from textwright.core.callbacks import Callback
from textwright.core.types import Bools, Float32s, Ints
from textwright.models.family import Stages
from textwright.models.feature_cache import FeatureCache, cache_folder, text_keys
from textwright.training.batches import Batch, EncodedExamples
from textwright.training.loop import TrainingRuntime, infer

_TEXTS_PER_FILE: Final = 1024
"""Texts encoded between two writes to the cache: what a kill may cost."""
_BATCH_SIZE: Final = 64


@dataclass(frozen=True, slots=True)
class FeatureExamples:
    """N examples as features.

    Args:
        features: (N, D).
        targets: Label indices, (N,), or which labels hold, (N, K).
    """

    features: Float32s
    targets: Ints | Bools

    def __len__(self) -> int:
        return len(self.features)

    @property
    def lengths(self) -> Ints:
        """All alike, (N,): features need no padding."""
        return np.ones(len(self), dtype=np.int64)

    def batch(self, positions: Ints) -> Batch:
        """Take some examples as one batch.

        Args:
            positions: B positions in [0, N).

        Returns:
            The batch, on the CPU, in the order of the positions.
        """
        targets = torch.from_numpy(self.targets[positions])
        features = torch.from_numpy(self.features[positions])
        return Batch((features,), targets.float() if targets.dtype == torch.bool else targets)

    def take(self, positions: Ints) -> FeatureExamples:
        """Select examples, in the order of the positions, (M,)."""
        return FeatureExamples(self.features[positions], self.targets[positions])


class FeatureSplits(NamedTuple):
    """The splits of a training as features."""

    train: FeatureExamples
    validation: FeatureExamples


def encode_splits(
    stages: Stages, train: EncodedExamples, validation: EncodedExamples, runtime: TrainingRuntime, callback: Callback
) -> FeatureSplits:
    """Run the texts of a training through a frozen encoder, as far as no earlier run has.

    Args:
        stages: The encoder, and what its features depend on.
        train: The training split.
        validation: The validation split.
        runtime: Where the encoder runs, and in which number format.
        callback: Is told how far it is.

    Returns:
        The same splits as features.
    """
    stages.encoder.to(runtime.accelerator.device)
    description = f"{stages.description} bf16={runtime.bf16}"
    cache = None
    if stages.keeps_features:
        cache = FeatureCache(cache_folder(stages.encoder, description), stages.feature_dim)
    return FeatureSplits(*(_encode(stages, split, runtime, cache, callback) for split in (train, validation)))


def _encode(
    stages: Stages, examples: EncodedExamples, runtime: TrainingRuntime, cache: FeatureCache | None, callback: Callback
) -> FeatureExamples:
    """Look features up and compute the others; the main process alone reads and writes the cache."""
    keys = text_keys(examples.encodings)
    features, is_known = (
        np.zeros((len(keys), stages.feature_dim), dtype=np.float32),
        np.zeros(len(keys), dtype=np.bool_),
    )
    if not runtime.accelerator.is_main_process:
        cache = None
    if cache is not None:
        features, is_known = cache.read(keys)
    (missing,) = broadcast_object_list([np.flatnonzero(~is_known)])
    for start in range(0, len(missing), _TEXTS_PER_FILE):
        positions = missing[start : start + _TEXTS_PER_FILE]
        part = examples.take(positions)
        features[positions] = infer(stages.encoder, part, stages.feature_dim, runtime, batch_size=_BATCH_SIZE).numpy()
        if cache is not None:
            cache.add([keys[position] for position in positions.tolist()], features[positions])
        callback.on_progress("encoding the texts", start + len(positions), len(missing))
    shared = broadcast(torch.from_numpy(features).to(runtime.accelerator.device))
    return FeatureExamples(shared.cpu().numpy(), examples.targets)
