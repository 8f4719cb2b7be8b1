"""Tacotron: phonemes in, a mel spectrogram out, and attention decides by itself which phoneme is being said.

::

    six hundred twelve -> S IH K S _ HH AH N D R AH D _ T W EH L V .
      -> embedding -> 3 convolutions -> LSTM in both directions: (B, S, E)
    last window -> pre-net -> LSTM, attention over (B, S, E), LSTM -> the next R windows, and: was this the end?

Sources: Shen et al., 2018 (Tacotron 2), https://arxiv.org/abs/1712.05884, for the network; Wang et al., 2017
(Tacotron), https://arxiv.org/abs/1703.10135, for R windows a step; Chorowski et al., 2015,
https://arxiv.org/abs/1506.07503, for attention that knows where it has been; Tachibana et al., 2017,
https://arxiv.org/abs/1710.08969, for its guide.
"""

from __future__ import annotations

import math
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from nano import speech
from nano.attention import spell
from nano.speech import BANDS

LEXICON = {
    "zero": "Z IH R OW", "one": "W AH N", "two": "T UW", "three": "TH R IY", "four": "F AO R", "five": "F AY V",
    "six": "S IH K S", "seven": "S EH V AH N", "eight": "EY T", "nine": "N AY N", "ten": "T EH N",
    "eleven": "IH L EH V AH N", "twelve": "T W EH L V", "thirteen": "TH ER T IY N", "fourteen": "F AO R T IY N",
    "fifteen": "F IH F T IY N", "sixteen": "S IH K S T IY N", "seventeen": "S EH V AH N T IY N",
    "eighteen": "EY T IY N", "nineteen": "N AY N T IY N", "twenty": "T W EH N T IY", "thirty": "TH ER D IY",
    "forty": "F AO R T IY", "fifty": "F IH F T IY", "sixty": "S IH K S T IY", "seventy": "S EH V AH N T IY",
    "eighty": "EY T IY", "ninety": "N AY N T IY", "hundred": "HH AH N D R AH D",
}  # fmt: skip
"""Word -> phonemes, as CMUdict writes them. These are the words that the teacher says."""
PAD, END, GAP = 0, 1, 2
"""Ids of padding, of the end of a phrase and of the gap between words."""
SYMBOLS = ["<pad>", ".", "_", *sorted({phoneme for phonemes in LEXICON.values() for phoneme in phonemes.split()})]


def number_phrase(number: int) -> str:
    """Write a number in words, without an "and": 612 is "six hundred twelve"."""
    return " ".join(word for word in spell(number) if word != "and")


def symbols(phrase: str) -> Tensor:
    """Turn a phrase into ids of phonemes, (S,).

    Raises:
        ValueError: If the phrase has no word, or one that is not in :data:`LEXICON`; names it.
    """
    words = phrase.split()
    if not words:
        raise ValueError("there is no word to say; write one of: " + ", ".join(LEXICON))
    if unknown := [word for word in words if word not in LEXICON]:
        raise ValueError(f"the voice has never heard {', '.join(map(repr, unknown))}; its words: {', '.join(LEXICON)}")
    names = " _ ".join(LEXICON[word] for word in words).split()
    return torch.tensor([*map(SYMBOLS.index, names), END])  # (S,)


