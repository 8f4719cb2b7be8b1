"""What a kind of model must bring: a tokenizer, a module of the one signature, settings; and nothing else.

Called by ``train`` (which trains any family with one loop) and by ``cli`` (which lists them). A family may not train,
read or write files, or export.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from textwright.config import Settings
from textwright.core.callbacks import Callback
from textwright.core.encodings import Encodings
from textwright.core.labels import Labels, Task
from textwright.core.tokenizer import TextTokenizer
from textwright.core.types import Bools, Ints
from textwright.data.dataset import Examples
from textwright.models.windows import Windows


class Casing(StrEnum):
    """Whether "Apple" and "apple" are one word."""

    AUTO = "auto"
    CASED = "cased"
    UNCASED = "uncased"


class TextModel(nn.Module, ABC):
    """Token ids to logits: the one signature that all families train, export and serve with."""

    @abstractmethod
    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Score the labels of each text.

        Args:
            input_ids: Token ids, (B, T) int64; B and T are 1 or more, a row may be all padding.
            attention_mask: 1 on tokens, 0 on padding, (B, T) int64; padding may not change the answer.

        Returns:
            Logits, (B, K) float32, finite for every text.
        """

    @property
    def metadata(self) -> Mapping[str, float | str]:
        """What is worth knowing about how the model was made, name -> plain value; it goes into the manifest."""
        return {}

    @property
    @abstractmethod
    def word_vectors(self) -> Tensor:
        """One vector per token id, (V, E), as the model has learned them; shown in TensorBoard's projector."""

    @property
    def stages(self) -> Stages | None:
        """The model as a frozen encoder and a head, if that is what it is; None trains it as a whole."""
        return None

    @property
    def windows(self) -> Windows | None:
        """How the model's ``encoder`` cuts long texts, whose vectors its ``head`` reads; None if it cuts none."""
        return None

    def learning_rate_factor(self, name: str, epoch: int) -> float:  # noqa: ARG002  the form for all families
        """Say which share of the learning rate a weight takes; here every weight takes all of it.

        A weight that is never trained is better built with ``requires_grad=False``: then nothing is computed for it.

        Args:
            name: Of the weight, as ``named_parameters`` gives it.
            epoch: Counted from 0.

        Returns:
            A factor, 0 or more; at 0 the weight stays exactly as it is during that epoch.
        """
        return 1.0

    def simplified(self) -> nn.Module:
        """Return a module of the same answers that costs less to run; it is what is exported.

        Returns:
            A module of the same signature whose logits differ by rounding only; by default this one.
        """
        return self


@dataclass(frozen=True, slots=True)
class ContrastiveTuning:
    """How an encoder is tuned on pairs of training texts before it is frozen; see ``training.contrastive``.

    Args:
        num_steps: Batches of texts whose pairs are learned from, >= 1.
        learning_rate: Highest step size of AdamW.
        vector_dim: Last features of a text that are compared: of several layers, those of the top one.
        frozen: Names of the encoder's weights that stay as they are: the embeddings of the token ids, which are most of
            the weights, and of which few texts use few.
    """

    num_steps: int
    learning_rate: float
    vector_dim: int
    frozen: frozenset[str]


@dataclass(frozen=True, slots=True)
class Stages:
    """A model in two stages: the first never changes, so what it gives is computed once for each text.

    Args:
        encoder: ``input_ids``, ``attention_mask`` -> features, (B, D) float32.
        head: Features, (B, D), -> logits, (B, K); this is what is trained.
        feature_dim: Length D of a text's features.
        description: What decides the features beside the tokens and the encoder's weights.
        keeps_features: Whether features are kept on disk for other runs; False where computing them is as fast, or no
            other run has the same encoder.
        tuning: How the encoder is tuned before it is frozen; None leaves it as it is.
    """

    encoder: nn.Module
    head: nn.Module
    feature_dim: int
    description: str
    keeps_features: bool = True
    tuning: ContrastiveTuning | None = None


@dataclass(frozen=True, slots=True)
class TrainingSplit:
    """The training split as token ids: what a family may count before training starts.

    Args:
        encodings: The texts, N of them.
        targets: Label indices, (N,), or which labels hold, (N, K).
    """

    encodings: Encodings
    targets: Ints | Bools

    @classmethod
    def empty(cls) -> TrainingSplit:
        """Return no texts at all: whatever is counted is 0."""
        return cls(Encodings.of([]), np.zeros(0, dtype=np.int64))

    def holds(self, num_labels: int) -> Bools:
        """Tell which labels hold for each text, whatever the task: (N, K)."""
        if self.targets.ndim == 1:
            return np.asarray(self.targets[:, None] == np.arange(num_labels))
        return self.targets.astype(np.bool_)


@dataclass(frozen=True, slots=True)
class BuildContext:
    """What a family may know about the task when it makes its module.

    Args:
        tokenizer: The tokenizer, made from the training split.
        labels: The label names in the order of the logits' columns, with the task.
        training: The training split, for families that start from its counts.
        callback: Is told how far work of minutes is, such as asking an encoder for every token's vector.
        adapted: Folder of the family's encoder after it was adapted to texts; None takes it as its makers left it.
    """

    tokenizer: TextTokenizer
    labels: Labels
    training: TrainingSplit = field(default_factory=TrainingSplit.empty)
    callback: Callback = field(default_factory=Callback)
    adapted: Path | None = None


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of model: a row of :data:`textwright.models.FAMILIES`.

    Args:
        name: What is typed after ``--family``.
        summary: What it is, in a few words.
        paper: Where it comes from.
        config: Its own settings, the ``[model]`` table of a recipe.
        build_tokenizer: Makes the tokenizer from the training texts, the config and ``max_length``.
        build: Makes the module, with random or pretrained weights, from the config and the context.
        defaults: Training settings that suit it, beneath what the user sets.
        supports_bf16: True if most of its time goes into matrix products large enough for bf16 to pay.
        why_not_pruned: Why tokens cannot be cut out of a trained model, and what makes it smaller; empty if they can.
        unit_of_length: What its tokens are, in the plural, unless a pretrained encoder brings its own.
        choose_settings: Decides settings that the tokenizer depends on by the training split, from the config, the
            examples, the labels and ``max_length``; None where there are none.
    """

    name: str
    summary: str
    paper: str
    config: type[Settings]
    build_tokenizer: Callable[[Sequence[str], Any, int], TextTokenizer]
    build: Callable[[Any, BuildContext], TextModel]
    defaults: Mapping[str, Any] = field(default_factory=dict)
    supports_bf16: bool = False
    why_not_pruned: str = ""
    unit_of_length: Literal["words", "characters"] = "words"
    choose_settings: Callable[[Any, Examples, Labels, int], Settings] | None = None


@torch.no_grad()
def start_from_shares(layer: nn.Module, context: BuildContext) -> None:
    """Start the biases of the last layer from the labels' shares, so that no step is spent on learning them.

    Args:
        layer: Has a ``bias``, (K,), which is replaced.
        context: Holds the training split; an empty one leaves the bias as it is.
    """
    targets = context.training.targets
    if not len(targets):
        return
    # Not by TrainingSplit.holds: (N, K) flags of a million texts and a thousand labels are 1 GB.
    counts = targets.sum(axis=0) if targets.ndim == 2 else np.bincount(targets, minlength=len(context.labels))
    shares = torch.from_numpy((counts + 0.5) / (len(targets) + 1))  # (K,), never 0 nor 1
    is_multi = context.labels.task is Task.MULTI_LABEL
    layer.bias.copy_(torch.logit(shares) if is_multi else shares.log())  # type: ignore[operator]
