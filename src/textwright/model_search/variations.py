"""Changes of each family's settings that are worth a try, the most promising first.

They are tried in this order on top of the family's best settings so far, until two in a row have gained nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Variation:
    """A change of a family's settings.

    Args:
        name: A few characters, part of a folder name.
        summary: What changes, in a few words.
        training: Settings of training.
        model: The family's own settings.
        cost: Seconds of training against those before.
    """

    name: str
    summary: str
    training: Mapping[str, Any] = field(default_factory=dict)
    model: Mapping[str, Any] = field(default_factory=dict)
    cost: float = 1.0


VARIATIONS: Final[Mapping[str, tuple[Variation, ...]]] = {
    "bow": (
        Variation("pairs", "with pairs of words", model={"num_bigram_buckets": 131_072}, cost=2.0),
        Variation("wide", "vectors of 200 numbers", model={"embedding_dim": 200}, cost=2.0),
    ),
    "bow-glove": (
        Variation("layer", "one more hidden layer", model={"num_hidden_layers": 1}),
        Variation("lr-1e-3", "learning rate 1e-3", {"learning_rate": 1e-3}),
    ),
    "cnn-glove": (
        Variation("lr-1e-3", "learning rate 1e-3", {"learning_rate": 1e-3}),
        Variation("filters-200", "200 filters of each width", model={"num_filters": 200}, cost=1.8),
    ),
    "frozen-bert": (
        Variation("wide", "512 hidden units", model={"hidden_dim": 512}),
        Variation("lr-1e-3", "learning rate 1e-3", {"learning_rate": 1e-3}),
    ),
    "static-bert": (
        Variation("wide", "512 hidden units", model={"hidden_dim": 512}),
        Variation("lr-1e-3", "learning rate 1e-3", {"learning_rate": 1e-3}),
    ),
    "bert": (
        Variation("r-drop", "R-Drop in place of label smoothing", {"r_drop": 1.0, "label_smoothing": 0.0}, cost=1.9),
        Variation("lr-2e-4", "learning rate 2e-4", {"learning_rate": 2e-4}),
        Variation("epochs-3", "3 epochs", {"num_epochs": 3}, cost=1.5),
        Variation("lr-5e-5", "learning rate 5e-5", {"learning_rate": 5e-5}),
    ),
}
FOR_RARE_LABELS: Final = (
    Variation("balanced", "rare labels count more in the loss", {"class_weight": "balanced"}),
    Variation("f1", "thresholds of the highest F1", {"maximize": "f1"}),
)
"""Tried first where rare labels count as much as frequent ones."""
FOR_FEW_TEXTS: Final[Mapping[str, tuple[Variation, ...]]] = {
    "frozen-bert": (
        Variation("contrastive", "the encoder tuned on pairs of texts", model={"contrastive_tuning": True}, cost=10.0),
    ),
}
"""Tried first where each label has few texts; the tuning takes as long whatever the number of texts."""


def variations_of(family: str, *, counts_rare: bool, has_few_texts: bool = False) -> tuple[Variation, ...]:
    """List the changes of a family that are worth a try.

    Args:
        family: Its name.
        counts_rare: Whether rare labels count as much as frequent ones.
        has_few_texts: Whether each label has at most ``FEW_TEXTS_PER_LABEL`` training texts.
    """
    of_few = FOR_FEW_TEXTS.get(family, ()) if has_few_texts else ()
    own = (*of_few, *VARIATIONS.get(family, ()))
    return (*FOR_RARE_LABELS, *own) if counts_rare else own