class LocationAttention(nn.Module):
    """Additive attention that also sees where it looked: v' tanh(W s + V h + U f), f a convolution of its own weights.

    Args:
        query_dim: Of the decoder's state s.
        source_dim: Of the encoder's states h.
        hidden: H of the network.
        num_filters: F of the convolution.
        width: Symbols that a filter covers; odd.
    """

    def __init__(self, query_dim: int, source_dim: int, hidden: int, num_filters: int = 16, width: int = 15) -> None:
        super().__init__()
        self.from_query = nn.Linear(query_dim, hidden)  # W, b
        self.from_source = nn.Linear(source_dim, hidden, bias=False)  # V
        self.convolution = nn.Conv1d(2, num_filters, width, padding=width // 2, bias=False)
        self.from_location = nn.Linear(num_filters, hidden, bias=False)  # U
        self.score = nn.Linear(hidden, 1, bias=False)  # v

    def forward(self, query: Tensor, keys: Tensor, mask: Tensor, looked: Tensor) -> Tensor:
        """Weigh the source.

        Args:
            query: The decoder's state, (B, Q).
            keys: ``from_source`` of the encoder's states, (B, S, H): the same at each step.
            mask: True on symbols, False on padding, (B, S).
            looked: The weights of the step before, and the sum of those of all steps, (B, 2, S).

        Returns:
            Weights that sum to 1, (B, S).
        """
        location = self.convolution(looked).transpose(1, 2)  # (B, S, F): Chorowski's (8); the sum is Shen's
        both = self.from_query(query).unsqueeze(1) + keys + self.from_location(location)  # (B, S, H)
        scores = self.score(torch.tanh(both)).squeeze(2)  # (B, S): (9)
        return scores.masked_fill(~mask, -math.inf).softmax(dim=1)  # (B, S)


@dataclass(frozen=True, slots=True)
class Memory:
    """What a decoder takes from step to step.

    Args:
        cells: State and cell of both LSTMs, (B, H) each.
        context: The mixture of the source, (B, E).
        looked: Last weights and the sum of all, (B, 2, S).
    """

    cells: tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]
    context: Tensor
    looked: Tensor


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a voice made of a phrase.

    Args:
        mel: (T, M).
        attention: Weights of each step, (T / R, S).
        stopped: Whether it ended by itself, before the last step it was allowed.
    """

    mel: Tensor
    attention: Tensor
    stopped: bool


class Tacotron(nn.Module):
    """Says phonemes.

    Args:
        dim: E / 2; of symbols, of convolutions, of the encoder's LSTM in each direction, of the pre-net.
        hidden: H of the decoder's LSTMs.
        reduction: R, windows that one step says.
        guide: Weight of the loss that guides attention; 0 leaves it alone.
    """

    def __init__(self, dim: int = 96, hidden: int = 192, reduction: int = 4, guide: float = 1.0) -> None:
        super().__init__()
        self.settings = {"dim": dim, "hidden": hidden, "reduction": reduction, "guide": guide}
        self.reduction, self.guide = reduction, guide
        self.embedding = nn.Embedding(len(SYMBOLS), dim, padding_idx=PAD)
        self.convolutions = nn.ModuleList(_convolution(dim, dim) for _ in range(3))
        self.encoder = nn.LSTM(dim, dim, batch_first=True, bidirectional=True)
        self.prenet = nn.ModuleList([nn.Linear(BANDS, dim), nn.Linear(dim, dim)])
        self.attention = LocationAttention(hidden, 2 * dim, dim)
        self.first, self.second = nn.LSTMCell(3 * dim, hidden), nn.LSTMCell(hidden + 2 * dim, hidden)
        self.dense = nn.Linear(hidden + 2 * dim, reduction * BANDS)
        self.stop = nn.Linear(hidden + 2 * dim, 1)
        self.postnet = nn.ModuleList([_convolution(BANDS, dim), _convolution(dim, dim), _convolution(dim, BANDS)])

    def encode(self, ids: Tensor) -> Tensor:
        """Read symbols (B, S) in both directions, (B, S, E)."""
        mask = (ids != PAD).unsqueeze(1)  # (B, 1, S)
        states = self.embedding(ids).transpose(1, 2)  # (B, E / 2, S)
        for convolution in self.convolutions:
            states = functional.dropout(torch.relu(convolution(states)), 0.5, self.training) * mask  # (B, E / 2, S)
        lengths = mask.sum(dim=(1, 2))  # (B,)
        packed = nn.utils.rnn.pack_padded_sequence(
            states.transpose(1, 2), lengths, batch_first=True, enforce_sorted=False
        )  # (B, S, E / 2) without its padding
        states, _ = nn.utils.rnn.pad_packed_sequence(
            self.encoder(packed)[0], batch_first=True, total_length=ids.shape[1]
        )  # (B, S, E)
        return states

    def read_windows(self, windows: Tensor) -> Tensor:
        """Pass windows (..., M) through the pre-net, (..., E / 2); Shen drops half of it when it speaks, too."""
        for layer in self.prenet:
            windows = functional.dropout(torch.relu(layer(windows)), 0.5, training=True)  # (..., E / 2)
        return windows

    def begin(self, source: Tensor) -> Memory:
        """Make the memory before the first step, for a source (B, S, E)."""
        zero = source.new_zeros(len(source), self.first.hidden_size)  # (B, H)
        looked = source.new_zeros(len(source), 2, source.shape[1])  # (B, 2, S)
        return Memory(((zero, zero), (zero, zero)), torch.zeros_like(source[:, 0]), looked)

    def step(
        self, window: Tensor, memory: Memory, source: tuple[Tensor, Tensor, Tensor]
    ) -> tuple[Tensor, Tensor, Memory]:
        """Go on by R windows.

        Args:
            window: The last one, after the pre-net, (B, E / 2).
            memory: Of the step before.
            source: Of the encoder: states (B, S, E), keys (B, S, A), and the mask of symbols (B, S).

        Returns:
            State and context (B, H + E), from which windows and end are told; weights (B, S); the new memory.
        """
        states, keys, mask = source
        first = self.first(torch.cat([window, memory.context], dim=1), memory.cells[0])  # (B, H) twice
        query = functional.dropout(first[0], 0.1, self.training)  # (B, H)
        weights = self.attention(query, keys, mask, memory.looked)  # (B, S)
        context = (weights.unsqueeze(1) @ states).squeeze(1)  # (B, E)
        second = self.second(torch.cat([query, context], dim=1), memory.cells[1])  # (B, H) twice
        looked = torch.stack([weights, memory.looked[:, 1] + weights], dim=1)  # (B, 2, S)
        told = torch.cat([functional.dropout(second[0], 0.1, self.training), context], dim=1)  # (B, H + E)
        return told, weights, Memory((first, second), context, looked)

    def refine(self, windows: Tensor) -> Tensor:
        """Add what the post-net sees in windows (B, T, M) before and after each one."""
        states = windows.transpose(1, 2)  # (B, M, T)
        for place, convolution in enumerate(self.postnet):
            states = convolution(states if place == 0 else torch.tanh(states))  # (B, E / 2, T), last (B, M, T)
        return windows + states.transpose(1, 2)  # (B, T, M)

    def force(self, ids: Tensor, mels: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Say symbols (B, S), each step after the true windows (B, T, M); T is a multiple of R.

        Returns:
            Windows before and after the post-net, (B, T, M) each; logits of the end, (B, T / R); weights (B, T / R, S).
        """
        states = self.encode(ids)  # (B, S, E)
        source = states, self.attention.from_source(states), ids != PAD
        last = mels[:, self.reduction - 1 :: self.reduction]  # (B, T / R, M): Wang feeds the last of R alone
        inputs = self.read_windows(functional.pad(last[:, :-1], (0, 0, 1, 0)))  # (B, T / R, E / 2)
        memory, told, maps = self.begin(states), [], []
        for window in inputs.unbind(dim=1):
            each, weights, memory = self.step(window, memory, source)  # (B, H + E), (B, S)
            told.append(each)
            maps.append(weights)
        rows = torch.stack(told, dim=1)  # (B, T / R, H + E)
        windows = self.dense(rows).view(mels.shape)  # (B, T, M)
        return windows, self.refine(windows), self.stop(rows).squeeze(2), torch.stack(maps, dim=1)

    def forward(self, ids: Tensor, mels: Tensor, lengths: Tensor) -> Tensor:
        """Return the loss of symbols (B, S) whose true windows are (B, T, M), of each the first ``lengths`` (B,)."""
        before, after, ends, weights = self.force(ids, mels)
        real = (torch.arange(mels.shape[1]) < lengths.unsqueeze(1)).unsqueeze(2)  # (B, T, 1)
        distance = ((before - mels).abs() + (after - mels).abs()) * real  # (B, T, M): Wang's l1, at Shen's two places
        steps = (lengths + self.reduction - 1) // self.reduction  # (B,)
        over = (torch.arange(ends.shape[1]) >= steps.unsqueeze(1) - 1).float()  # (B, T / R): 1 from the last step on
        stop = functional.binary_cross_entropy_with_logits(ends, over)  # ()
        guide = self.guide * guide_loss(weights, steps, (ids != PAD).sum(dim=1))  # ()
        return distance.sum() / real.sum() / BANDS + stop + guide  # ()

    @torch.no_grad()
    def speak(self, ids: Tensor, max_steps: int = 100, seed: int = 0) -> Spoken:
        """Say symbols (S,), until it finds that this was the end, or for ``max_steps``."""
        states = self.encode(ids.unsqueeze(0))  # (1, S, E)
        source = states, self.attention.from_source(states), torch.ones(1, len(ids), dtype=torch.bool)
        memory, window, windows, maps, stopped = self.begin(states), states.new_zeros(1, BANDS), [], [], False
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)  # of the pre-net's dropout
            while not stopped and len(maps) < max_steps:
                told, weights, memory = self.step(self.read_windows(window), memory, source)  # (1, H + E), (1, S)
                windows.append(self.dense(told).view(self.reduction, BANDS))  # (R, M)
                window = windows[-1][-1:]  # (1, M)
                maps.append(weights[0])  # (S,)
                stopped = self.stop(told).item() > 0
        return Spoken(self.refine(torch.cat(windows).unsqueeze(0))[0], torch.stack(maps), stopped)


