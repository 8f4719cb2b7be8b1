"""Infer within the time that is left, so that a request too large for it is refused instead of cut off."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Final

import numpy as np

from textwright.core.encodings import Encodings
from textwright.core.stages import StagedEncodings
from textwright.core.types import Float32s
from textwright.errors import DeadlineError
from textwright.runtime.predictor import Predictor

_SLICE_TOKENS: Final = 2_048
"""Padded tokens between two looks at the clock: a few milliseconds of a small model, some hundred of a large one."""


class Pace:
    """How long the model takes for a token, learnt from each call."""

    def __init__(self) -> None:
        self.token_s = 0.0

    def infer(self, predictor: Predictor, encodings: Encodings, time_left_s: Callable[[], float]) -> Float32s:
        """Infer any number of texts in slices of like length, looking at the clock before each.

        Args:
            predictor: A loaded model.
            encodings: N texts, in any order of lengths.
            time_left_s: Seconds until an answer is too late.

        Returns:
            Logits, (N, K), in nats, in the order of the texts.

        Raises:
            DeadlineError: If the rest would not be ready in time.
            BackendError: If the engine fails.
        """
        if isinstance(encodings, StagedEncodings):
            logits = encodings.logits.copy()
            logits[~encodings.settled] = self.infer(predictor, encodings.sent_on(), time_left_s)
            return logits
        order = np.argsort(encodings.lengths, kind="stable")
        by_length = encodings.take(order)
        logits = np.empty((len(encodings), len(predictor.labels)), dtype=np.float32)
        stop = len(order)
        while stop > 0:
            longest = max(int(by_length.lengths[stop - 1]), 1)
            start = max(stop - max(_SLICE_TOKENS // longest, 1), 0)
            self._require_time((stop - start) * longest, stop, time_left_s())
            begin = perf_counter()
            logits[order[start:stop]] = predictor.infer(by_length.between(start, stop))
            self.token_s = (perf_counter() - begin) / ((stop - start) * longest)
            stop = start
        return logits

    def _require_time(self, num_tokens: int, num_texts: int, time_left_s: float) -> None:
        if self.token_s * num_tokens > time_left_s:
            raise DeadlineError(
                f"the function's time would be over before the last {num_texts} texts are predicted; send fewer texts "
                "in one request, or give the function more time or memory"
            )
