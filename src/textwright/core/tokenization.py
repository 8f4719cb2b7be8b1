"""Text to ids: the one function that training, evaluation, HTTP, Lambda and bulk all call.

A tokenizer is a ``tokenizer.json`` of the ``tokenizers`` library: word-level for the word-vector families, word-piece
for BERT. Its truncation and special tokens are inside that file, so nothing here repeats them.

Word-level tokenizers made by :func:`train_word_level` are also compiled into a Python regular expression for texts
that are plain ASCII. That is the same rule, about four times as fast (``docs/decisions/0005``); the library remains
the reference, and property tests hold the two equal.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Final, NamedTuple

import numpy as np
from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import WordLevel

from textwright.core.types import Ints, TokenIds
from textwright.errors import ArtifactFormatError, SettingsError, TextError

PAD: Final = "[PAD]"
UNKNOWN: Final = "[UNK]"
PAD_ID: Final = 0
UNKNOWN_ID: Final = 1

# One rule for both engines. Contractions are cut as in the Penn Treebank and in GloVe's vocabulary: did n't, it 's.
# Words come first in the pattern because they are the most frequent: the engine tries the branches in order.
_CONTRACTION = ("n't", " n't")
_TYPOGRAPHIC_APOSTROPHE = ("\u2019", "'")
_WORD = r"\w+(?:'t\b)?|'(?:s|m|d|ll|re|ve)\b|[^\w\s]"
_ASCII_WORDS = re.compile(_WORD, re.ASCII)


class Encoded(NamedTuple):
    """One text as token ids, special tokens included, cut at the tokenizer's maximum length."""

    ids: TokenIds
    truncated: bool


class TextEncoder:
    """A loaded ``tokenizer.json``: the only way from text to ids.

    Args:
        serialized: The content of a ``tokenizer.json``; its truncation is switched on inside the file.

    Raises:
        ArtifactFormatError: If the content is no tokenizer, or one without truncation or padding id.
    """

    def __init__(self, serialized: str) -> None:
        self._serialized = serialized
        try:
            self._tokenizer = Tokenizer.from_str(serialized)
        except Exception as error:
            raise ArtifactFormatError(f"tokenizer.json cannot be read by the tokenizers library: {error}") from error
        truncation, padding = self._tokenizer.truncation, self._tokenizer.padding
        if truncation is None or padding is None:
            raise ArtifactFormatError("tokenizer.json must state its truncation and padding; export it with textwright")
        self.max_length: int = truncation["max_length"]
        self.pad_id: int = padding["pad_id"]
        self._tokenizer.no_padding()  # batches are padded by `pad`, to the longest of the batch
        self._encode_ascii = _compile_ascii(serialized, self.max_length)

    @property
    def vocab_size(self) -> int:
        """Number of token ids, special tokens included (V)."""
        return self._tokenizer.get_vocab_size(with_added_tokens=True)

    @property
    def vocabulary(self) -> list[str]:
        """The tokens in the order of their ids, (V,)."""
        vocabulary = self._tokenizer.get_vocab(with_added_tokens=True)
        return sorted(vocabulary, key=vocabulary.__getitem__)

    def serialize(self) -> str:
        """Return the ``tokenizer.json`` that this encoder was made from."""
        return self._serialized

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """Turn texts into token ids.

        Args:
            texts: B texts of any length, any script; empty ones are allowed.

        Returns:
            B encodings in order, each of at most ``max_length`` ids. An empty text of a word-level
            tokenizer has no ids at all.

        Raises:
            TextError: If an item is not a string or holds a lone surrogate; names its position.
        """
        ascii_encode = self._encode_ascii
        try:
            if ascii_encode is None:
                return self._encode_with_library(texts)
            encoded: list[Encoded | None] = [ascii_encode(text) if text.isascii() else None for text in texts]
            others = [position for position, item in enumerate(encoded) if item is None]
            if others:
                found = self._encode_with_library([texts[position] for position in others])
                for position, item in zip(others, found, strict=True):
                    encoded[position] = item
        except (TypeError, AttributeError, UnicodeEncodeError) as error:
            raise _bad_text(texts) from error
        return encoded  # type: ignore[return-value]  # every None was replaced

    def _encode_with_library(self, texts: Sequence[str]) -> list[Encoded]:
        encodings = self._tokenizer.encode_batch_fast(list(texts))
        return [Encoded(encoding.ids, truncated=bool(encoding.overflowing)) for encoding in encodings]

    def encode_with_library(self, texts: Sequence[str]) -> list[Encoded]:
        """Encode with the ``tokenizers`` library alone, the reference for :meth:`encode`; used by tests."""
        return self._encode_with_library(texts)


def _bad_text(texts: Sequence[object]) -> TextError:
    for position, text in enumerate(texts):
        if not isinstance(text, str):
            return TextError(f"text {position} is of type {type(text).__name__}; each text must be a string")
        try:
            text.encode()
        except UnicodeEncodeError as error:
            return TextError(
                f"text {position} holds a lone surrogate at character {error.start}, which is no Unicode text; "
                "decode the source with errors='replace'"
            )
    return TextError("the texts could not be encoded")


