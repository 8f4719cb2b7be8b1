"""Count the tokens of texts before there is a model: as the tokenizer of its family will, without cutting anything off.

The word families cut all texts by one rule, which is known here. The tokenizers of pretrained encoders are opened by
:mod:`textwright.models.token_counts`, above this room.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, TypeAlias

import numpy as np

from textwright.core.tokenizer import TextTokenizer, train_characters, word_level_tokenizer
from textwright.core.types import Ints
from textwright.data.duplicates import batches

UNLIMITED: Final = 2**31 - 1
"""A ``max_length`` that no text reaches."""
DEFAULT_MAX_LENGTH: Final = 512
CountTokens: TypeAlias = Callable[[Sequence[str]], Ints]


@dataclass(frozen=True, slots=True)
class TokenCounter:
    """How a family counts tokens, and how many it reads.

    Args:
        count: Counts the tokens of each text, (N,), special tokens included.
        unit: What a token is, in the plural, for messages.
        family: Name of the family.
        max_length: Tokens of a text that it reads, unless it is set otherwise.
    """

    count: CountTokens
    unit: str
    family: str
    max_length: int


def count_tokens(tokenizer: TextTokenizer, texts: Sequence[str]) -> Ints:
    """Count the tokens of each text.

    Args:
        tokenizer: A tokenizer that cuts nothing off.
        texts: N texts.

    Returns:
        Tokens of each, (N,); memory does not grow with the length of the texts.
    """
    parts = [tokenizer.encode(texts[start:stop]).lengths for start, stop in batches(texts)]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)


def count_words(texts: Sequence[str]) -> Ints:
    """Count the words and punctuation marks of each text, as the word families cut them, (N,)."""
    return count_tokens(_words(), texts)


def count_characters(texts: Sequence[str]) -> Ints:
    """Count the characters of each text as the family ``linear`` reads them, (N,)."""
    return count_tokens(_characters(), texts)


def word_tokens(family: str) -> TokenCounter:
    """Return how a family of words counts."""
    return TokenCounter(count_words, "words", family, DEFAULT_MAX_LENGTH)


@cache
def _characters() -> TextTokenizer:
    return train_characters([], vocab_size=4, max_length=UNLIMITED)


@cache
def _words() -> TextTokenizer:
    return word_level_tokenizer([], max_length=UNLIMITED)


DEFAULT_TOKENS: Final = TokenCounter(count_characters, "characters", "linear", 20_000)
"""How the family counts that is trained unless another is named."""
