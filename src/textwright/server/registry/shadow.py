"""Ask a second model what a first one has answered, after the answer is sent: compared, counted, never sent.

The work is bounded. Comparisons are made one after another, only while the model that answers has nothing to do; what
waits is bounded in texts and characters, and what comes beyond that is dropped and counted.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from textwright.api.record import RequestRecord, describe_error
from textwright.server.inference.executor import QueueExecutor
from textwright.server.inference.served_model import ServedModel

_MAX_CHARS: Final = 4_000_000
"""Characters of the texts that may wait, beside their number."""
_POLL_S: Final = 0.005

logger = logging.getLogger(__name__)


class ShadowRequest(NamedTuple):
    """What is asked again.

    Args:
        texts: N texts.
        labels: What was answered for each, (N,).
        answered_by: The model that answered.
        model: The one that is asked as well.
        candidate: Name of the one of both that is on trial.
    """

    texts: Sequence[str]
    labels: Sequence[tuple[str, ...]]
    answered_by: ServedModel
    model: ServedModel
    candidate: str


class ShadowResult(NamedTuple):
    """What came of a comparison.

    Args:
        comparison: What was asked.
        disagreements: For each text whether both labeled it otherwise, (N,); empty if the second model failed.
        record: What the second model took.
    """

    comparison: ShadowRequest
    disagreements: Sequence[bool]
    record: RequestRecord


class Shadow:
    """The comparisons that wait, and the task that makes them.

    Args:
        max_texts: Texts that may wait, >= 1.
        on_compared: Called with each comparison that was made.
    """

    def __init__(self, max_texts: int, on_compared: Callable[[ShadowResult], object]) -> None:
        self._max_texts = max_texts
        self._on_compared = on_compared
        self._waiting: deque[ShadowRequest] = deque()
        self._num_texts = self._num_chars = 0
        self._arrival = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to compare; call on the event loop."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def submit(self, comparison: ShadowRequest) -> bool:
        """Let a comparison wait for its turn.

        Returns:
            False if too much waits already: it is dropped.
        """
        num_texts, num_chars = len(comparison.texts), sum(map(len, comparison.texts))
        if self._num_texts + num_texts > self._max_texts or self._num_chars + num_chars > _MAX_CHARS:
            return False
        self._waiting.append(comparison)
        self._num_texts += num_texts
        self._num_chars += num_chars
        self._arrival.set()
        return True

    async def close(self) -> None:
        """Drop what waits."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await self._arrival.wait()
            while self._waiting:
                comparison = self._waiting[0]
                while comparison.answered_by.num_texts:
                    await asyncio.sleep(_POLL_S)
                self._on_compared(await _compare(comparison))
                self._waiting.popleft()
                self._num_texts -= len(comparison.texts)
                self._num_chars -= sum(map(len, comparison.texts))
                await asyncio.sleep(0)
            self._arrival.clear()


async def _compare(comparison: ShadowRequest) -> ShadowResult:
    record = RequestRecord("shadow", num_texts=len(comparison.texts), model=comparison.model.title)
    executor = QueueExecutor(_never, comparison.model, record)
    try:
        scored = await executor.score(comparison.texts, _ignore)
    except Exception as error:  # noqa: BLE001  a model may raise anything, and nobody waits for this answer
        logger.warning("shadow failed", extra={"fields": {"model": record.model, "error": describe_error(error)}})
        return ShadowResult(comparison, (), record)
    pairs = zip(scored, comparison.labels, strict=True)
    return ShadowResult(comparison, [set(item.prediction.labels) != set(labels) for item, labels in pairs], record)


async def _never() -> Any:  # noqa: ANN401  an ASGI message
    """Receive nothing: no client waits who could hang up."""
    await asyncio.Event().wait()


def _ignore(_truncated: Sequence[bool]) -> None:
    """Note nothing."""