def pad(batch: Sequence[TokenIds], pad_id: int) -> tuple[Ints, Ints]:
    """Pad a batch on the right to its longest text.

    Args:
        batch: B lists of token ids; a list may be empty.
        pad_id: The id to fill with; never attended to.

    Returns:
        ``input_ids`` (B, T) and ``attention_mask`` (B, T), 1 on tokens and 0 on padding; T is the
        longest list, at least 1.
    """
    lengths = np.fromiter(map(len, batch), dtype=np.int64, count=len(batch))
    longest = max(int(lengths.max(initial=0)), 1)
    is_token = np.arange(longest) < lengths[:, None]  # (B, T)
    input_ids = np.full(is_token.shape, pad_id, dtype=np.int64)
    input_ids[is_token] = np.fromiter(chain.from_iterable(batch), dtype=np.int64, count=int(lengths.sum()))
    return input_ids, is_token.astype(np.int64)


def train_word_level(texts: Iterable[str], *, vocab_size: int, min_frequency: int, max_length: int) -> TextEncoder:
    """Make a word-level tokenizer from training texts: lower-cased words, contractions and punctuation apart.

    Args:
        texts: The training split alone; a word of another split must stay unknown.
        vocab_size: Largest number of token ids, the two special tokens included, >= 3.
        min_frequency: A word seen fewer times is unknown, >= 1.
        max_length: Longest encoding in tokens, >= 1; the rest of a text is cut off.

    Returns:
        An encoder; id 0 pads and id 1 is the unknown word, then words from frequent to rare
        (ties in alphabetical order, so that the same texts give the same file).

    Raises:
        SettingsError: If no word is frequent enough to enter the vocabulary.
    """
    splitter = _word_level({PAD: PAD_ID, UNKNOWN: UNKNOWN_ID}, max_length)
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(_words(text, splitter))
    ranked = sorted(((-count, word) for word, count in counts.items() if count >= min_frequency))
    if not ranked:
        raise SettingsError(
            f"no word occurs {min_frequency} times in the training texts, so the vocabulary is empty; "
            "lower min_frequency or add examples"
        )
    words = [word for _, word in ranked if word not in (PAD, UNKNOWN)][: vocab_size - 2]
    return word_level_encoder(words, max_length=max_length)


def word_level_encoder(words: Sequence[str], *, max_length: int) -> TextEncoder:
    """Make a word-level tokenizer with a given vocabulary.

    Args:
        words: Distinct words, lower-cased, in the order of their ids from 2 on.
        max_length: Longest encoding in tokens, >= 1.

    Returns:
        An encoder with V = 2 + len(words).
    """
    vocabulary = {PAD: PAD_ID, UNKNOWN: UNKNOWN_ID}
    vocabulary.update((word, index) for index, word in enumerate(words, start=2))
    return TextEncoder(_word_level(vocabulary, max_length).to_str())


def _word_level(vocabulary: dict[str, int], max_length: int) -> Tokenizer:
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Replace(*_TYPOGRAPHIC_APOSTROPHE), normalizers.Lowercase(), normalizers.Replace(*_CONTRACTION)]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(_WORD), behavior="removed", invert=True)
    tokenizer.enable_truncation(max_length)
    tokenizer.enable_padding(pad_id=PAD_ID, pad_token=PAD)
    return tokenizer


def _words(text: str, splitter: Tokenizer) -> list[str]:
    if text.isascii():
        return _ASCII_WORDS.findall(text.lower().replace(*_CONTRACTION))
    normalized = splitter.normalizer.normalize_str(text)
    return [word for word, _ in splitter.pre_tokenizer.pre_tokenize_str(normalized)]


class _Vocabulary(dict[str, int]):
    """Word -> id; a word that is not in it is the unknown word."""

    def __missing__(self, word: str) -> int:
        return self[UNKNOWN]


def _compile_ascii(serialized: str, max_length: int) -> Callable[[str], Encoded] | None:
    """Compile a tokenizer of :func:`train_word_level`'s form into a function for ASCII texts; None for other forms."""
    content = json.loads(serialized)
    model = content["model"]
    if model["type"] != "WordLevel":
        return None
    ours = json.loads(_word_level({PAD: PAD_ID, UNKNOWN: UNKNOWN_ID}, max_length).to_str())
    if any(content[part] != ours[part] for part in ("normalizer", "pre_tokenizer", "post_processor", "added_tokens")):
        return None
    find_words, find_id = _ASCII_WORDS.findall, _Vocabulary(model["vocab"]).__getitem__

    def encode_ascii(text: str) -> Encoded:
        ids = list(map(find_id, find_words(text.lower().replace(*_CONTRACTION))))
        return Encoded(ids[:max_length], truncated=True) if len(ids) > max_length else Encoded(ids, truncated=False)

    return encode_ascii
