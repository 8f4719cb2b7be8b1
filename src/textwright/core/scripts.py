r"""Scripts that are written without spaces between words, and what stands for words in them.

Chinese and Japanese are cut into characters. A character of Thai, Lao, Khmer or Myanmar spells a sound and says
little by itself: these are cut into written syllables, which their spelling shows. A syllable is a consonant with its
vowels, whether these stand before, above, below or behind it, and a consonant that closes it; where several readings
are possible the pattern takes one of them, always the same. Callers: ``core.word_rule`` puts the pattern into every
``tokenizer.json``; ``core.word_spans`` and ``models.bow`` ask for the script. Measured: ``docs/decisions/0020``.

Source:
    Theeramunkong et al., 2000, "Character Cluster Based Thai Information Retrieval"; Thu et al., 2013, "A Study of
    Myanmar Word Segmentation Schemes for Statistical Machine Translation" (syllables by spelling).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_THAI: Final = "\u0e01-\u0e3a\u0e40-\u0e5b"
_LAO: Final = "\u0e80-\u0eff"
_MYANMAR: Final = "\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f"
_KHMER: Final = "\u1780-\u17ff\u19e0-\u19ff"
_KANA: Final = "\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f"
_HAN: Final = (
    "\u2e80-\u2fd5\u3005-\u3007\u3021-\u3029\u3038-\u303b\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
UNSPACED: Final = _THAI + _LAO + _MYANMAR + _KHMER + _KANA + _HAN
"""Ranges of these scripts, for the inside of a character class of any engine."""


def _syllable(before: str, consonant: str, behind: str) -> str:
    r"""Write the pattern of a syllable of Thai or Lao: before + consonant + marks + behind + closing consonant.

    A consonant closes the syllable if it has no vowel of its own, or is muted (``\u0e4c``).
    """
    closing = rf"(?:{consonant}(?![\p{{M}}{behind}]))?(?:{consonant}\u0e4c)?"
    return rf"[{before}]?{consonant}\p{{M}}*[{behind}]?{closing}"


_KHMER_LETTER, _MYANMAR_LETTER = "[\u1780-\u17b3]", "[\u1000-\u102a\u103f]"
_SYLLABLES: Final = (
    _syllable("\u0e40-\u0e44", "[\u0e01-\u0e2e]", "\u0e30\u0e32\u0e33\u0e45"),
    _syllable("\u0ec0-\u0ec4", "[\u0e81-\u0eae\u0edc-\u0edf]", "\u0eb0\u0eb2\u0eb3\u0ebd"),
    # U+17D2 and U+1039 put the next letter below; U+17CB and U+103A mark a letter that closes a syllable.
    rf"{_KHMER_LETTER}(?:\u17d2{_KHMER_LETTER}|\p{{M}})*(?:{_KHMER_LETTER}\u17cb?(?!\p{{M}}))?",
    rf"{_MYANMAR_LETTER}(?:\u1039{_MYANMAR_LETTER}|\p{{M}})*(?:{_MYANMAR_LETTER}\u1037?\u103a\p{{M}}*)*",
)
UNIT: Final = "|".join((*_SYLLABLES, rf"[{UNSPACED}]\p{{M}}*"))
"""Pattern of a syllable, else of one character with its marks, for Oniguruma."""

_IS_UNSPACED = re.compile(f"[{UNSPACED}]").match
_find_unspaced = re.compile(f"[{UNSPACED}]+").findall


def is_unspaced(text: str) -> bool:
    """Tell whether a text, for example a token, starts with a character of a script that is written without spaces."""
    return _IS_UNSPACED(text) is not None


def unspaced_share(texts: Iterable[str]) -> float:
    """Measure how much of the texts is written without spaces.

    Args:
        texts: Any texts.

    Returns:
        Share of the characters, white space aside, that belong to such scripts, in [0, 1]; 0 if there are none.
    """
    num_unspaced = num_visible = 0
    for text in texts:
        num_visible += len("".join(text.split()))
        num_unspaced += 0 if text.isascii() else sum(map(len, _find_unspaced(text)))
    return num_unspaced / num_visible if num_visible else 0.0
