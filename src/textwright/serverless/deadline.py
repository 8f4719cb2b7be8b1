"""Run the model within the time that is left, so that a request too large for it is refused instead of cut off."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Final

import numpy as np

from textwright.api.inference import score_by_stages
from textwright.api.protocols.request import Answer, Scored
from textwright.api.record import RequestRecord
from textwright.core.encodings import Encodings
from textwright.core.types import Float32s, TokenIds
from textwright.errors import DeadlineError
from textwright.runtime import explain_protocol
from textwright.runtime.predictor import Predictor

if TYPE_CHECKING:
    from textwright.runtime.explanation import TextExplanation

_SLICE_TOKENS: Final = 2_048
"""Padded tokens between two looks at the clock: a few milliseconds of a small model, some hundred of a large one."""


class DeadlineAwareRunner:
    """Runs each stage of the model as long as there is time, by what a token took in its last call."""

    def __init__(self) -> None:
        self.token_s: dict[str | None, float] = {}

    def infer(self, predictor: Predictor, encodings: Encodings, time_left_s: Callable[[], float]) -> Float32s:
        """Infer any number of texts in slices of like length, looking at the clock before each.

        Args:
            predictor: A loaded model of one stage, or a stage.
            encodings: N texts, in any order of lengths.
            time_left_s: Seconds until an answer is too late.

        Returns:
            Logits, (N, K), in nats, in the order of the texts.

        Raises:
            DeadlineError: If the rest would not be ready in time.
            BackendError: If the engine fails.
        """
        order = np.argsort(encodings.lengths, kind="stable")
        by_length = encodings.take(order)
        logits = np.empty((len(encodings), len(predictor.labels)), dtype=np.float32)
        stop = len(order)
        while stop > 0:
            longest = max(int(by_length.lengths[stop - 1]), 1)
            start = max(stop - max(_SLICE_TOKENS // longest, 1), 0)
            self._require_time(predictor.stage, (stop - start) * longest, stop, time_left_s())
            begin = perf_counter()
            logits[order[start:stop]] = predictor.infer(by_length.between(start, stop))
            self.token_s[predictor.stage] = (perf_counter() - begin) / ((stop - start) * longest)
            stop = start
        return logits

    def _require_time(self, stage: str | None, num_tokens: int, num_texts: int, time_left_s: float) -> None:
        if self.token_s.get(stage, 0.0) * num_tokens > time_left_s:
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
        return await score_by_stages(self._predictor.stages, texts, self._record, after_encoding, self._run)

    async def _run(
        self, number: int, texts: Sequence[str], after_encoding: Callable[[Sequence[bool]], None]
    ) -> list[Scored]:
        stage, record, start = self._predictor.stages[number], self._record, perf_counter()
        encodings = stage.encode(texts)
        encoded = perf_counter()
        record.note_inference(len(encodings.ids), 1e3 * (encoded - start))
        after_encoding(encodings.truncated.tolist())
        logits = self._runner.infer(stage, encodings, self._time_left_s)
        scored = list(map(Scored, stage.decode(logits, encodings), logits))
        record.note_inference(infer_ms=1e3 * (perf_counter() - encoded))
        return scored

    async def explain(self, texts: Sequence[str], scored: Sequence[Scored]) -> list[TextExplanation]:
        """Explain texts that were scored."""
        start = perf_counter()
        explanations: dict[int, TextExplanation] = {}
        for number, positions in self._predictor.answered_by(item.prediction for item in scored).items():
            stage = self._predictor.stages[number]
            theirs = [texts[position] for position in positions], [scored[position].logits for position in positions]
            parts = stage.explainer.parts(*theirs, self._explain_max_cost)
            answers = explain_protocol.run(explain_protocol.together(parts), partial(self._probe, stage))
            explanations.update(zip(positions, answers, strict=True))
        self._record.explain_ms = 1e3 * (perf_counter() - start)
        return [explanations[position] for position in range(len(texts))]

    async def write(self, function: Callable[[], Answer]) -> Answer:
        """Write an answer."""
        return function()

    def _probe(self, stage: Predictor, probes: list[TokenIds]) -> Float32s:
        return self._runner.infer(stage, Encodings.of(probes), self._time_left_s)
