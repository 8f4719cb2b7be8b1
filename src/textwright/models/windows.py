"""Long texts in windows: an encoder reads a row of tokens piece by piece, and the vectors of the pieces are pooled.

::

    input_ids (B, T) -> windows (M, L) -> encoder -> vectors (M, D) -> mean or maximum of each text's -> vectors (B, D)

Where a text is cut, its own length decides and nothing else: N tokens between the special ones make ceil(N / room)
windows of like length, each with the special tokens of the text around it. A text that fits is one window, the row
itself. Nothing is computed for windows that a text does not have. :mod:`textwright.export.windows` writes the same into
a graph.

Source:
    Sun et al., 2019, "How to Fine-Tune BERT for Text Classification?", section 5.3.1 (hierarchical methods: the mean
    and the maximum of the vectors of the pieces).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import torch
from torch import Tensor


class LongTexts(StrEnum):
    """What is read of a text that is longer than ``max_length``."""

    TRUNCATE = "truncate"
    HEAD_TAIL = "head-tail"
    WINDOWS = "windows"


class WindowPooling(StrEnum):
    """How the windows' vectors become the text's."""

    MEAN = "mean"
    MAX = "max"


class CutTexts(NamedTuple):
    """B texts as M windows, those of a text one after the other.

    Args:
        input_ids: (M, L).
        attention_mask: (M, L).
        has: Which windows each text has, (B, W), W of the longest text.
        places: Where each of them stands among the M, (B, W); 0 for those that a text does not have.
    """

    input_ids: Tensor
    attention_mask: Tensor
    has: Tensor
    places: Tensor


@dataclass(frozen=True, slots=True)
class Windows:
    """The rule by which a text is cut into windows.

    Args:
        length: Longest window in tokens, special tokens included.
        before: Special tokens before a text, which each window begins with.
        after: Special tokens behind it, which each window ends with.
        pooling: How the windows' vectors become the text's.
    """

    length: int
    before: int
    after: int
    pooling: WindowPooling

    @property
    def num_special(self) -> int:
        """Special tokens of a window."""
        return self.before + self.after

    @property
    def room(self) -> int:
        """Tokens of the text in a window, at most."""
        return self.length - self.num_special

    def cut(self, input_ids: Tensor, attention_mask: Tensor) -> CutTexts:
        """Cut texts into windows.

        Args:
            input_ids: (B, T).
            attention_mask: 1 on tokens, 0 on the padding behind them, (B, T).
        """
        lengths = attention_mask.sum(dim=1)  # (B,)
        bodies = (lengths - self.num_special).clamp(min=0)  # (B,), tokens between the special ones
        counts = ((bodies + self.room - 1) // self.room).clamp(min=1)  # (B,)
        widths = (bodies + counts - 1) // counts  # (B,), <= room
        has = torch.arange(int(counts.max()), device=counts.device) < counts[:, None]  # (B, W)
        text, number = has.nonzero(as_tuple=True)  # (M,), (M,)
        starts = number * widths[text]  # (M,), never behind the text's last token
        bodies_of = torch.minimum(bodies[text] - starts, widths[text])  # (M,)
        sizes = torch.minimum(bodies_of + self.num_special, lengths[text])  # (M,)
        place = torch.arange(max(int(sizes.max()), 1), device=counts.device)[None]  # (1, L)
        inside = torch.where(place < self.before, place, place + starts[:, None])  # (M, L)
        is_end = place >= (sizes - self.after)[:, None]  # (M, L): the special tokens behind the text
        source = torch.where(is_end, place + (lengths[text] - sizes)[:, None], inside)  # (M, L)
        rows = text[:, None] * input_ids.shape[1] + source.clamp(0, input_ids.shape[1] - 1)  # (M, L)
        places = (has.flatten().cumsum(0) - 1).reshape(has.shape)  # (B, W)
        is_token = (place < sizes[:, None]).to(attention_mask.dtype)  # (M, L)
        return CutTexts(input_ids.flatten()[rows], is_token, has, places)

    def pool(self, vectors: Tensor, cut: CutTexts) -> Tensor:
        """Turn the windows' vectors, (M, D), into the texts', (B, D)."""
        by_text = vectors[cut.places]  # (B, W, D)
        if self.pooling is WindowPooling.MAX:
            lowest = torch.finfo(vectors.dtype).min
            return by_text.masked_fill(~cut.has[..., None], lowest).amax(dim=1)  # (B, D)
        weights = cut.has[..., None].to(vectors.dtype)  # (B, W, 1)
        return (by_text * weights).sum(dim=1) / weights.sum(dim=1)  # (B, D)
