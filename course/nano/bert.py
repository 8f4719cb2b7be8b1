"""BERT, 2018: an encoder that learns by guessing masked words, from both sides at once.

::

    [CLS] a touching [MASK] . [SEP]  ->  film       learned on any text: pre-training
    [CLS] a touching film . [SEP]    ->  positive   a dense layer on it, then all of it: fine-tuning

Whole from letters to vectors: the word pieces, the network, and how weights of the real thing are loaded into it.

Sources: Devlin, Chang, Lee & Toutanova, 2018, https://arxiv.org/abs/1810.04805; the word pieces: Wu et al., 2016,
https://arxiv.org/abs/1609.08144, and https://github.com/google-research/bert/blob/master/tokenization.py. The weights:
Wang et al., 2020, MiniLM, https://arxiv.org/abs/2002.10957.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

SPECIAL = re.compile(r"(\[PAD\]|\[UNK\]|\[CLS\]|\[SEP\]|\[MASK\])")
IDEOGRAPHS = ((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F),
              (0x2B920, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F))  # fmt: skip
MAX_CHARACTERS = 100
"""A longer word is not cut into pieces: it is unknown."""


class WordPiece:
    """Cuts words into the longest pieces that a vocabulary has: "unaffable" is un ##aff ##able.

    Args:
        vocabulary: Pieces by id; those that go on a word begin with "##".
    """

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self.pieces = list(vocabulary)
        self.index = {piece: number for number, piece in enumerate(vocabulary)}

    def encode(self, text: str) -> list[int]:
        """Turn a text into ids, between those of [CLS] and [SEP]."""
        pieces = ["[CLS]"]
        for part in SPECIAL.split(text):
            pieces += [part] if SPECIAL.fullmatch(part) else [piece for word in words(part) for piece in self.cut(word)]
        return [self.index[piece] for piece in [*pieces, "[SEP]"]]

    def cut(self, word: str) -> list[str]:
        """Take the longest piece that a word begins with, then go on with the rest; ["[UNK]"] if some rest has none."""
        if len(word) > MAX_CHARACTERS:
            return ["[UNK]"]
        pieces, start = [], 0
        while start < len(word):
            candidates = ("##" * (start > 0) + word[start:end] for end in range(len(word), start, -1))
            piece = next((each for each in candidates if each in self.index), None)
            if piece is None:
                return ["[UNK]"]
            pieces.append(piece)
            start += len(piece.removeprefix("##")) if start else len(piece)
        return pieces


def words(text: str) -> list[str]:
    """Cut a text at white space and around punctuation and ideographs; lower case, without accents."""
    clean = re.sub("[\t\n\r]", " ", text).replace("\ufffd", "")
    clean = "".join(each for each in clean if not unicodedata.category(each).startswith("C"))  # no controls
    spaced = "".join(f" {each} " if is_ideograph(each) else each for each in clean)
    bare = "".join(each for each in unicodedata.normalize("NFD", spaced) if unicodedata.category(each) != "Mn")
    lower = "".join(each.lower() for each in bare)  # letter by letter: no final sigma
    return "".join(f" {each} " if is_punctuation(each) else each for each in lower).split()


def is_ideograph(letter: str) -> bool:
    """Tell Chinese characters, each of which is a word; Hangul and kana are not of them."""
    return any(low <= ord(letter) <= high for low, high in IDEOGRAPHS)


def is_punctuation(letter: str) -> bool:
    """Tell punctuation; of ASCII, all that is neither letter, digit nor space: "$" and "~" too."""
    is_sign = "!" <= letter <= "~" and not letter.isalnum()
    return is_sign or unicodedata.category(letter).startswith("P")


class Layer(nn.Module):
    """Attention to both sides and two dense layers, each added to its input and normalized after."""

    def __init__(self, dim: int, num_heads: int, hidden: int) -> None:
        super().__init__()
        self.query, self.key, self.value, self.mixed = (nn.Linear(dim, dim) for _ in range(4))
        self.up, self.down = nn.Linear(dim, hidden), nn.Linear(hidden, dim)
        self.attention_norm, self.dense_norm = (nn.LayerNorm(dim, eps=1e-12) for _ in range(2))
        self.num_heads = num_heads

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return (B, T, E) and the weights of the heads (B, A, T, T), for x (B, T, E) and mask (B, T)."""
        query, key, value = (
            dense(x).unflatten(2, (self.num_heads, -1)).transpose(1, 2)  # (B, A, T, D)
            for dense in (self.query, self.key, self.value)
        )
        scores = query @ key.transpose(2, 3) / math.sqrt(query.shape[-1])  # (B, A, T, T)
        weights = scores.masked_fill(mask[:, None, None] == 0, -math.inf).softmax(dim=3)  # (B, A, T, T)
        mixed = self.mixed((weights @ value).transpose(1, 2).flatten(2))  # (B, T, E)
        x = self.attention_norm(x + mixed)  # (B, T, E)
        return self.dense_norm(x + self.down(functional.gelu(self.up(x)))), weights  # (B, T, E)


