"""An encoder that guesses masked tokens: what it goes on learning from texts without labels.

::

    input_ids (B, T), some masked -> backbone (B, T, H) --masked tokens alone--> (M, H) -> dense, GELU, norm (M, E)
        -> word embeddings -> logits (M, V)

The last step multiplies by the backbone's own word embeddings, so that a head of few weights has to be learned anew:
encoders for sentences come without one. Called by ``training.adaptation``.

Source:
    Devlin et al., 2019, "BERT", section 3.1; Press & Wolf, 2017, "Using the Output Embedding to Improve Language
    Models".
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from textwright.core.types import Ints

_STD = 0.02
"""Spread of a dense layer's first weights, as in BERT."""


class MaskedLanguageModel(nn.Module):
    """A backbone and the head that guesses tokens.

    Args:
        backbone: A module of ``transformers`` that gives hidden states, (B, T, H).
        token_counts: How often each token id occurs in the texts, (V,): the head begins with guessing the frequent
            ones.
    """

    def __init__(self, backbone: nn.Module, token_counts: Ints) -> None:
        super().__init__()
        self.backbone = backbone
        embedding_dim = self._word_embeddings.shape[1]
        self.dense = nn.Linear(int(backbone.config.hidden_size), embedding_dim)  # type: ignore[union-attr, arg-type]
        self.norm = nn.LayerNorm(embedding_dim)
        counts = torch.from_numpy(token_counts).double()
        self.bias = nn.Parameter(((counts + 0.5) / (counts.sum() + 1)).log().float())
        nn.init.normal_(self.dense.weight, std=_STD)
        nn.init.zeros_(self.dense.bias)

    @property
    def _word_embeddings(self) -> Tensor:
        weight: Tensor = self.backbone.get_input_embeddings().weight  # type: ignore[operator]
        return weight

    def forward(self, input_ids: Tensor, attention_mask: Tensor, positions: Tensor) -> Tensor:
        """Guess the tokens at some positions.

        Args:
            input_ids: Token ids, (B, T) int64.
            attention_mask: 1 on tokens, 0 on padding, (B, T) int64.
            positions: Row * T + column of each token that is guessed, (M,) int64.

        Returns:
            Logits over the vocabulary, (M, V).
        """
        hidden = self.backbone(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state  # (B, T, H)
        masked = hidden.flatten(0, 1)[positions]  # (M, H)
        guessed = self.norm(functional.gelu(self.dense(masked)))  # (M, E)
        return functional.linear(guessed, self._word_embeddings, self.bias)  # (M, V)
