"""How a model is trained; each setting is defined here and nowhere else. Imports no torch, so that help is fast."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import Field

from textwright.config import Settings

FEW_TEXTS_PER_LABEL: Final = 64
"""Training texts of each label up to which contrastive tuning of an encoder is meant to pay."""


class Precision(StrEnum):
    """Number format of the forward pass in training; weights and the artifact are always fp32."""

    AUTO = "auto"
    FP32 = "fp32"
    BF16 = "bf16"


class Device(StrEnum):
    """Where training runs."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"


class ClassWeight(StrEnum):
    """How much each label counts in the loss."""

    NONE = "none"
    BALANCED = "balanced"


class Maximize(StrEnum):
    """What thresholds are chosen for."""

    NONE = "none"
    F1 = "f1"


class TrainSettings(Settings):
    """How to train; a family may put other defaults beneath these."""

    family: str = "linear"
    """Model family; textwright families lists them."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    """Seed of the first weights, the order of the batches and dropout; the same seed gives the same model."""
    num_epochs: Annotated[int, Field(ge=1)] = 10
    """Maximum number of epochs; early stopping may end sooner. With min_steps an epoch is several passes."""
    min_steps: Annotated[int, Field(ge=0)] = 0
    """Steps of num_epochs epochs at least: on a small file an epoch makes as many passes as that takes; 0 makes one."""
    batch_size: Annotated[int, Field(ge=1)] = 32
    """Examples per step, over all processes together."""
    gradient_accumulation: Annotated[int, Field(ge=1)] = 1
    """Parts that a step's examples are cut into, one after the other, when all at once do not fit into memory.

    What is learned stays the same but for rounding and dropout."""
    learning_rate: Annotated[float, Field(gt=0, le=10)] = 1e-3
    """Highest step size of AdamW, reached after the warm-up."""
    warmup_fraction: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Share of all steps over which the learning rate rises from 0; it then falls in a line back to 0."""
    weight_decay: Annotated[float, Field(ge=0, lt=1)] = 0.01
    """Share of each weight that AdamW takes off per step, times the learning rate; biases and norms are spared."""
    adam_epsilon: Literal["auto"] | Annotated[float, Field(gt=0, le=1)] = 1e-8
    """Added to what AdamW divides a gradient by; more makes small steps where gradients are small, as of rare words.

    auto, for bags of words: 1e-8, or 0.001 with ten times the learning rate, as cross-validation chooses; 1e-8 with
    another learning rate than the family's."""
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the target's probability that is spread over all labels; 0 trains on the labels as they are."""
    r_drop: Annotated[float, Field(ge=0, le=100)] = 0.0
    """Weight of what keeps two passes with other dropout alike (R-Drop); 0 makes one pass, all else costs two."""
    focal_gamma: Annotated[float, Field(ge=0, le=10)] = 0.0
    """Focusing parameter of the focal loss: more makes texts count less that are right already; 0 is cross-entropy.

    For families that are trained by gradient steps: all but linear."""
    class_weight: ClassWeight = ClassWeight.NONE
    """balanced counts rare labels more, as often as they are rarer; recall rises, and probabilities are no shares."""
    max_grad_norm: Annotated[float, Field(gt=0)] = 1.0
    """Longest gradient of a step, as an L2 norm over all weights; longer ones are scaled down."""
    patience: Annotated[int, Field(ge=1)] = 3
    """Epochs without a higher accuracy or a lower loss on validation after which training stops.

    The weights of the most accurate epoch are kept."""
    max_length: Annotated[int, Field(ge=1, le=100_000)] = 256
    """Longest text in tokens; the rest is cut off, in training and in prediction."""
    maximize: Maximize = Maximize.NONE
    """f1: predict a label from the probability on that gives the highest F1 on the validation split.

    Of two labels the positive label has a threshold, of a multi-label task each label that five
    validation texts have."""
    precision_at_least: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Predict a label from the lowest probability on that gives this precision on the validation split; 0 for none."""
    positive_label: str = ""
    """Of two labels, the one that has the threshold; empty takes the rarer one."""
    max_error_rate: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Abstain where the model is not sure, so that at most this share of its answers is wrong; 0 answers every text.

    The confidence from which on it answers is chosen on the validation split, by a bound that holds with a
    confidence of 95 %."""
    ood_rate: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    """Abstain on texts less like the training texts than all but this share of the validation texts; 0 answers all.

    Such texts are out of distribution (OOD). Their words decide, however sure the model is of its label."""
    costs: str = ""
    """Predict the label of the lowest expected cost: file of a cost matrix (.csv .toml .json), rows true labels."""
    adapt_to: str = ""
    """Texts that the encoder is adapted to by masked-language training before: a file, or any source; empty for none.

    For families with an encoder. Labels are not looked at; validation and test texts are left out."""
    adapt_sentences: bool = False
    """Cut the texts of adapt_to into sentences: for a model of sentences, where they are longer."""
    adapt_max_texts: Annotated[int, Field(ge=0)] = 0
    """Maximum number of texts, or sentences, of adapt_to, always the same ones; 0 for all."""
    adapt_epochs: Annotated[int, Field(ge=1, le=1_000)] = 1
    """Passes of the encoder over the texts of adapt_to."""
    adapt_learning_rate: Annotated[float, Field(gt=0, le=1)] = 3e-4
    """Highest step size of the adaptation, which learns from 64 texts a step."""
    precision: Precision = Precision.AUTO
    """bf16 is faster where the hardware has it and the family multiplies large matrices; auto knows where."""
    device: Device = Device.AUTO
    """auto takes a GPU when there is one."""
    checkpoint_every_s: Annotated[float, Field(ge=0)] = 30.0
    """Seconds of training that a kill may cost, at most; 0 writes a checkpoint after every step."""

    def num_passes(self, num_examples: int) -> int:
        """Count the passes over the training split that an epoch takes, so that training has ``min_steps``.

        Args:
            num_examples: Size of the training split, >= 1.

        Returns:
            1 or more; 1 where ``num_epochs`` passes are steps enough.
        """
        steps_of_pass = math.ceil(num_examples / self.batch_size)
        return max(math.ceil(self.min_steps / (steps_of_pass * self.num_epochs)), 1)
