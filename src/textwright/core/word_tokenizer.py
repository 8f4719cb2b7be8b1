"""ASCII texts to the ids of their words: one text by one compiled pattern, many by passes over their bytes.

Both give exactly the ids of the ``tokenizers`` library for the same file. Caller: ``core.tokenizer``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final

import numpy as np

from textwright.core.encodings import Encodings
from textwright.core.types import Ints
from textwright.core.word_rule import find_cased_words, find_tokens, find_words
from textwright.core.word_table import WordTable

_FEW_CHARACTERS: Final = 2_000
"""Texts that are shorter together go through the compiled pattern: some 60 numpy calls cost as much as they do."""
_BLOCK_CHARACTERS: Final = 96_000
"""Characters that are cut at once: the arrays of a block, some 15 bytes for each of them, stay in the second cache."""


class WordTokenizer:
    """The word rule with a vocabulary. Safe to share between threads.

    Args:
        vocabulary: Word -> id.
        unknown_id: The id of all other words.
        max_length: Longest encoding in tokens, >= 1; the rest of a text is cut off.
        cased: Whether words keep their case.
    """

    def __init__(self, vocabulary: Mapping[str, int], unknown_id: int, max_length: int, *, cased: bool = False) -> None:
        self._vocabulary = _Vocabulary(vocabulary, unknown_id)
        self._max_length = max_length
        self._cased = cased
        self._find_words = find_cased_words if cased else find_words

    def encode(self, texts: Sequence[str]) -> Encodings:
        """Turn ASCII texts into ids.

        Args:
            texts: B ASCII texts; empty ones are allowed.

        Returns:
            B encodings, in order, each of at most ``max_length`` ids.
        """
        if sum(map(len, texts)) < _FEW_CHARACTERS:
            return self._encode_few(texts)
        lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
        return Encodings.join([self._encode_block(texts[block], lengths[block]) for block in _blocks(lengths)])

    def _encode_few(self, texts: Sequence[str]) -> Encodings:
        find_id, max_length, find = self._vocabulary.__getitem__, self._max_length, self._find_words
        words = [find(text) for text in texts]
        ids = [list(map(find_id, item[:max_length])) for item in words]
        return Encodings.of(ids, [len(item) > max_length for item in words])

    def _encode_block(self, texts: Sequence[str], lengths: Ints) -> Encodings:
        if lengths.sum() > 2 * _BLOCK_CHARACTERS:
            return self._encode_few(texts)
        tokens = find_tokens(texts, lengths, cased=self._cased)
        no_cut = np.zeros(len(texts), dtype=np.bool_)
        return Encodings(self._table.find(tokens), tokens.offsets, no_cut).cut(self._max_length)

    @cached_property
    def _table(self) -> WordTable:
        """The table for blocks, made when the first block comes, so that loading a model does not wait for it."""
        return WordTable(self._vocabulary, self._vocabulary.unknown_id)


class _Vocabulary(dict[str, int]):
    """Word -> id; a word that is not in it has the id of the unknown word."""

    def __init__(self, vocabulary: Mapping[str, int], unknown_id: int) -> None:
        super().__init__(vocabulary)
        self.unknown_id = unknown_id

    def __missing__(self, word: str) -> int:
        return self.unknown_id


def _blocks(lengths: Ints) -> Iterator[slice]:
    """Cut N texts into runs of about ``_BLOCK_CHARACTERS``; a run exceeds that by one text at most."""
    block_numbers = np.cumsum(lengths) // _BLOCK_CHARACTERS
    edges = [0, *(np.flatnonzero(np.diff(block_numbers)) + 1).tolist(), len(lengths)]
    return map(slice, edges[:-1], edges[1:])
