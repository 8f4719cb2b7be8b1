"""Keep inference off the event loop: one thread answers requests in the order of their arrival.

Health checks go on while a long request is computed. Callers: ``server.service``; the batcher will take this place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter

from textwright.runtime.predictor import Prediction, Predictor


@dataclass(frozen=True, slots=True)
class Answer:
    """The predictions of one request and what they cost.

    Args:
        predictions: N predictions, in the order of the texts.
        num_tokens: Tokens read by the model, padding not counted.
        tokenize_ms: Time from texts to ids.
        infer_ms: Time from ids to predictions.
    """

    predictions: list[Prediction]
    num_tokens: int
    tokenize_ms: float
    infer_ms: float


def answer(predictor: Predictor, texts: Sequence[str]) -> Answer:
    """Predict texts and time the two parts of it.

    Args:
        predictor: A loaded model.
        texts: N texts.

    Returns:
        N predictions with their cost.

    Raises:
        TextError: If a text cannot be encoded.
        BackendError: If the engine fails.
    """
    start = perf_counter()
    encoded = predictor.encode(texts)
    tokenized = perf_counter()
    predictions = predictor.decode(predictor.infer_all(encoded), encoded.truncated)
    inferred = perf_counter()
    return Answer(predictions, encoded.ids.size, 1e3 * (tokenized - start), 1e3 * (inferred - tokenized))


class InferenceThread:
    """A thread that owns the model's time.

    Args:
        predictor: A loaded model.
    """

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="inference")

    async def predict(self, texts: Sequence[str]) -> Answer:
        """Predict texts without blocking the event loop.

        Args:
            texts: N texts.

        Returns:
            N predictions with their cost.

        Raises:
            TextError: If a text cannot be encoded.
            BackendError: If the engine fails.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, answer, self._predictor, texts)

    def close(self) -> None:
        """Let the running request finish, drop those that wait, and end the thread."""
        self._executor.shutdown(wait=True, cancel_futures=True)
