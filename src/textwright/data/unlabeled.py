"""Texts without labels, for a teacher to answer or an encoder to be adapted to: read, cut into sentences, held apart.

Source:
    Turc et al., 2019, "Well-Read Students Learn Better: On the Importance of Pre-training Compact Models", on the size
    and the domain of the transfer set: many texts, near those that are tested; hence sentences for a task of sentences.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from textwright.core.files import expand_home
from textwright.data.duplicates import find_duplicates
from textwright.data.load import read_source
from textwright.data.settings import DataSettings
from textwright.data.text_reader import open_texts
from textwright.errors import DataError

_END: Final = re.compile(r"""(?:(?<=[.!?])|(?<=[.!?]["')\]]))\s+(?=["'(\[]?[A-Z0-9])|\s*\n\s*""")
"""Between a full stop and a capital letter, or at the end of a line."""
_FEWEST_WORDS: Final = 4
_MOST_WORDS: Final = 45
"""A sentence of more words is a list, or has lost its full stops."""


def read_unlabeled(
    source: str, data: DataSettings, *, by_sentence: bool = False, max_texts: int = 0, option: str = "--unlabeled"
) -> list[str]:
    """Read texts without labels.

    Args:
        source: A file of texts, or any labeled source, whose labels are not looked at.
        data: Text column and encoding.
        by_sentence: Cut them into sentences.
        max_texts: How many texts, or sentences, are taken at most, always the same ones; 0 takes all.
        option: What asked for them, for messages.

    Returns:
        At least one text, each once, in the order of the source.

    Raises:
        NotFoundError: If there is no such source.
        DataError: If it cannot be read, or holds no text, or no sentence.
    """
    path = expand_home(source)
    if path.is_file():
        with open_texts(path, data) as rows:
            texts = [row.text for row in rows.rows]
    else:
        texts = list(read_source(source, data).texts)
    parts = (part for text in texts for part in (sentences(text) if by_sentence else [text]))
    distinct = list(dict.fromkeys(part for part in parts if part.strip()))
    if not distinct:
        what = f"sentence of {_FEWEST_WORDS} to {_MOST_WORDS} words" if by_sentence else "text"
        raise DataError(f"{source} holds no {what} to learn from; give another file, or no {option}")
    if not 0 < max_texts < len(distinct):
        return distinct
    sample = np.random.default_rng(0).permutation(len(distinct))[:max_texts]
    return [distinct[position] for position in np.sort(sample).tolist()]


def sentences(text: str) -> Iterator[str]:
    """Cut a text into sentences of 4 to 45 words; shorter and longer ones are left out.

    Args:
        text: Running text of a language that ends sentences with a full stop and begins them with a capital letter.
    """
    for part in _END.split(text):
        if _FEWEST_WORDS <= len(part.split()) <= _MOST_WORDS:
            yield part.strip()


def apart_from(held_out: Sequence[str], texts: Sequence[str]) -> list[str]:
    """Leave out texts that are the same as held-out ones, or nearly so, and those that are there twice.

    Args:
        held_out: Texts that a model is chosen or tested on.
        texts: N texts.

    Returns:
        At most N of them, in their order.
    """
    first = len(held_out)
    duplicates = find_duplicates([*held_out, *texts])
    own = np.arange(first, first + len(texts))
    is_apart = (duplicates.exact[first:] == own) & (duplicates.near[first:] >= first)
    return [texts[position] for position in np.flatnonzero(is_apart).tolist()]


def fingerprint_texts(texts: Sequence[str]) -> str:
    """Identify texts: the same ones in the same order have equal fingerprints; empty for none."""
    digest = hashlib.sha256()
    for text in texts:
        digest.update(f"{len(text)} {text}".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:16] if texts else ""
