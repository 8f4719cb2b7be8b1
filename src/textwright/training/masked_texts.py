"""Texts whose tokens are masked anew in every step: what the loop adapts an encoder on.

Source:
    Devlin et al., 2019, "BERT", section 3.1 and appendix A.1 (15 % of the tokens; of these 80 % become the mask, 10 %
    another token, 10 % stay).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from textwright.core.encodings import Encodings, pad
from textwright.core.types import Ints
from textwright.training.batches import Batch

MASKED_SHARE: Final = 0.15
_REPLACED: Final = 0.8
_RANDOM: Final = 0.9


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
