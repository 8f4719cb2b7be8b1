"""A frozen BERT-type encoder with a dense network on top: the cheapest way to use what a large model knows.

The picture: the encoder turns a text into one vector per layer, the mean of its tokens' (or the first token's). The
upper layers know what the text is about, the middle ones how it is said; sentiment is in between, so all of them lie
side by side. The encoder never changes, hence its vectors are computed once; only a small network learns to read them.
With few labels the encoder may be tuned first: texts of one label are moved together and others apart.

::

    input_ids (B, T) -> frozen encoder -> vectors of L layers (B, L * H) -> each normalized -> dropout -> dense, GELU
        -> dropout -> dense -> logits (B, K)

Source:
    Reimers & Gurevych, 2019, "Sentence-BERT", section 5 (a classifier on frozen vectors); Tenney et al., 2019, "BERT
    Rediscovers the Classical NLP Pipeline" (what each layer knows); Tunstall et al., 2022, "Efficient Few-Shot Learning
    Without Prompts" (SetFit, the tuning).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import Field
from torch import Tensor

from textwright.core.tokenizer import TextTokenizer
from textwright.models.encoder import EncoderSettings, SentenceEncoder, load_sentence_encoder
from textwright.models.family import BuildContext, ContrastiveTuning, Family, Stages, TextModel
from textwright.models.normalized_head import Head, make_dense
from textwright.models.pretrained import open_pretrained
from textwright.models.windows import Windows


class FrozenBertConfig(EncoderSettings):
    """Settings of the frozen encoder and the network on top."""

    num_layers: Annotated[int, Field(ge=0)] = 0
    """Top layers whose vectors lie side by side; 1 reads the last alone, 0 reads all and the word embeddings."""
    hidden_dim: Annotated[int, Field(ge=0, le=4096)] = 128
    """Width of the layer between vectors and logits; 0 makes the head linear."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5
    """Share of the vectors' and of the hidden layer's components that is zeroed in training, in [0, 1)."""
    contrastive_tuning: bool = False
    """Tune the encoder on pairs of training texts before it is frozen (SetFit), for 8 to 64 texts of each label."""
    contrastive_steps: Annotated[int, Field(ge=1, le=10_000)] = 40
    """Batches of 16 texts, all pairs of which contrastive tuning learns from."""
    contrastive_learning_rate: Annotated[float, Field(gt=0, le=0.1)] = 1e-4
    """Highest step size of contrastive tuning."""


class FrozenBert(TextModel):
    """An encoder that does not learn, and a head that does.

    Args:
        encoder: Turns token ids into vectors, (B, L * H).
        head: Turns vectors into logits, (B, K).
        tuning: How the encoder is tuned before it is frozen; None leaves it as it is.
    """

    def __init__(self, encoder: SentenceEncoder, head: Head, tuning: ContrastiveTuning | None = None) -> None:
        super().__init__()
        self.encoder = encoder.requires_grad_(requires_grad=False)
        self.head = head
        self.tuning = tuning

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Encode the texts, and score the labels: encoder and head as one graph."""
        vectors = self.encoder(input_ids, attention_mask)  # (B, L * H)
        logits: Tensor = self.head(vectors)  # (B, K)
        return logits

    @property
    def stages(self) -> Stages:
        """The encoder, whose vectors are computed once, and the head, which is trained on them."""
        encoder = self.encoder
        feature_dim = encoder.num_layers * encoder.hidden_dim
        keeps_features = self.tuning is None  # a tuned encoder is of one run alone
        return Stages(encoder, self.head, feature_dim, encoder.description, keeps_features, self.tuning)

    @property
    def windows(self) -> Windows | None:
        """How the encoder cuts long texts; None if it reads each at once."""
        return self.encoder.windows

    @property
    def word_vectors(self) -> Tensor:
        """The encoder's embeddings of the token ids, (V, H)."""
        return self.encoder.word_vectors


def build_tokenizer(texts: Sequence[str], config: FrozenBertConfig, max_length: int) -> TextTokenizer:  # noqa: ARG001
    """Take the tokenizer that the encoder was trained with; the training texts do not change it."""
    return config.load_tokenizer(max_length)


def build(config: FrozenBertConfig, context: BuildContext) -> FrozenBert:
    """Load the encoder and put a new head on it.

    Args:
        config: Its settings.
        context: The tokenizer and the labels.

    Returns:
        A model whose head knows nothing yet.

    Raises:
        NotFoundError: If there is no such encoder.
        SettingsError: If the encoder does not fit the settings.
    """
    pretrained = open_pretrained(config.encoder, context.adapted)
    encoder = load_sentence_encoder(
        pretrained,
        pooling=config.pooling,
        max_length=context.tokenizer.max_length,
        num_layers=config.num_layers or None,
        windows=config.windows(pretrained, context.tokenizer.max_length),
    )
    widths = encoder.num_layers * encoder.hidden_dim, len(context.labels)
    dense = make_dense(*widths, hidden_dim=config.hidden_dim, dropout=config.dropout)
    tuning = None
    if config.contrastive_tuning:
        frozen = frozenset(name for name, weight in encoder.named_parameters() if weight is encoder.word_vectors)
        rate = config.contrastive_learning_rate
        tuning = ContrastiveTuning(config.contrastive_steps, rate, encoder.hidden_dim, frozen)
    return FrozenBert(encoder, Head(encoder.hidden_dim, dense), tuning)


FAMILY: Final = Family(
    name="frozen-bert",
    summary="frozen BERT-type encoder with a dense network on top",
    paper="Reimers & Gurevych, 2019",
    config=FrozenBertConfig,
    build_tokenizer=build_tokenizer,
    build=build,
    defaults={"learning_rate": 3e-4, "num_epochs": 10, "batch_size": 64, "max_length": 128},
    supports_bf16=True,
)
