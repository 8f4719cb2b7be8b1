"""What a frozen encoder gives, kept on disk: each text is encoded once, for all runs, splits and seeds.

A cache is a folder of one encoder; each file in it holds the features of some texts under their keys. Files are
written whole and never changed, so that processes can share the folder without a lock; at worst two compute the same.
"""

from __future__ import annotations

import hashlib
import logging
import zipfile
from itertools import pairwise
from pathlib import Path
from typing import Final
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from torch import nn

from textwright.core.encodings import Encodings
from textwright.core.files import atomic_file
from textwright.core.types import Bools, Float32s
from textwright.data.cache import cache_dir

_log = logging.getLogger(__name__)
_KEY_BYTES: Final = 16


def cache_folder(encoder: nn.Module, description: str) -> Path:
    """Name the cache of an encoder by its content.

    Args:
        encoder: Its weights are read, every byte of them.
        description: What decides the features beside tokens and weights: pooling, layers, number format.

    Returns:
        A folder in the user's cache; it need not exist.
    """
    return cache_dir() / "features" / encoder_digest(encoder, description)[:32]


def encoder_digest(encoder: nn.Module, description: str) -> str:
    """Name an encoder by its content: every byte of its weights, and what else decides what it gives.

    Args:
        encoder: Its weights are read.
        description: What decides the features beside tokens and weights: pooling, layers, number format.

    Returns:
        64 hexadecimal digits.
    """
    digest = hashlib.sha256(description.encode())
    for name, weight in encoder.state_dict().items():
        digest.update(f"{name} {weight.dtype} {tuple(weight.shape)}".encode())
        digest.update(weight.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def text_keys(encodings: Encodings) -> list[bytes]:
    """Name each text by its token ids, which tokenizer, truncation and text decide together."""
    ids, bounds = encodings.ids, encodings.offsets.tolist()
    return [key_of(ids[start:stop].tobytes()) for start, stop in pairwise(bounds)]


def key_of(content: bytes) -> bytes:
    """Name a text by its bytes, or by those of its token ids."""
    return hashlib.blake2b(content, digest_size=_KEY_BYTES).digest()


class FeatureCache:
    """The features of texts that were encoded before.

    Args:
        folder: From :func:`cache_folder`; made when something is first added.
        feature_dim: Length D of a text's features.
    """

    def __init__(self, folder: Path, feature_dim: int) -> None:
        self._folder = folder
        self._feature_dim = feature_dim

    def read(self, keys: list[bytes]) -> tuple[Float32s, Bools]:
        """Look texts up.

        Args:
            keys: N keys.

        Returns:
            Features, (N, D), zeros where there are none, and which are there, (N,). A file that cannot be read
            counts as absent.
        """
        features = np.zeros((len(keys), self._feature_dim), dtype=np.float32)
        is_known = np.zeros(len(keys), dtype=np.bool_)
        for file in sorted(self._folder.glob("*.npz")):
            stored_keys, stored = self._load(file)
            rows = {key.tobytes(): row for row, key in enumerate(stored_keys)}
            hits = [(position, rows[key]) for position, key in enumerate(keys) if key in rows]
            if hits:
                positions, sources = map(list, zip(*hits, strict=True))
                features[positions], is_known[positions] = stored[sources], True
        return features, is_known

    def add(self, keys: list[bytes], features: Float32s) -> None:
        """Keep the features of some texts.

        Args:
            keys: M keys.
            features: (M, D).
        """
        packed = np.frombuffer(b"".join(keys), dtype=np.uint8).reshape(-1, _KEY_BYTES)
        with atomic_file(self._folder / f"{uuid4().hex}.npz") as file:
            np.savez(file, keys=packed, features=features)

    def _load(self, file: Path) -> tuple[NDArray[np.uint8], Float32s]:
        try:
            with file.open("rb") as opened, np.load(opened) as content:
                keys, features = content["keys"], content["features"]
            if features.shape == (len(keys), self._feature_dim):
                return keys, features
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            _log.warning("%s cannot be read (%s) and is not used; delete it", file, error)
        return np.empty((0, _KEY_BYTES), dtype=np.uint8), np.empty((0, self._feature_dim), dtype=np.float32)
