"""Static sentence vectors distilled from a BERT-type encoder, with a dense network on top: thousands of texts a second.

The picture: a transformer is asked once what each token of its vocabulary means by itself. From then on a text is the
mean of its tokens' vectors, frequent tokens counting less, whatever their order; the transformer itself is not needed
any more, neither to train nor to serve. The vectors never change; a small network learns to read them.

::

    input_ids (B, T) -> token vectors (B, T, E) --mean over tokens--> (B, E) -> normalized -> dropout -> dense, GELU
        -> dropout -> dense -> logits (B, K)

Source:
    Tulkens & van Dongen, 2024, "Model2Vec: Fast State-of-the-Art Static Embeddings".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

import torch
from pydantic import Field
from torch import Tensor, nn

from textwright.config import Settings
from textwright.core.tokenizer import TextTokenizer
from textwright.models.family import BuildContext, Family, Stages, TextModel
from textwright.models.normalized_head import Head, make_dense
from textwright.models.pretrained import open_pretrained
from textwright.models.token_vectors import distill_token_vectors


class StaticBertConfig(Settings):
    """Settings of the static vectors and the network on top."""

    encoder: str = "minilm-l6"
    """The encoder that the vectors are distilled from: a built-in asset, a folder, or an id of the Hugging Face hub."""
    embedding_dim: Annotated[int, Field(ge=1, le=4096)] = 256
    """Components of a vector that PCA keeps; all of them where the encoder's vectors have fewer."""
    sif_coefficient: Annotated[float, Field(gt=0, lt=1)] = 1e-4
    """How much frequent tokens count: the less, the less; near 1 all count alike."""
    hidden_dim: Annotated[int, Field(ge=0, le=4096)] = 128
    """Width of the layer between vectors and logits; 0 makes the head linear."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5
    """Share of the vectors' and of the hidden layer's components that is zeroed in training, in [0, 1)."""


class StaticEncoder(nn.Module):
    """The mean of token vectors that never change.

    Args:
        tokens: Token vectors, (V, E), weighted.
    """

    def __init__(self, tokens: Tensor) -> None:
        super().__init__()
        self.tokens = nn.Embedding(len(tokens), tokens.shape[1], _weight=tokens, _freeze=True)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Turn each text into its vector; a text without tokens is zeros."""
        mask = attention_mask.to(self.tokens.weight.dtype)  # (B, T)
        total = torch.bmm(mask.unsqueeze(1), self.tokens(input_ids)).squeeze(1)  # (B, E)
        return total / mask.sum(dim=1, keepdim=True).clamp(min=1)  # (B, E)


class StaticBert(TextModel):
    """Token vectors that do not learn, and a head that does.

    Args:
        encoder: Turns token ids into vectors, (B, E).
        head: Turns vectors into logits, (B, K).
    """

    def __init__(self, encoder: StaticEncoder, head: Head) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Encode the texts, and score the labels."""
        vectors = self.encoder(input_ids, attention_mask)  # (B, E)
        logits: Tensor = self.head(vectors)  # (B, K)
        return logits

    @property
    def stages(self) -> Stages:
        """The mean of token vectors, which is as fast to compute as to keep, and the head, which is trained on it."""
        feature_dim = self.encoder.tokens.embedding_dim
        return Stages(self.encoder, self.head, feature_dim, "mean of static vectors", keeps_features=False)

    @property
    def word_vectors(self) -> Tensor:
        """The static vectors of the token ids, (V, E)."""
        weight: Tensor = self.encoder.tokens.weight
        return weight


def build_tokenizer(texts: Sequence[str], config: StaticBertConfig, max_length: int) -> TextTokenizer:  # noqa: ARG001
    """Take the encoder's tokenizer without what it puts around a text; the training texts do not change it."""
    return open_pretrained(config.encoder).load_tokenizer(max_length, adds_special=False)


def build(config: StaticBertConfig, context: BuildContext) -> StaticBert:
    """Distill the token vectors, unless they are in the cache, and put a new head on them.

    Args:
        config: Its settings.
        context: The labels.

    Returns:
        A model whose head knows nothing yet.

    Raises:
        NotFoundError: If there is no such encoder.
        SettingsError: If the encoder cannot be used.
    """
    vectors = distill_token_vectors(
        open_pretrained(config.encoder, context.adapted),
        embedding_dim=config.embedding_dim,
        sif_coefficient=config.sif_coefficient,
        callback=context.callback,
    )
    widths = vectors.shape[1], len(context.labels)
    dense = make_dense(*widths, hidden_dim=config.hidden_dim, dropout=config.dropout)
    return StaticBert(StaticEncoder(torch.from_numpy(vectors)), Head(vectors.shape[1], dense))


FAMILY: Final = Family(
    name="static-bert",
    summary="mean of static token vectors distilled from a BERT-type encoder, with a dense network on top",
    paper="Tulkens & van Dongen, 2024",
    config=StaticBertConfig,
    build_tokenizer=build_tokenizer,
    build=build,
    defaults={"learning_rate": 3e-3, "num_epochs": 40, "batch_size": 64, "max_length": 512},
)
