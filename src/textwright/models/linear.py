"""TF-IDF of words, pairs of words and characters with a logistic regression: the linear model, as a graph.

The picture: a text is cut into words, pairs of neighboring words and n-grams of characters within words. Each has a
weight -- the more often it stands in this text and the fewer texts have it, the more -- and one score per label; the
logits are the sum of weight times score. Nothing of it is learned by gradient steps: ``train`` solves for the scores.

Tokens are characters, so that the graph itself can cut words and n-grams. They are found by hashed keys
(``core.ngrams``): a table of first places by the key's upper bits, then a few steps of binary search. Equal n-grams of
a text stand together after a sort, so that their run is their count.

::

    input_ids (B, T) -> keys (B, N) -> features (B, N) --sort, count--> weights (B, N) x scores (N, K) -> logits (B, K)

Source:
    Salton & Buckley, 1988, "Term-weighting approaches in automatic text retrieval"; Wang & Manning, 2012, "Baselines
    and Bigrams", for how far it goes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Final

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from textwright.config import Settings
from textwright.core import ngrams
from textwright.core.character_tokenizer import SPACE_ID
from textwright.core.encodings import Encodings
from textwright.core.ngrams import ORDERS, PRIME, Alphabet
from textwright.core.tfidf import Tfidf
from textwright.core.tokenizer import TextTokenizer, train_characters
from textwright.core.types import Float32s
from textwright.models.family import BuildContext, Casing, Family, TextModel
from textwright.models.ngram_table import NgramTable, count_texts

LABELS_AT_ONCE: Final = 64
"""Columns of the scores that are looked up at a time, so that a thousand labels do not take a gigabyte."""
SMALLEST_NORM: Final = 1e-12
_MANY_TEXTS: Final = 1_000
"""From so many training texts on, an n-gram of a single one is left out."""
_MOST_TEXTS: Final = 200_000
_MOST_CHARACTERS: Final = 20_000_000
"""Of a larger training split the words alone are counted, or of a script without spaces the characters."""
_SHARE_OF_SPACES: Final = 0.03
"""A script with spaces has more of them among its characters."""


class Features(StrEnum):
    """What a text is cut into."""

    AUTO = "auto"
    WORDS = "words"
    CHARACTERS = "characters"
    BOTH = "both"


class LinearConfig(Settings):
    """Settings of the linear model."""

    features: Features = Features.AUTO
    """Words and pairs of words, n-grams of 1 to 5 characters within words, or both; auto takes what does best in
    cross-validation."""
    casing: Casing = Casing.AUTO
    """cased tells "Apple" from "apple", uncased does not; auto takes what does best in cross-validation."""
    strength: Annotated[float, Field(ge=0, le=1e6)] = 0.0
    """Inverse strength C of the L2 regularization; 0 takes what does best in cross-validation."""
    min_texts: Annotated[int, Field(ge=0)] = 0
    """An n-gram of fewer training texts is left out; 0 keeps all below 1,000 texts, and takes 2 from there on."""
    max_weights: Annotated[int, Field(ge=1000, le=200_000_000)] = 10_000_000
    """Largest number of words and pairs, and of n-grams of characters, times labels; those of the fewest training texts
    are left out."""
    vocab_size: Annotated[int, Field(ge=4, le=1_000_000)] = 20_000
    """Largest number of token ids V, which are characters; rarer ones become the unknown character."""


class Linear(TextModel):
    """TF-IDF and one score per label for each n-gram.

    Args:
        alphabet: What the token ids are.
        tfidf: The n-grams that are known, F of them.
        num_labels: K.
        config: Its settings.
        metadata: What is worth knowing about how they were chosen.
    """

    is_letter: Tensor
    folded: Tensor
    powers: Tensor
    idf: Tensor

    def __init__(
        self,
        alphabet: Alphabet,
        tfidf: Tfidf,
        num_labels: int,
        config: LinearConfig,
        metadata: Mapping[str, float],
    ) -> None:
        super().__init__()
        self.config = config
        self._metadata = dict(metadata)
        self.register_buffer("is_letter", torch.from_numpy(alphabet.is_letter.astype(np.int64)))
        self.register_buffer("powers", torch.from_numpy(ngrams.POWERS.copy()))
        scores = np.zeros((len(tfidf.keys), num_labels), dtype=np.float32)
        self.set_scores(alphabet, tfidf, scores, np.zeros(num_labels, dtype=np.float32))

    def set_scores(self, alphabet: Alphabet, tfidf: Tfidf, scores: Float32s, bias: Float32s) -> None:
        """Take what a solver found.

        Args:
            alphabet: What the token ids are, with or without their case.
            tfidf: The n-grams that are known from now on, F of them.
            scores: (F, K).
            bias: (K,).
        """
        self.alphabet = alphabet
        self.register_buffer("folded", torch.from_numpy(alphabet.folded))
        self.tfidf = tfidf
        self.table = NgramTable(tfidf.keys)
        self.register_buffer("idf", torch.from_numpy(np.append(tfidf.idf, 0).astype(np.float32)))
        none = np.zeros((1, len(bias)), dtype=np.float32)  # of what is not known
        self.scores = nn.Parameter(torch.from_numpy(np.concatenate([scores, none])), requires_grad=False)
        self.bias = nn.Parameter(torch.from_numpy(bias.copy()), requires_grad=False)

    @torch.no_grad()
    def divide_scores(self, divisor: float) -> None:
        """Divide scores and bias, and so the logits."""
        self.scores.div_(divisor)
        self.bias.div_(divisor)

    @property
    def metadata(self) -> Mapping[str, float | str]:
        """How many n-grams of each kind there are, and how many were left out."""
        num_words = self.tfidf.num_word_features
        return {
            **self._metadata,
            "num_word_features": num_words,
            "num_character_features": len(self.tfidf.keys) - num_words,
        }

    @property
    def word_vectors(self) -> Tensor:
        """The scores of each character alone, (V, K); 0 for one that is no n-gram of the table."""
        ids = self.folded[:, None]  # (V, 1)
        keys, _ = self._character_keys(ids, torch.ones_like(ids))
        return self.scores.index_select(0, self.table(keys[:, 1]))  # behind the space before

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Look up the n-grams, count and weigh them, and add their scores up."""
        parts = []
        num_words = self.tfidf.num_word_features
        input_ids = _look_up(self.folded, input_ids)  # (B, T)
        if num_words:
            parts.append(self._word_keys(input_ids, attention_mask))
        if num_words < len(self.tfidf.keys) or not num_words:
            parts.append(self._character_keys(input_ids, attention_mask))
        keys, is_ngram = (torch.cat(columns, dim=1) for columns in zip(*parts, strict=True))  # (B, N)
        features = torch.where(is_ngram, self.table(keys), len(self.tfidf.keys))  # (B, N)
        weights, features = self._weigh(features)  # (B, N)
        columns = [_weighted_sum(weights, features, part) for part in torch.split(self.scores, LABELS_AT_ONCE, dim=1)]
        return torch.cat(columns, dim=1) + self.bias  # (B, K)

    def _weigh(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Weigh features, (B, N): return the weight of each run of equal ones at its first place, and them sorted."""
        features = features.sort(dim=1).values  # (B, N)
        differs = (features[:, 1:] != features[:, :-1]).long()  # (B, N - 1)
        is_first = torch.cat([torch.ones_like(features[:, :1]), differs], dim=1)  # (B, N)
        runs = is_first.cumsum(dim=1) - 1  # (B, N)
        counts = torch.zeros_like(features).scatter_add(1, runs, torch.ones_like(features)).gather(1, runs)  # (B, N)
        weights = is_first * (1 + counts.float().log()) * _look_up(self.idf, features)  # (B, N)
        is_word = features < self.tfidf.num_word_features  # (B, N)
        squares = weights * weights  # (B, N)
        of_words = (squares * is_word).sum(dim=1, keepdim=True)  # (B, 1)
        of_characters = (squares * ~is_word).sum(dim=1, keepdim=True)  # (B, 1)
        norms = torch.where(is_word, of_words, of_characters).clamp(min=SMALLEST_NORM).sqrt()  # (B, N)
        return weights / norms, features

    def _character_keys(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Hash n-grams of characters; the places that none starts at are told apart."""
        spaces = torch.full_like(input_ids[:, :1], SPACE_ID)  # (B, 1)
        text = torch.where(attention_mask > 0, input_ids, SPACE_ID)  # (B, T)
        stream = torch.cat([spaces, text, spaces.expand(-1, max(ORDERS))], dim=1)  # (B, S + 4), S = T + 2
        is_space = stream == SPACE_ID  # (B, S + 4)
        size = input_ids.shape[1] + 2
        hashes = torch.full_like(stream[:, :size], ngrams.CHARACTER_SEED)  # (B, S)
        is_within = torch.ones_like(is_space[:, :size])  # (B, S)
        keys, is_ngram = [], []
        for order in ORDERS:
            end = slice(order - 1, order - 1 + size)
            hashes = (hashes + stream[:, end]) * ngrams.CHARACTER_BASE % PRIME  # (B, S)
            if order <= 2:
                is_ngram.append(~(is_space[:, :size] & is_space[:, end]))
            else:
                is_within = is_within & ~is_space[:, order - 2 : order - 2 + size]  # (B, S): no space inside
                is_ngram.append(is_within)
            keys.append((hashes >> 1) + ngrams.FIRST_CHARACTER_KEY)
        return torch.cat(keys, dim=1), torch.cat(is_ngram, dim=1)  # (B, 5S)

    def _word_keys(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Hash words and pairs of neighboring words; the places that hold none are told apart."""
        size = input_ids.shape[1] // 2 + 2  # W: more words than a text of T characters can have
        letters = _look_up(self.is_letter, input_ids) * attention_mask  # (B, T)
        before = torch.cat([torch.zeros_like(letters[:, :1]), letters[:, :-1]], dim=1)  # (B, T)
        starts = letters * (1 - before)  # (B, T)
        word = (starts.cumsum(dim=1) - 1).clamp(min=0)  # (B, T): the word of each place
        places = torch.arange(input_ids.shape[1], device=input_ids.device)  # (T,)
        empty = torch.zeros_like(input_ids[:, :1]).expand(-1, size)  # (B, W)
        first = empty.scatter_add(1, word, starts * places)  # (B, W)
        inside = (places - first.gather(1, word)) * letters % len(self.powers)  # (B, T)
        terms = input_ids * _look_up(self.powers, inside) % PRIME * letters  # (B, T)
        hashes = empty.scatter_add(1, word, terms) % PRIME  # (B, W)
        pairs = (hashes[:, :-1] * ngrams.PAIR_BASE + hashes[:, 1:]) % PRIME  # (B, W - 1)
        keys = (torch.cat([hashes, pairs], dim=1) * ngrams.WORD_BASE + ngrams.WORD_SEED) % PRIME >> 1  # (B, 2W - 1)
        is_word = torch.arange(size, device=input_ids.device) < starts.sum(dim=1, keepdim=True)  # (B, W)
        return keys, torch.cat([is_word, is_word[:, 1:]], dim=1)  # (B, 2W - 1)


def _look_up(table: Tensor, places: Tensor) -> Tensor:
    """Take values of a table, (X,), at places of any shape; an index would become a node that is slower."""
    return table.index_select(0, places.flatten()).view(places.shape)


def _weighted_sum(weights: Tensor, features: Tensor, scores: Tensor) -> Tensor:
    """Add up scores, (F + 1, K), of features, (B, N), by their weights, (B, N)."""
    looked_up = torch.nn.functional.embedding(features, scores)  # (B, N, K)
    return (weights[:, None] @ looked_up)[:, 0]  # (B, K)


def build_tokenizer(texts: Sequence[str], config: LinearConfig, max_length: int) -> TextTokenizer:
    """Make a tokenizer of characters from the training texts."""
    return train_characters(texts, vocab_size=config.vocab_size, max_length=max_length)


def build(config: LinearConfig, context: BuildContext) -> Linear:
    """Count the n-grams of the training split, and give each a score of 0.

    Args:
        config: Its settings.
        context: The tokenizer, the labels, and the training split that is counted.

    Returns:
        A model to solve for, of all n-grams that it may use.
    """
    alphabet = Alphabet.of(context.tokenizer.vocabulary, cased=config.casing is Casing.CASED)
    known, num_rare = count_known(config, context.training.encodings, alphabet, len(context.labels))
    return Linear(alphabet, known, len(context.labels), config, {"num_rare_features": num_rare})


def count_known(config: LinearConfig, encodings: Encodings, alphabet: Alphabet, num_labels: int) -> tuple[Tfidf, int]:
    """Count the n-grams of texts.

    Args:
        config: Says which are counted, and how many at most.
        encodings: The texts.
        alphabet: What their token ids are.
        num_labels: K.

    Returns:
        Those that are frequent enough, and the number of all others.
    """
    counted = count_texts(encodings, alphabet, **_kinds(config.features, encodings))
    min_texts = config.min_texts or (1 if len(encodings) < _MANY_TEXTS else 2)
    known = counted.frequent(min_texts, config.max_weights // num_labels)
    return known.tfidf(len(encodings)), len(counted.keys) - len(known.keys)


def _kinds(features: Features, encodings: Encodings) -> dict[str, bool]:
    """Decide which kinds of n-grams are counted: of a large split one alone, so that they fit into memory."""
    if features is Features.AUTO and _is_large(encodings):
        has_spaces = (encodings.ids == SPACE_ID).mean() >= _SHARE_OF_SPACES
        features = Features.WORDS if has_spaces else Features.CHARACTERS
    return {"words": features is not Features.CHARACTERS, "characters": features is not Features.WORDS}


def _is_large(encodings: Encodings) -> bool:
    return len(encodings) > _MOST_TEXTS or len(encodings.ids) > _MOST_CHARACTERS


FAMILY: Final = Family(
    name="linear",
    summary="TF-IDF of words and characters with logistic regression",
    paper="Salton & Buckley, 1988; Wang & Manning, 2012",
    config=LinearConfig,
    build_tokenizer=build_tokenizer,
    build=build,
    defaults={"max_length": 20_000},
    unit_of_length="characters",
    why_not_pruned=(
        "its tokens are characters, so there is nothing to cut; train it with a larger --model.min-texts or a smaller "
        "--model.max-weights to make it smaller"
    ),
)
