"""Byte-level byte-pair encoding, 2016 and 2019: the most frequent pair becomes a token, again and again.

::

    l o w e r   l o w e s t   n e w e r      most frequent pair: w e
    l o we r    l o we s t    n e we r       then: l o, ...

Any text has bytes, so no text is unknown; frequent words become one token, rare ones a few.

Sources: Sennrich, Haddow & Birch, 2016, Neural Machine Translation of Rare Words with Subword Units,
https://arxiv.org/abs/1508.07909, section 3.2; bytes and the pattern: Radford et al., 2019 (GPT-2), section 2.2, and
https://github.com/openai/gpt-2/blob/master/src/encoder.py.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise

import regex

WORDS = regex.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")
"""GPT-2's: a word keeps the space before it, and no token crosses from letters into digits or signs."""

Pair = tuple[int, int]


def byte_letters() -> list[str]:
    """Give each byte a letter that can be seen, so that tokens can be printed and stored as text; 256, by byte.

    Printable bytes stand for themselves; the other 68 take the letters from U+0100 on, so that a space is written "Ġ".
    """
    printable = {*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)}
    spare = iter(range(256, 512))
    return [chr(byte if byte in printable else next(spare)) for byte in range(256)]


ALPHABET = sorted(byte_letters())
"""The first 256 tokens, in the order that GPT-2 and ``tokenizers`` number them."""
_FIRST_ID = [ALPHABET.index(letter) for letter in byte_letters()]


class BPE:
    """An ordered list of merges, and the tokens that they make.

    Args:
        merges: Pairs of token ids; the n-th makes token 256 + n.
    """

    def __init__(self, merges: Sequence[Pair]) -> None:
        self.merges = list(merges)
        self.rank = {pair: rank for rank, pair in enumerate(self.merges)}
        byte_of = {letter: bytes([byte]) for byte, letter in enumerate(byte_letters())}
        self.tokens = [byte_of[letter] for letter in ALPHABET]
        for left, right in self.merges:
            self.tokens.append(self.tokens[left] + self.tokens[right])
        self._encode_word = lru_cache(maxsize=100_000)(self._merge_word)

    def __len__(self) -> int:
        return len(self.tokens)

    def encode(self, text: str) -> list[int]:
        """Turn any text into ids."""
        return [token for word in WORDS.findall(text) for token in self._encode_word(word)]

    def decode(self, ids: Iterable[int]) -> str:
        """Turn ids back into text; bytes that are no UTF-8, such as half a letter, become U+FFFD."""
        return b"".join(self.tokens[token] for token in ids).decode("utf-8", errors="replace")

    def _merge_word(self, word: str) -> tuple[int, ...]:
        """Apply the merges in the order in which they were learned."""
        ids = first_ids(word)
        while len(ids) > 1:
            pair = min(pairwise(ids), key=lambda each: self.rank.get(each, len(self.merges)))
            if pair not in self.rank:
                break
            ids = merge(ids, pair, 256 + self.rank[pair])
        return tuple(ids)


def first_ids(word: str) -> list[int]:
    """Name the bytes of a word by their token ids."""
    return [_FIRST_ID[byte] for byte in word.encode()]


def merge(ids: Sequence[int], pair: Pair, token: int) -> list[int]:
    """Replace each occurrence of a pair, from left to right: (a a a) with pair (a a) becomes (aa a)."""
    merged: list[int] = []
    for each in ids:
        if merged and (merged[-1], each) == pair:
            merged[-1] = token
        else:
            merged.append(each)
    return merged


def count_pairs(words: Sequence[Sequence[int]], times: Sequence[int]) -> tuple[Counter[Pair], dict[Pair, set[int]]]:
    """Count each pair of neighbors, and list the words that hold it by their positions."""
    counts: Counter[Pair] = Counter()
    holders: defaultdict[Pair, set[int]] = defaultdict(set)
    for index, ids in enumerate(words):
        for pair in pairwise(ids):
            counts[pair] += times[index]
            holders[pair].add(index)
    return counts, holders


def train(texts: Iterable[str], num_tokens: int) -> BPE:
    """Learn merges until there are ``num_tokens`` tokens, or no pair is left.

    The most frequent pair is merged; of equally frequent ones, the one with the smallest ids. A merge changes the
    counts of the words that hold the pair alone, so those alone are counted again.

    Args:
        texts: Any texts.
        num_tokens: V, 256 or more.
    """
    frequency = Counter(word for text in texts for word in WORDS.findall(text))
    words, times = [first_ids(word) for word in frequency], list(frequency.values())
    counts, holders = count_pairs(words, times)
    heap = [(-count, pair) for pair, count in counts.items()]
    heapq.heapify(heap)
    merges: list[Pair] = []
    while heap and 256 + len(merges) < num_tokens:
        count, best = heapq.heappop(heap)
        if -count != counts[best]:  # merges since have taken some of its occurrences
            if counts[best]:
                heapq.heappush(heap, (-counts[best], best))
            continue
        token = 256 + len(merges)
        merges.append(best)
        new_pairs: set[Pair] = set()
        for index in holders.pop(best):
            before, after = words[index], merge(words[index], best, token)
            words[index] = after
            for pair in pairwise(before):
                counts[pair] -= times[index]
            for pair in pairwise(after):
                counts[pair] += times[index]
                if token in pair:
                    holders[pair].add(index)
                    new_pairs.add(pair)
        for pair in new_pairs:
            heapq.heappush(heap, (-counts[pair], pair))
    return BPE(merges)
