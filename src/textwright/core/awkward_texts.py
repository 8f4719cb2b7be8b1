"""Texts that break careless pipelines; every artifact has some as golden examples, and exports are checked on all."""

from typing import Final

AWKWARD_TEXTS: Final = (
    "",
    " \t\n",
    "film",
    "this film is not good but it has a heart " * 500,  # 5,000 words
    "unbroken" * 100,
    "\N{GRINNING FACE}\N{WOMAN}\N{ZERO WIDTH JOINER}\N{PERSONAL COMPUTER} \N{THUMBS UP SIGN}",
    "qzxv wvvxq zzqqx",  # no language has these words
    "film \u0444\u0438\u043b\u044c\u043c \u6620\u753b \u0641\u064a\u0644\u0645",
    "a\x00b\x07c\x1b[31m\r\n\u200b\ufeff\u202e",
    "na\u0308ive cafe\u0301 \ufb01lm \u0130stanbul stra\u00dfe",
    "!?.,;:-()\"'" * 10,
    "[PAD] [UNK] [CLS] [SEP] <s> </s>",
)
"""Nothing, one word, 5,000 words, emoji, unknown words only, mixed scripts, control characters, accents written in two
ways, punctuation only, the names of special tokens."""