def save(model: Tacotron, path: str | Path) -> None:
    """Write a voice, its sizes and weights, into a file; it appears whole or not at all."""
    part = Path(f"{path}.part")
    torch.save({"settings": model.settings, "weights": model.state_dict()}, part)
    part.replace(path)


def load(path: str | Path) -> Tacotron:
    """Read a voice that :func:`save` wrote, ready to speak.

    Raises:
        ValueError: If the file is something else.
    """
    try:
        kept = torch.load(path, weights_only=True)
        model = Tacotron(**kept["settings"])
        model.load_state_dict(kept["weights"])
    except (EOFError, KeyError, RuntimeError, TypeError, pickle.UnpicklingError) as error:
        raise ValueError(f"{path} holds no voice: {error}; nano.tacotron.save writes one") from error
    return model.eval()


def batch(pairs: Sequence[tuple[Tensor, Tensor]], reduction: int) -> tuple[Tensor, Tensor, Tensor]:
    """Pad symbols (S,) and their windows (T, M) to (B, S) and (B, T, M), T a multiple of R; with the lengths, (B,)."""
    ids, mels = zip(*pairs, strict=True)
    lengths = torch.tensor([len(each) for each in mels])  # (B,)
    padded = nn.utils.rnn.pad_sequence(mels, batch_first=True, padding_value=speech.SILENT)  # (B, T, M)
    padded = functional.pad(padded, (0, 0, 0, -padded.shape[1] % reduction), value=speech.SILENT)  # (B, T, M)
    return nn.utils.rnn.pad_sequence(ids, batch_first=True, padding_value=PAD), padded, lengths


def guide_loss(weights: Tensor, steps: Tensor, sizes: Tensor, width: float = 0.2) -> Tensor:
    """Punish attention far from the diagonal: speech reads its symbols in order, at about an even pace.

    Args:
        weights: (B, T / R, S).
        steps: Of each example, (B,).
        sizes: Symbols of each example, (B,).
        width: g, the distance from the diagonal that is still cheap, as a share of the phrase.
    """
    time = torch.arange(weights.shape[1]) / steps.unsqueeze(1)  # (B, T / R)
    place = torch.arange(weights.shape[2]) / sizes.unsqueeze(1)  # (B, S)
    apart = place.unsqueeze(1) - time.unsqueeze(2)  # (B, T / R, S)
    cost = 1 - torch.exp(-(apart**2) / (2 * width**2))  # (B, T / R, S): W of section 4.1
    real = (time < 1).unsqueeze(2)  # (B, T / R, 1)
    return (weights * cost * real).sum() / real.sum()  # ()


def _convolution(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv1d(inputs, outputs, 5, padding=2), nn.BatchNorm1d(outputs))
