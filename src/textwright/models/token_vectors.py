"""Static token vectors distilled from a transformer: what it makes of each token of its vocabulary alone.

Each token goes through the encoder as a text of its own; the mean over its states in all layers is its vector. PCA
keeps the directions in which tokens differ most and centers them. A token counts the less the more frequent it is
(SIF); how frequent, Zipf's law tells from its place in the vocabulary, which tokenizers order from frequent to rare.

::

    V x [CLS] token [SEP] -> encoder -> mean of states (V, H) -> PCA (V, E) -> times a / (a + p(token)) -> (V, E)

The encoder's answers are kept in the cache of features, so that an encoder is asked once. Called by ``static-bert``.

Source:
    Tulkens & van Dongen, 2024, "Model2Vec: Fast State-of-the-Art Static Embeddings"; Arora et al., 2017, "A Simple but
    Tough-to-Beat Baseline for Sentence Embeddings" (SIF).
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import torch
from torch.nn import functional

from textwright.core.callbacks import Callback
from textwright.core.encodings import Encodings
from textwright.core.types import Bools, Float32s, Floats, Int32s, Ints
from textwright.models.encoder import Pooling, SentenceEncoder, load_sentence_encoder
from textwright.models.feature_cache import FeatureCache, cache_folder, text_keys
from textwright.models.pretrained import Pretrained

_STAGE: Final = "distilling token vectors"
_PLACEHOLDER: Final = re.compile(r"\[unused\d+\]")
"""Entries of BERT's vocabulary that no text has."""
_TOKENS_PER_FILE: Final = 2048
"""Tokens encoded between two writes to the cache: what a kill may cost."""
_BATCH_SIZE: Final = 256


def distill_token_vectors(
    pretrained: Pretrained, *, embedding_dim: int, sif_coefficient: float, callback: Callback
) -> Float32s:
    """Distill one vector for each token id from an encoder.

    Args:
        pretrained: The encoder.
        embedding_dim: Components E that PCA keeps at most.
        sif_coefficient: The a of a / (a + p), > 0: the less, the less frequent tokens count.
        callback: Is told how many tokens the encoder has read.

    Returns:
        Vectors, (V, E') float32, E' the smaller of E and the encoder's H: finite, zeros for special tokens and for
        entries that no text has. The same encoder gives the same vectors.

    Raises:
        SettingsError: If the encoder's weights cannot be used.
    """
    tokenizer = pretrained.load_tokenizer(_TOKENS_PER_FILE, adds_special=False)
    is_used = _used(tokenizer.vocabulary, pretrained.special_ids())
    components = _principal_components(
        _contextual_vectors(pretrained, np.flatnonzero(is_used), callback), embedding_dim
    )
    vectors = np.zeros((len(is_used), components.shape[1]), dtype=np.float32)
    vectors[is_used] = components * sif_weights(len(components), sif_coefficient)[:, None]
    return vectors


def _used(vocabulary: list[str], special_ids: frozenset[int]) -> Bools:
    """Tell which ids a text may have that says something, (V,)."""
    flags = [
        index not in special_ids and _PLACEHOLDER.fullmatch(token) is None for index, token in enumerate(vocabulary)
    ]
    return np.array(flags, dtype=np.bool_)


def _contextual_vectors(pretrained: Pretrained, ids: Ints, callback: Callback) -> Float32s:
    """Ask the encoder for the vectors of tokens, (N, H), as far as no earlier run has.

    A vector is the mean over all layers, each brought to mean 0 and deviation 1: the last layer alone has lost some of
    what a token says by itself.
    """
    before, after = pretrained.special_around()
    encodings = Encodings.of([[*before, token, *after] for token in ids.tolist()])
    length = len(before) + 1 + len(after)
    encoder = load_sentence_encoder(pretrained, pooling=Pooling.MEAN, max_length=length, num_layers=None)
    cache = FeatureCache(cache_folder(encoder, f"{encoder.description} mean of layers bf16=False"), encoder.hidden_dim)
    keys = text_keys(encodings)
    vectors, is_known = cache.read(keys)
    missing = np.flatnonzero(~is_known)
    for start in range(0, len(missing), _TOKENS_PER_FILE):
        positions = missing[start : start + _TOKENS_PER_FILE]
        vectors[positions] = _encode(encoder, encodings.ids.reshape(-1, length)[positions])
        cache.add([keys[position] for position in positions.tolist()], vectors[positions])
        callback.on_progress(_STAGE, start + len(positions), len(missing))
    return vectors


@torch.inference_mode()
def _encode(encoder: SentenceEncoder, ids: Int32s) -> Float32s:
    """Encode rows of ids of one length, (N, T), without padding: (N, H)."""
    vectors = []
    for part in torch.split(torch.from_numpy(ids.astype(np.int64)), _BATCH_SIZE):
        layers = encoder(part, torch.ones_like(part)).view(len(part), -1, encoder.hidden_dim)  # (B, L, H)
        vectors.append(functional.layer_norm(layers, (encoder.hidden_dim,)).mean(dim=1).numpy())
    return np.concatenate(vectors)


def _principal_components(vectors: Float32s, most: int) -> Floats:
    """Project centered vectors, (N, H), onto the directions of most variance: (N, min(most, H)).

    A direction points to where the vector is that lies farthest out, so that rounding does not turn it round.
    """
    centered = vectors.astype(np.float64)
    centered -= centered.mean(axis=0)
    _, directions = np.linalg.eigh(centered.T @ centered)  # the least variance first
    scores = centered @ directions[:, ::-1][:, :most]
    farthest = np.abs(scores).argmax(axis=0)
    return np.asarray(scores * np.sign(scores[farthest, np.arange(scores.shape[1])]))


def sif_weights(num_tokens: int, coefficient: float) -> Floats:
    """Weigh tokens that stand from frequent to rare, (N,), in (0, 1).

    Args:
        num_tokens: N, >= 1.
        coefficient: The a of a / (a + p), > 0.
    """
    shares = 1 / np.arange(2, num_tokens + 2)
    return np.asarray(coefficient / (coefficient + shares / shares.sum()))
