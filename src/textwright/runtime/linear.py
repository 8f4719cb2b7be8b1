"""Explain a linear model of n-grams exactly: each n-gram's part of a logit goes to the characters that it covers.

The graph computes bias + the sum over the n-grams of the text of weight times score. The weights are computed here once
more, in numpy, from the constants in the graph's file; no probe is needed. What an n-gram adds is shared among its
occurrences in the text, and of an occurrence among its characters. A sum that is not the model's logit, as of a graph
whose scores were rounded, is no explanation: then words are left out instead.

The constants are found by reading the file's outermost messages, since the runtime has no ONNX library.

Source:
    https://github.com/onnx/onnx/blob/main/onnx/onnx.proto and https://protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from textwright.core.encodings import Encodings
from textwright.core.ngrams import FIRST_CHARACTER_KEY, Alphabet, Ngrams, find_ngrams
from textwright.core.tfidf import Tfidf
from textwright.core.types import Float32s, Floats, TokenIds

GRAPH_NAME: Final = "linear"
_TOLERANCE: Final = 1e-3
"""Largest difference between sum and logit, in nats: float32 sums differ by less."""
_GRAPH, _GRAPH_NAME, _INITIALIZER = 7, 2, 5
_DIMS, _DATA_TYPE, _NAME, _RAW_DATA = 1, 2, 8, 9
_TYPES: Final[dict[int, np.dtype[Any]]] = {1: np.dtype("<f4"), 6: np.dtype("<i4"), 7: np.dtype("<i8")}
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5


class LinearParts(NamedTuple):
    """What a linear model adds up.

    Args:
        alphabet: What the token ids are.
        tfidf: The n-grams that are known, F of them.
        scores: Of each label, (F, K).
        bias: (K,).
    """

    alphabet: Alphabet
    tfidf: Tfidf
    scores: Float32s
    bias: Float32s

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Read the constants of a graph.

        Args:
            path: An ``.onnx`` file of any family.

        Returns:
            The parts; None if the graph is no linear model of n-grams, or one that was changed.
        """
        constants = read_constants(path, GRAPH_NAME)
        if not {"keys", "idf", "scores", "bias", "is_letter"} <= set(constants):
            return None
        num_features = len(constants["idf"]) - 1
        keys = constants["keys"][:num_features].astype(np.int64)
        tfidf = Tfidf(keys, constants["idf"][:-1].astype(np.float64))
        is_letter = constants["is_letter"] > 0
        folded = constants.get("folded", np.arange(len(is_letter)))  # absent where case counts
        return cls(Alphabet(is_letter, folded), tfidf, constants["scores"][:-1], constants["bias"])

    def share(self, ids: TokenIds, logits: Float32s, scale: float) -> tuple[Floats, Floats] | None:
        """Find what each token adds to the logits.

        Args:
            ids: The text, (T,).
            logits: What the model said of it, (K,).
            scale: What the graph's logits are multiplied by, > 0.

        Returns:
            The logits of a text without tokens, (K,), and each token's share, (T, K), in nats; together they sum to the
            logits. None if they do not.
        """
        has_words, has_characters = (
            self.tfidf.num_word_features > 0,
            len(self.tfidf.keys) > self.tfidf.num_word_features,
        )
        ngrams = find_ngrams(Encodings.of([ids]), self.alphabet, words=has_words, characters=has_characters)
        weighed = self.tfidf.weigh(ngrams, 1)
        features = self.tfidf.find(ngrams.keys)
        is_known = features < len(self.tfidf.keys)
        places = np.searchsorted(weighed.features, features[is_known])
        known = Ngrams(*(column[is_known] for column in ngrams))
        parts = (weighed.values / weighed.counts)[places, None] * self.scores[weighed.features[places]]  # (M, K)
        shares = self._spread(known, parts, ids) * scale
        base = self.bias.astype(np.float64) * scale
        return (base, shares) if np.abs(base + shares.sum(axis=0) - logits).max() <= _TOLERANCE else None

    def _spread(self, ngrams: Ngrams, parts: Floats, ids: TokenIds) -> Floats:
        """Share each part, (M, K), among the tokens that it stands for: of words and pairs, the letters; (T, K)."""
        is_word = ngrams.keys < FIRST_CHARACTER_KEY
        letters = self.alphabet.is_letter[ids]
        everything = np.ones(len(ids), dtype=np.bool_)
        shares = np.zeros((len(ids), parts.shape[1]))
        for which, takes_part in ((is_word, letters), (~is_word, everything)):
            starts, stops = ngrams.starts[which], ngrams.stops[which]
            before = np.append(0, np.cumsum(takes_part))  # (T + 1,)
            each = parts[which] / (before[stops] - before[starts])[:, None]
            steps = np.zeros((len(ids) + 1, parts.shape[1]))
            np.add.at(steps, starts, each)
            np.subtract.at(steps, stops, each)
            shares += np.cumsum(steps, axis=0)[:-1] * takes_part[:, None]
        return shares


def read_constants(path: Path, graph_name: str) -> dict[str, NDArray[Any]]:
    """Read what is stored in an ONNX file.

    Args:
        path: The file.
        graph_name: What its graph must be called.

    Returns:
        Name -> array, of those that are stored as raw bytes; nothing of a graph of another name.
    """
    graph = next((value for number, value in _fields(memoryview(path.read_bytes())) if number == _GRAPH), None)
    fields = [] if graph is None else list(_fields(graph))
    names = [bytes(value) for number, value in fields if number == _GRAPH_NAME]
    if names != [graph_name.encode()]:
        return {}
    return dict(_array(value) for number, value in fields if number == _INITIALIZER)


def _array(message: memoryview) -> tuple[str, NDArray[Any]]:
    """Read a TensorProto: its name and its values."""
    fields = list(_fields(message))
    values: dict[int, Any] = dict(fields)
    kind: np.dtype[Any] = _TYPES.get(values.get(_DATA_TYPE, 0), np.dtype("u1"))
    shape = [value for number, value in fields if number == _DIMS]
    if len(shape) == 1 and not isinstance(shape[0], int):  # packed
        shape = list(_varints(shape[0]))
    raw = np.frombuffer(values.get(_RAW_DATA, b""), dtype=kind)
    return bytes(values.get(_NAME, b"")).decode(), raw.reshape(shape) if raw.size == np.prod(shape) else raw


def _fields(message: memoryview) -> Iterator[tuple[int, Any]]:
    """Read a message of Protocol Buffers: number and value of each field, bytes or a number."""
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        if tag & 7 == _VARINT:
            value, place = _varint(message, place)
            yield tag >> 3, value
            continue
        if tag & 7 == _LENGTH:
            length, place = _varint(message, place)
        else:
            length = {_FIXED64: 8, _FIXED32: 4}[tag & 7]
        yield tag >> 3, message[place : place + length]
        place += length


def _varints(message: memoryview) -> Iterator[int]:
    place = 0
    while place < len(message):
        value, place = _varint(message, place)
        yield value


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    """Read a number of 7 bits a byte; return it and the place behind it."""
    value = shift = 0
    while True:
        byte = message[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place
