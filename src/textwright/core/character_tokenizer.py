"""A tokenizer whose tokens are characters: in composed form, lower-cased, each run of white space one space.

It is a ``tokenizer.json`` of the ``tokenizers`` library like every other. Texts that are plain ASCII are also encoded
by a table of bytes, which is the same rule and many times as fast; property tests compare the two. Caller:
``core.tokenization``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import WordLevel

from textwright.core.encodings import Encodings, offsets_of

PAD: Final = "[PAD]"
UNKNOWN: Final = "[UNK]"
SPACE: Final = " "
SPACE_ID: Final = 2
_BLANKS: Final = "\t\n\v\f\r "
"""ASCII characters that a regular expression calls white space, and at which ``bytes.split`` cuts."""
_EVERY_CHARACTER: Final = r"[\s\S]"


def character_tokenizer(characters: Iterable[str], max_length: int) -> Tokenizer:
    """Make a tokenizer from its characters.

    Args:
        characters: Distinct characters but the space, in the order of their ids from 3 on.
        max_length: Longest encoding in characters, >= 1; the rest of a text is cut off.

    Returns:
        A tokenizer; id 0 pads, id 1 is the unknown character and id 2 the space.
    """
    tokens = [PAD, UNKNOWN, SPACE, *characters]
    tokenizer = Tokenizer(WordLevel({token: place for place, token in enumerate(tokens)}, unk_token=UNKNOWN))
    tokenizer.normalizer = _normalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(_EVERY_CHARACTER), behavior="isolated")
    tokenizer.enable_truncation(max_length)
    tokenizer.enable_padding(pad_id=0, pad_token=PAD)
    return tokenizer


def rank_characters(texts: Iterable[str]) -> list[str]:
    """List the characters of normalized texts but the space, from frequent to rare, ties by code point."""
    normalizer, counts = _normalizer(), Counter[str]()
    for text in texts:
        counts.update(text.lower() if text.isascii() else normalizer.normalize_str(text))
    for blank in _BLANKS:
        del counts[blank]
    return [character for _, character in sorted((-count, character) for character, count in counts.items())]


def _normalizer() -> normalizers.Normalizer:
    return normalizers.Sequence(
        [normalizers.NFC(), normalizers.Lowercase(), normalizers.Replace(Regex(r"\s+"), SPACE), normalizers.Strip()]
    )


class CharacterEncoder:
    """The rule for ASCII texts, with a vocabulary. Safe to share between threads.

    Args:
        vocabulary: Character -> id.
        unknown_id: The id of all other characters.
        max_length: Longest encoding in characters, >= 1; the rest of a text is cut off.
    """

    def __init__(self, vocabulary: Mapping[str, int], unknown_id: int, max_length: int) -> None:
        ids = [vocabulary.get(chr(byte).lower(), unknown_id) for byte in range(128)]
        self._ids = np.array(ids, dtype=np.int32)
        self._max_length = max_length

    def encode(self, texts: Sequence[str]) -> Encodings:
        """Turn ASCII texts into ids.

        Args:
            texts: B ASCII texts; empty ones are allowed.

        Returns:
            B encodings, in order, each of at most ``max_length`` ids.
        """
        collapsed = [b" ".join(text.encode("ascii").split()) for text in texts]
        characters = np.frombuffer(b"".join(collapsed), dtype=np.uint8)
        no_cut = np.zeros(len(texts), dtype=np.bool_)
        return Encodings(self._ids[characters], offsets_of(list(map(len, collapsed))), no_cut).cut(self._max_length)
