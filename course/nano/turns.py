"""What MiniLM says of the turns of a conversation, read once and kept in the cache folder.

::

    turns -> MiniLM -> a vector for each token -> ~/.cache/textwright/course-models/turns-1f0c....npz -> the chat bots

A turn is a reply, then a prompt, then history: in whole conversations it is read once for all three.

Source: MiniLM: Wang et al., 2020, https://arxiv.org/abs/2002.10957, trained for sentences as in Reimers & Gurevych,
2019, https://arxiv.org/abs/1908.10084.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from functools import cache
from itertools import accumulate
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from nano import bert
from nano.bert import BERT, WordPiece
from nano.dialogue import Pair
from nano.pretrained import fast_type, models_dir
from nano.text import pad

MAX_TOKENS = 64
"""Pieces of a turn that are read; a turn of 60 words has about 75."""


class Turns:
    """What MiniLM says of turns: a vector for each token, and their mean.

    Args:
        texts: The turns, each once.
        lengths: Tokens of each, (N,).
        states: Of all tokens, one turn after the other, (sum of lengths, E).
    """

    def __init__(self, texts: Sequence[str], lengths: np.ndarray, states: np.ndarray) -> None:
        ends = list(accumulate(lengths.tolist()))
        self.place = {text: number for number, text in enumerate(texts)}
        self.states, self.starts, self.ends = states, [0, *ends[:-1]], ends
        totals = np.add.reduceat(states, self.starts, axis=0, dtype=np.float32)  # (N, E)
        self.means = torch.from_numpy(totals / lengths[:, None].astype(np.float32))  # (N, E)

    def vectors(self, texts: Sequence[str]) -> Tensor:
        """Return the mean vector of each turn, (B, E)."""
        return self.means[[self.place[text] for text in texts]]

    def tokens(self, text: str) -> Tensor:
        """Return the vectors of a turn's tokens, (T, E)."""
        number = self.place[text]
        return torch.from_numpy(self.states[self.starts[number] : self.ends[number]].astype(np.float32))

    def contexts(self, pairs: Sequence[Pair], num_turns: int) -> Tensor:
        """Return vectors of the prompt, the turn before it and so on, (B, P, E); zeros where nothing was said."""
        result = torch.zeros(len(pairs), num_turns, self.means.shape[1])  # (B, P, E)
        for row, pair in zip(result, pairs, strict=True):
            texts = latest(pair, num_turns)
            row[: len(texts)] = self.vectors(texts)
        return result

    def context_tokens(self, pairs: Sequence[Pair], num_turns: int) -> tuple[Tensor, Tensor]:
        """Return vectors of the tokens, (B, T, E), and which turn each is of, (B, T): 0 the prompt; -1 is padding."""
        rows = [[self.tokens(text) for text in latest(pair, num_turns)] for pair in pairs]
        places = [[turn for turn, each in enumerate(row) for _ in each] for row in rows]
        return nn.utils.rnn.pad_sequence([torch.cat(row) for row in rows], batch_first=True), pad(places, -1)


def latest(pair: Pair, num_turns: int) -> list[str]:
    """List the prompt, the turn before it and so on: at most ``num_turns``."""
    return [pair.prompt, *reversed(pair.history)][:num_turns]


def read_turns(texts: Sequence[str], *, keep: bool = True) -> Turns:
    """Let MiniLM read turns, or take what it said of them from the cache.

    Args:
        texts: The turns; 100 to 200 a second and core.
        keep: False reads them anew and keeps nothing.
    """
    known = sorted({*texts})
    key = hashlib.sha256(json.dumps([MAX_TOKENS, *known]).encode()).hexdigest()[:12]
    path = models_dir() / f"turns-{key}.npz"
    if keep and path.exists():
        with np.load(path) as stored:
            return Turns(known, stored["lengths"], stored["states"])
    lengths, states = _states(known)
    if keep:
        _store(path, lengths, states)
    return Turns(known, lengths, states)


@torch.no_grad()
def _states(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Read texts of like length together; return tokens of each (N,) and their states (sum, E) in 16 bits."""
    model, pieces = minilm()
    rows = [cut(pieces.encode(text), MAX_TOKENS) for text in texts]
    result: list[np.ndarray] = [np.empty(0)] * len(rows)
    is_fast = len(rows) > 64 and fast_type() == torch.bfloat16
    by_length = sorted(range(len(rows)), key=lambda number: len(rows[number]))
    for start in range(0, len(rows), 64):
        batch = by_length[start : start + 64]
        ids, mask = pad([rows[each] for each in batch]), pad([[1] * len(rows[each]) for each in batch])
        with torch.autocast("cpu", torch.bfloat16, enabled=is_fast):
            states = model(ids, mask)[0][-1].float()  # (B, T, E)
        for each, row in zip(batch, states, strict=True):
            result[each] = row[: len(rows[each])].numpy().astype(np.float16)
    return np.array([len(row) for row in rows]), np.concatenate(result)


@cache
def minilm() -> tuple[BERT, WordPiece]:
    """Load MiniLM and its word pieces, once."""
    import textwright

    return bert.load(textwright.asset_path("minilm-l6"))


def cut(ids: Sequence[int], num_tokens: int) -> list[int]:
    """Shorten a row of ids; its last one, [SEP], stays."""
    return [*ids] if len(ids) <= num_tokens else [*ids[: num_tokens - 1], ids[-1]]


def _store(path: Path, lengths: np.ndarray, states: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.npz")
    np.savez(part, lengths=lengths, states=states)
    part.replace(path)