class BERT(nn.Module):
    """The encoder.

    Args:
        num_tokens: V.
        max_tokens: Positions that there are.
        dim: E.
        num_heads: A.
        hidden: H.
        num_layers: Of them.
    """

    def __init__(
        self, num_tokens: int, max_tokens: int, dim: int, num_heads: int, hidden: int, num_layers: int
    ) -> None:
        super().__init__()
        self.tokens, self.positions = nn.Embedding(num_tokens, dim), nn.Embedding(max_tokens, dim)
        self.kinds = nn.Embedding(2, dim)  # of two texts in one input; only the first is used here
        self.norm = nn.LayerNorm(dim, eps=1e-12)
        self.layers = nn.ModuleList(Layer(dim, num_heads, hidden) for _ in range(num_layers))

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Read ids (B, T), of which mask (B, T) is 1 on tokens and 0 on padding.

        Returns:
            What enters the first layer and what leaves each, (B, T, E); the weights of each layer, (B, A, T, T).
        """
        positions = torch.arange(ids.shape[1])  # (T,)
        x = self.norm(self.tokens(ids) + self.positions(positions) + self.kinds.weight[0])  # (B, T, E)
        states, weights = [x], []
        for layer in self.layers:
            x, heads = layer(x, mask)  # (B, T, E), (B, A, T, T)
            states.append(x)
            weights.append(heads)
        return states, weights


NAMES = {
    "embeddings.word_embeddings": "tokens", "embeddings.position_embeddings": "positions",
    "embeddings.token_type_embeddings": "kinds", "embeddings.LayerNorm": "norm", "encoder.layer": "layers",
    "attention.self.": "", "attention.output.dense": "mixed", "attention.output.LayerNorm": "attention_norm",
    "intermediate.dense": "up", "output.dense": "down", "output.LayerNorm": "dense_norm",
}  # fmt: skip
"""What the published files call our parts, in the order in which to replace."""


def load(folder: Path) -> tuple[BERT, WordPiece]:
    """Load published weights, for example ``textwright.asset_path("minilm-l6")``, and the pieces they go with."""
    from safetensors.torch import load_file

    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    keys = ("vocab_size", "max_position_embeddings", "hidden_size", "num_attention_heads", "intermediate_size")
    model = BERT(*(config[key] for key in keys), config["num_hidden_layers"])
    model.load_state_dict(renamed(load_file(folder / "model.safetensors")))
    return model.eval(), WordPiece((folder / "vocab.txt").read_text(encoding="utf-8").splitlines())


def renamed(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give published weights our names; those of the pooling layer, and the list of positions, are left out."""
    result = {}
    for name, weight in weights.items():
        for theirs, ours in NAMES.items():
            name = name.replace(theirs, ours)  # noqa: PLW2901
        if not name.startswith(("pooler", "embeddings")):
            result[name] = weight
    return result


class MaskedLM(nn.Module):
    """Guesses masked tokens by the table that tokens are read with, section 3.1."""

    def __init__(self, encoder: BERT) -> None:
        super().__init__()
        num_tokens, dim = encoder.tokens.weight.shape
        self.encoder, self.dense, self.norm = encoder, nn.Linear(dim, dim), nn.LayerNorm(dim)
        self.bias = nn.Parameter(torch.zeros(num_tokens))

    def scores(self, ids: Tensor, mask: Tensor, asked: Tensor) -> Tensor:
        """Score each token of the vocabulary, (N, V), at the N places where asked (B, T) is True.

        Args:
            ids: (B, T).
            mask: 1 on tokens and 0 on padding, (B, T).
            asked: Where to guess; V scores for every place would cost more than the encoder does.
        """
        states, _ = self.encoder(ids, mask)
        x = self.norm(functional.gelu(self.dense(states[-1][asked])))  # (N, E)
        return x @ self.encoder.tokens.weight.T + self.bias  # (N, V)

    def forward(self, ids: Tensor, mask: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss over the places where targets (B, T) are not -1."""
        asked = targets != -1  # (B, T)
        return functional.cross_entropy(self.scores(ids, mask, asked), targets[asked])


def mask_tokens(
    ids: Tensor, first: int, mask_id: int, num_tokens: int, generator: torch.Generator, share: float = 0.15
) -> tuple[Tensor, Tensor]:
    """Choose tokens to be guessed; of these replace 80 % by [MASK] and 10 % by any token, section 3.1.

    Args:
        ids: (B, T).
        first: Smallest id of a real piece; those below are special, and are not chosen.
        mask_id: Of [MASK].
        num_tokens: V.
        generator: Draws.
        share: Of the tokens that are chosen.

    Returns:
        What the network reads (B, T), and what it is to say (B, T): -1 where it is not asked.
    """
    chosen = (torch.rand(ids.shape, generator=generator) < share) & (ids >= first)  # (B, T)
    chance = torch.rand(ids.shape, generator=generator)  # (B, T)
    read = ids.masked_fill(chosen & (chance < 0.8), mask_id)  # (B, T)
    drawn = torch.randint(first, num_tokens, ids.shape, generator=generator)  # (B, T)
    read = torch.where(chosen & (chance >= 0.9), drawn, read)  # (B, T): the rest, 10 %, stay as they are
    return read, ids.masked_fill(~chosen, -1)
