"""Run the model within the time that is left, so that a request too large for it is refused instead of cut off."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Final

import numpy as np

from textwright.api.protocols.request import Answer, Scored
from textwright.api.record import RequestRecord
from textwright.core.encodings import Encodings
from textwright.core.stages import StagedEncodings
from textwright.core.types import Float32s, TokenIds
from textwright.errors import DeadlineError
from textwright.runtime import probing
from textwright.runtime.predictor import Predictor

if TYPE_CHECKING:
    from textwright.runtime.explanation import Explanation

_SLICE_TOKENS: Final = 2_048
"""Padded tokens between two looks at the clock: a few milliseconds of a small model, some hundred of a large one."""


class DeadlineAwareRunner:
    """Runs the model as long as there is time, by what a token took in the last call."""

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


class DeadlineExecutor:
    """Runs the model for one request, here and now; see ``api.inference.Executor``. Its coroutines wait for nothing.

    Args:
        predictor: A loaded model.
        runner: Runs it within the time that is left.
        time_left_s: Seconds until an answer is too late.
        record: What the log will say.
        explain_max_cost: Tokens that may be read to explain a text, as a multiple of its own.
    """

    def __init__(
        self,
        predictor: Predictor,
        runner: DeadlineAwareRunner,
        time_left_s: Callable[[], float],
        record: RequestRecord,
        explain_max_cost: float,
    ) -> None:
        self._predictor = predictor
        self._runner = runner
        self._time_left_s = time_left_s
        self._record = record
        self._explain_max_cost = explain_max_cost

    async def score(self, texts: Sequence[str], after_encoding: Callable[[Sequence[bool]], None]) -> list[Scored]:
        """Run the model."""
        predictor, record, start = self._predictor, self._record, perf_counter()
        encodings = predictor.encode(texts)
        encoded = perf_counter()
        record.num_tokens = int(encodings.text_lengths.sum())
        if isinstance(encodings, StagedEncodings):
            record.num_sent_on = int(np.count_nonzero(~encodings.settled))
        after_encoding(encodings.truncated.tolist())
        logits = self._runner.infer(predictor, encodings, self._time_left_s)
        predictions = predictor.decode(logits, encodings)
        record.tokenize_ms, record.infer_ms = 1e3 * (encoded - start), 1e3 * (perf_counter() - encoded)
        return list(map(Scored, predictions, logits))

    async def explain(self, texts: Sequence[str], scored: Sequence[Scored]) -> list[Explanation]:
        """Explain texts that were scored."""
        start = perf_counter()
        logits, answered_by = [item.logits for item in scored], [item.prediction.stage for item in scored]
        parts = self._predictor.explainer.parts(texts, logits, answered_by, self._explain_max_cost)
        explanations = probing.run(probing.together(parts), self._probe)
        self._record.explain_ms = 1e3 * (perf_counter() - start)
        return explanations

    async def write(self, function: Callable[[], Answer]) -> Answer:
        """Write an answer."""
        return function()

    def _probe(self, probes: list[TokenIds]) -> Float32s:
        return self._runner.infer(self._predictor, Encodings.of(probes), self._time_left_s)
