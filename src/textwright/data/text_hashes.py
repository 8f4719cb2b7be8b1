"""Know texts again by 8-byte hashes: which texts of a file was a model trained on?

The pipeline writes the hashes beside the artifact, into the run folder: a shipped artifact grows by nothing and says
nothing about whose texts it has learned. ``evaluate`` reads them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zipfile import BadZipFile

import numpy as np

from textwright.core.files import atomic_file, sha256_of
from textwright.core.types import Bools
from textwright.data.dataset import Dataset
from textwright.data.shingles import Hashes, shingle

TEXT_HASHES: Final = "text_hashes.npz"
_MAX_HASHES: Final = 1_000_000
"""Of a split; 8 MB. Of more texts the smallest hashes are kept, which are a random part of them."""
_BLOCK: Final = 256


@dataclass(frozen=True, slots=True)
class TextHashes:
    """The texts that a model was trained on, and those that chose its epoch, as hashes.

    Args:
        train: Sorted, without repetition.
        validation: The same of the validation split.
        is_complete: False if there were too many to keep, so that a text may have been seen without being known.
    """

    train: Hashes
    validation: Hashes
    is_complete: bool


def hash_texts(texts: Sequence[str]) -> Hashes:
    """Hash texts; case and white space make no difference, (N,)."""
    blocks = (texts[start : start + _BLOCK] for start in range(0, len(texts), _BLOCK))
    return np.concatenate([np.zeros(0, dtype=np.uint64), *(shingle(block).whole for block in blocks)])


def find_texts(texts: Sequence[str], known: Hashes) -> Bools:
    """Tell which texts are among those whose hashes are known, (N,)."""
    return np.isin(hash_texts(texts), known)


def write_text_hashes(dataset: Dataset, folder: Path) -> str:
    """Write the hashes of a dataset's training and validation texts.

    Args:
        dataset: What a model was trained on.
        folder: Of the run.

    Returns:
        The file's sha256, by which the artifact knows its own.
    """
    hashes_of_split = {name: np.unique(hash_texts(dataset.splits[name].texts)) for name in ("train", "validation")}
    is_complete = all(len(hashes) <= _MAX_HASHES for hashes in hashes_of_split.values())
    train, validation = (hashes[:_MAX_HASHES] for hashes in hashes_of_split.values())
    with atomic_file(folder / TEXT_HASHES) as file:
        np.savez(file, train=train, validation=validation, is_complete=is_complete)
    return sha256_of(folder / TEXT_HASHES)


def read_text_hashes(folder: Path, sha256: str) -> TextHashes | None:
    """Read the hashes that belong to an artifact.

    Args:
        folder: Of the run.
        sha256: Of the file, as :func:`write_text_hashes` gave it; empty for an artifact of an earlier version.

    Returns:
        None if the file is not there, or is another run's: then nothing is known.
    """
    path = folder / TEXT_HASHES
    try:
        if not sha256 or sha256_of(path) != sha256:
            return None
        with np.load(path, allow_pickle=False) as arrays:
            return TextHashes(arrays["train"], arrays["validation"], bool(arrays["is_complete"]))
    except (OSError, ValueError, KeyError, BadZipFile):
        return None
