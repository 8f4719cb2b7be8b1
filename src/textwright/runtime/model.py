"""A tokenizer and a graph that belong together: from texts to logits, and no further."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from textwright.core.encodings import Encodings, pad
from textwright.core.tokenizer import TextTokenizer
from textwright.core.types import Float32s, Ints, TokenIds
from textwright.errors import ArtifactFormatError, BackendError
from textwright.runtime.engines import OpenSession

if TYPE_CHECKING:
    from textwright.core.word_spans import Located

_MAX_BATCH_TOKENS: Final = 16_384
"""Padded tokens of one inference call: enough to amortise the call, little enough to stay in cache."""


class GraphModel:
    """One tokenizer and one graph. Safe to share between threads: nothing changes after loading.

    Args:
        tokenizer: The content of a ``tokenizer.json``.
        session: The open graph.
        num_labels: K.

    Raises:
        ArtifactFormatError: If the tokenizer cannot be read, or the graph gives logits of another number of labels.
    """

    def __init__(self, tokenizer: str, session: OpenSession, *, num_labels: int) -> None:
        self._encoder = TextTokenizer(tokenizer)
        self._session = session
        self._num_labels = num_labels
        if session.num_labels not in (None, num_labels):
            raise ArtifactFormatError(
                f"the graph {self.graph_path or ''} gives {session.num_labels} logits a text, and the manifest names "
                f"{num_labels} labels; export the model again"
            )

    @property
    def graph_path(self) -> Path | None:
        """The file of the graph; None if it is in memory alone."""
        return None

    logit_scale: float = 1.0
    """What the graph's logits are multiplied by."""

    def stop(self) -> None:
        """End the calls that run and refuse all that come, where the engine can: ONNX Runtime, between operators."""
        stop = getattr(self._session, "stop", None)
        if stop is not None:
            stop()

    @property
    def vocab_size(self) -> int:
        """Number of token ids, special tokens included (V)."""
        return self._encoder.vocab_size

    def unknown_rates(self, encodings: Encodings) -> Float32s:
        """Give the share of each text's tokens that the vocabulary does not know.

        Args:
            encodings: B texts, as :meth:`encode` gave them.

        Returns:
            (B,), in [0, 1]; 0 for a text without tokens, and for a tokenizer that knows every text.
        """
        counts = np.concatenate([[0], np.cumsum(encodings.ids == self._encoder.unknown_id)])
        unknown = counts[encodings.offsets[1:]] - counts[encodings.offsets[:-1]]
        return np.asarray(unknown / np.maximum(encodings.lengths, 1), dtype=np.float32)

    def encode(self, texts: Iterable[str]) -> Encodings:
        """Turn texts into token ids, before queueing, so that a batcher can count tokens.

        Args:
            texts: B texts, from any iterable; empty ones are allowed.

        Returns:
            B encodings, in order.

        Raises:
            TextError: If an item is not a string, or no Unicode text; or if ``texts`` is one string, a table, a
                mapping or a set.
        """
        return self._encoder.encode(texts)

    def locate(self, texts: Iterable[str]) -> list[Located]:
        """Turn texts into token ids, and say which word of the text each token stands in; what explaining starts from.

        Args:
            texts: B texts, as for :meth:`encode`.

        Returns:
            B texts, in order, with the ids that :meth:`encode` gives.

        Raises:
            TextError: If an item is not a string, or no Unicode text.
        """
        return self._encoder.locate(texts)

    def infer(self, batch: Encodings | Sequence[TokenIds]) -> Float32s:
        """Run the model once over a batch; this is the only call that costs.

        Args:
            batch: B texts, as encodings or as lists of token ids; texts of like length waste least padding.

        Returns:
            Logits, (B, K), in nats, not calibrated.

        Raises:
            BackendError: If the engine fails.
        """
        logits = self._session.infer(*pad(batch, self._encoder.pad_id))
        if logits.shape != (len(batch), self._num_labels):
            raise BackendError(
                f"the graph gave logits of shape {logits.shape} for {len(batch)} texts and {self._num_labels} labels"
            )
        return logits if self.logit_scale == 1.0 else np.asarray(logits * np.float32(self.logit_scale))

    def infer_all(self, encodings: Encodings) -> Float32s:
        """Infer any number of texts, in batches of like length that fit the cache.

        Args:
            encodings: N texts, in any order of lengths.

        Returns:
            Logits, (N, K), in nats, in the order of the texts.

        Raises:
            BackendError: If the engine fails.
        """
        lengths = encodings.lengths
        if len(lengths) * lengths.max(initial=0) <= _MAX_BATCH_TOKENS:
            return self.infer(encodings)
        order = np.argsort(lengths, kind="stable")
        by_length = encodings.take(order)
        logits = np.empty((len(encodings), self._num_labels), dtype=np.float32)
        for start, stop in _batches(by_length.lengths):
            logits[order[start:stop]] = self.infer(by_length.between(start, stop))
        return logits


def _batches(lengths: Ints) -> Iterator[tuple[int, int]]:
    """Cut texts of rising length into runs of at most ``_MAX_BATCH_TOKENS`` padded tokens: (start, stop)."""
    stop = len(lengths)
    while stop > 0:
        start = max(stop - max(_MAX_BATCH_TOKENS // max(int(lengths[stop - 1]), 1), 1), 0)
        yield start, stop
        stop = start
