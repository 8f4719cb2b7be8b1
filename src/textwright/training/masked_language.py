"""Texts whose tokens are masked anew in every step, and the model that guesses them: what an encoder is adapted by.

::

    input_ids (B, T), some masked -> backbone (B, T, H) --masked tokens alone--> (M, H) -> dense, GELU, norm (M, E)
        -> word embeddings -> logits (M, V)

The last step multiplies by the backbone's own word embeddings, so that a head of few weights has to be learned anew:
encoders for sentences come without one. Called by ``training.adaptation``.

Source:
    Devlin et al., 2019, "BERT", section 3.1 and appendix A.1 (15 % of the tokens; of these 80 % become the mask, 10 %
    another token, 10 % stay); Press & Wolf, 2017, "Using the Output Embedding to Improve Language Models".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from textwright.core.encodings import Encodings, pad
from textwright.core.types import Ints
from textwright.training.batches import Batch

MASKED_SHARE: Final = 0.15
_REPLACED: Final = 0.8
_RANDOM: Final = 0.9
_STD: Final = 0.02
"""Spread of a dense layer's first weights, as in BERT."""


@dataclass(frozen=True, slots=True)
class MaskedTexts:
    """N texts as token ids, each with a token or more that can be guessed.

    Args:
        encodings: The texts.
        token_counts: How often each id that can be guessed occurs, (V,); 0 for special ones and those of no text.
        pad_id: Pads batches.
        mask_id: Stands where a token is to be guessed.
    """

    encodings: Encodings
    token_counts: Ints
    pad_id: int
    mask_id: int

    def __len__(self) -> int:
        return len(self.encodings)

    @property
    def lengths(self) -> Ints:
        """Tokens of each text, (N,)."""
        return self.encodings.lengths

    @property
    def targets(self) -> Ints:
        """None that a text has before it is masked, (N,)."""
        return np.zeros(len(self), dtype=np.int64)

    def batch(self, positions: Ints, generator: torch.Generator | None = None) -> Batch:
        """Mask some texts.

        Args:
            positions: B positions in [0, N).
            generator: Of what is drawn; None is torch's own, which the loop seeds in each step.

        Returns:
            Ids, mask and the M places to guess as inputs; the tokens that stood there as targets, (M,).
        """
        ids, attention = map(torch.from_numpy, pad(self.encodings.take(positions), self.pad_id))  # (B, T)
        is_word = torch.from_numpy(self.token_counts > 0)  # (V,)
        words = is_word.nonzero().squeeze(1)  # (W,)
        places = _choose(is_word[ids] & (attention == 1), generator)  # (M,)
        targets = ids.flatten()[places]
        kind = torch.rand(len(places), generator=generator)
        others = words[torch.randint(len(words), (len(places),), generator=generator)]
        shown = torch.where(kind < _REPLACED, self.mask_id, torch.where(kind < _RANDOM, others, targets))
        masked = ids.flatten().index_copy(0, places, shown).view_as(ids)
        return Batch((masked, attention, places), targets)


def _choose(can_be_masked: Tensor, generator: torch.Generator | None) -> Tensor:
    """Choose 15 % of the tokens of each text, at least one: their places in the batch laid flat, (M,)."""
    scores = torch.rand(can_be_masked.shape, generator=generator).masked_fill(~can_be_masked, 2.0)  # (B, T)
    wanted = (can_be_masked.sum(dim=1) * MASKED_SHARE).round().clamp(min=1)  # (B,)
    rank = scores.argsort(dim=1).argsort(dim=1)
    chosen = (rank < wanted.unsqueeze(1)) & can_be_masked
    return chosen.flatten().nonzero().squeeze(1)


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
