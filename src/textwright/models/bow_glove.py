"""Bag of words over pretrained vectors.

The picture: as the bag of words, but a word's vector was learned from billions of words before, so that words of like
meaning start alike, and a word that training never saw still says something. The vectors stay frozen, are fine-tuned,
or are fine-tuned once the head has found its place. Pairs of neighboring words may have vectors of their own, which
start from zeros. With hidden layers it is the deep averaging network.

::

    input_ids (B, T) -> word vectors (B, T, E) --pool over tokens--> (B, E) -> [dense + ReLU] x n -> dense -> (B, K)

Source:
    Iyyer et al., 2015, "Deep Unordered Composition Rivals Syntactic Methods for Text Classification" (hidden layers
    and word dropout); Pennington et al., 2014, "GloVe: Global Vectors for Word Representation".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field
from torch import nn

from textwright.core.tokenizer import PAD_ID, TextTokenizer
from textwright.models.bag_of_words import DEFAULTS, BagOfWords, BagSettings, dense_head
from textwright.models.family import BuildContext, Casing, Family, start_from_shares
from textwright.models.word_vectors import Coverage, VectorSettings, load_table
from textwright.models.word_vectors import build_tokenizer as make_vector_tokenizer


class VectorTraining(StrEnum):
    """What training does to the pretrained vectors."""

    FROZEN = "frozen"
    FINE_TUNED = "fine-tuned"
    THAWED = "thawed"


class BowGloveConfig(BagSettings, VectorSettings):
    """Settings of the bag of pretrained word vectors."""

    vector_training: VectorTraining = VectorTraining.FINE_TUNED
    """frozen leaves the vectors as they are; fine-tuned trains them; thawed does so after num_frozen_epochs."""
    num_frozen_epochs: Annotated[int, Field(ge=0)] = 3
    """Epochs for which thawed vectors stay frozen, so that an untrained head does not pull them about."""
    hidden_dim: Annotated[int, Field(ge=1, le=4096)] = 100
    """Width H of the hidden layers."""
    num_hidden_layers: Annotated[int, Field(ge=0, le=10)] = 0
    """ReLU layers between the pooled vectors and the logits; 0 keeps the head linear, the fastest to serve."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.3
    """Share of the components before each dense layer that is zeroed in training, in [0, 1)."""
    word_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.3
    """Share of the words that is left out in training, in [0, 1)."""


class BagOfVectors(BagOfWords):
    """A bag of words whose vectors are not random at the start and have a schedule of their own.

    Args:
        words: Pretrained word vectors, (V, E).
        bigrams: Pair vectors, (buckets, E), which are not pretrained; None looks at single words only.
        head: Turns pooled vectors, (B, E), into logits, (B, K).
        config: Word dropout, and how vectors are pooled.
        num_frozen_epochs: Epochs for which the vectors stay as they are.
        coverage: How much of the training split has a vector.
        cased: Whether its tokenizer keeps the case of words.
    """

    def __init__(
        self,
        words: nn.Embedding,
        bigrams: nn.Embedding | None,
        head: nn.Module,
        config: BowGloveConfig,
        num_frozen_epochs: int,
        coverage: Coverage,
        *,
        cased: bool,
    ) -> None:
        super().__init__(words, bigrams, head, config.word_dropout, config.pooling, cased=cased)
        self._num_frozen_epochs = num_frozen_epochs
        self._coverage = coverage

    def learning_rate_factor(self, name: str, epoch: int) -> float:
        """Hold the word vectors still for the first epochs."""
        return 0.0 if name == "words.weight" and epoch < self._num_frozen_epochs else 1.0

    @property
    def metadata(self) -> Mapping[str, float | str]:
        """How much of the training split has a vector, and what was decided of words and pairs."""
        return {**super().metadata, **self._coverage.metadata}


def build_tokenizer(texts: Sequence[str], config: BowGloveConfig, max_length: int) -> TextTokenizer:
    """Make a word-level tokenizer from the training texts and the words that have a vector."""
    return make_vector_tokenizer(texts, config, max_length, cased=config.casing is Casing.CASED)


def build(config: BowGloveConfig, context: BuildContext) -> BagOfVectors:
    """Make a bag of words that starts from pretrained vectors.

    Args:
        config: Its settings.
        context: The tokenizer, the labels, and the training split that coverage is measured on.

    Returns:
        An untrained head over the vectors.
    """
    table, coverage = load_table(config, context)
    is_frozen = config.vector_training is VectorTraining.FROZEN
    words = nn.Embedding(len(table), table.shape[1], padding_idx=PAD_ID, _weight=table)
    words.weight.requires_grad_(not is_frozen)
    num_buckets = config.num_buckets(context)
    bigrams = nn.Embedding(num_buckets, table.shape[1]) if num_buckets else None
    if bigrams is not None:
        nn.init.zeros_(bigrams.weight)
    hidden_dims = [config.hidden_dim] * config.num_hidden_layers
    head = dense_head([table.shape[1], *hidden_dims, len(context.labels)], config.dropout)
    num_frozen_epochs = config.num_frozen_epochs if config.vector_training is VectorTraining.THAWED else 0
    start_from_shares(head[-1], context)
    cased = context.tokenizer.is_cased
    return BagOfVectors(words, bigrams, head, config, num_frozen_epochs, coverage, cased=cased)


FAMILY: Final = Family(
    name="bow-glove",
    summary="bag of words over pretrained vectors, frozen, fine-tuned or thawed; optionally deep",
    paper="Iyyer et al., 2015; Pennington et al., 2014",
    config=BowGloveConfig,
    build_tokenizer=build_tokenizer,
    build=build,
    defaults=DEFAULTS,
    choose_settings=BowGloveConfig.choose,
)
