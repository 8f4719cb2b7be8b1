"""A tokenizer whose tokens are characters: in composed form, each run of white space one space.

It is a ``tokenizer.json`` of the ``tokenizers`` library like every other. Texts that are plain ASCII are also encoded
by a table of bytes, which is the same rule and many times as fast; property tests compare the two. Case is kept: the
model decides whether it counts. Earlier versions lower-cased, and their files are read as before. Caller:
``core.tokenizer``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
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


def character_tokenizer(characters: Iterable[str], max_length: int, *, lowercase: bool = False) -> Tokenizer:
    """Make a tokenizer from its characters.

    Args:
        characters: Distinct characters but the space, in the order of their ids from 3 on.
        max_length: Longest encoding in characters, >= 1; the rest of a text is cut off.
        lowercase: Whether texts are lower-cased first.

    Returns:
        A tokenizer; id 0 pads, id 1 is the unknown character and id 2 the space.
    """
    tokens = [PAD, UNKNOWN, SPACE, *characters]
    tokenizer = Tokenizer(WordLevel({token: place for place, token in enumerate(tokens)}, unk_token=UNKNOWN))
    tokenizer.normalizer = _normalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(_EVERY_CHARACTER), behavior="isolated")
    tokenizer.enable_truncation(max_length)
    tokenizer.enable_padding(pad_id=0, pad_token=PAD)
    return tokenizer


def rank_characters(texts: Iterable[str]) -> list[str]:
    """List the characters of normalized texts but the space, from frequent to rare, ties by code point.

    A letter stands beside its other case, also where the texts have one of the two alone.
    """
    normalizer, counts = _normalizer(lowercase=False), Counter[str]()
    for text in texts:
        counts.update(text if text.isascii() else normalizer.normalize_str(text))
    for blank in _BLANKS:
        del counts[blank]
    totals = Counter[str]()
    for character, count in counts.items():
        totals[lower_case(character)] += count
    characters = {*counts, *totals, *(upper for lower in totals for upper in _upper_case(lower))}
    return sorted(characters, key=lambda it: (-totals[lower_case(it)], lower_case(it), it != lower_case(it), it))


def lower_case(character: str) -> str:
    """Return the lower-case form of a character, which is one character too."""
    return character.lower()[0]


def _upper_case(character: str) -> Iterator[str]:
    """Yield the upper-case form of a character if it is one character, whose lower-case form is that of the first."""
    upper = character.upper()
    if len(upper) == 1 and lower_case(upper) == lower_case(character):
        yield upper


def _normalizer(*, lowercase: bool) -> normalizers.Normalizer:
    lower = [normalizers.Lowercase()] if lowercase else []
    return normalizers.Sequence(
        [normalizers.NFC(), *lower, normalizers.Replace(Regex(r"\s+"), SPACE), normalizers.Strip()]
    )


class CharacterTokenizer:
    """The rule for ASCII texts, with a vocabulary. Safe to share between threads.

    Args:
        vocabulary: Character -> id.
        unknown_id: The id of all other characters.
        max_length: Longest encoding in characters, >= 1; the rest of a text is cut off.
        lowercase: Whether texts are lower-cased first.
    """

    def __init__(
        self, vocabulary: Mapping[str, int], unknown_id: int, max_length: int, *, lowercase: bool = False
    ) -> None:
        characters = [chr(byte).lower() if lowercase else chr(byte) for byte in range(128)]
        ids = [vocabulary.get(character, unknown_id) for character in characters]
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
