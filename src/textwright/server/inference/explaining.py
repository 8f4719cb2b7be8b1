"""Explanations through the queue: a request's probes wait, count and take turns like the texts of any other request.

So one request for explanations cannot starve the others: each of its rounds is admitted anew, and refused when the
queue is full. Caller: ``inference.executor``; only the native protocol explains.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from textwright.api.protocols.request import Scored
from textwright.core.encodings import Encodings
from textwright.core.types import Float32s, TokenIds
from textwright.errors import DeadlineError
from textwright.runtime.explain_protocol import Probing, together
from textwright.runtime.explanation import TextExplanation
from textwright.runtime.request_state import BatchedResults
from textwright.server.inference.served_model import ServedModel, ServedStage


async def explain(
    served: ServedModel,
    texts: Sequence[str],
    scored: Sequence[Scored],
    compute: Callable[[ServedStage, Encodings], Awaitable[BatchedResults[Scored]]],
) -> list[TextExplanation]:
    """Explain the texts of a request.

    Args:
        served: The model.
        texts: Its N texts, at least one.
        scored: What the model says about them.
        compute: Runs a stage of the model on probes.

    Returns:
        Explanations, in order.

    Raises:
        DeadlineError: If explaining takes longer than a prediction may.
    """
    try:
        async with asyncio.timeout(served.settings.timeout_s):
            return await _explain(served, texts, scored, compute)
    except TimeoutError:
        raise DeadlineError(
            f"no explanation within {served.settings.timeout_s:g} s, so the request was dropped; explain fewer texts"
        ) from None


async def _explain(
    served: ServedModel,
    texts: Sequence[str],
    scored: Sequence[Scored],
    compute: Callable[[ServedStage, Encodings], Awaitable[BatchedResults[Scored]]],
) -> list[TextExplanation]:
    explanations: dict[int, TextExplanation] = {}
    for number, positions in served.model.predictor.answered_by(item.prediction for item in scored).items():
        theirs = [texts[position] for position in positions], [scored[position].logits for position in positions]
        answers = await _explain_stage(served.stages[number], *theirs, served.settings.explain_max_cost, compute)
        explanations.update(zip(positions, answers, strict=True))
    return [explanations[position] for position in range(len(texts))]


async def _explain_stage(
    stage: ServedStage,
    texts: Sequence[str],
    logits: Sequence[Float32s],
    max_cost: float,
    compute: Callable[[ServedStage, Encodings], Awaitable[BatchedResults[Scored]]],
) -> list[TextExplanation]:
    engine, num_chars = stage.engine, sum(map(len, texts))
    explainer = await engine.explainer()
    begin = partial(explainer.parts, texts, logits, max_cost)
    probing = together(await engine.prepare(begin, num_chars=num_chars))
    probe_logits: Float32s | None = None
    while True:
        probes = await engine.prepare(partial(_next_probes, probing, probe_logits), num_chars=num_chars)
        if isinstance(probes, _Found):
            return probes.explanations
        answer = await compute(stage, Encodings.of(probes))
        probe_logits = np.stack([item.logits for item in answer.results])


class _Found(NamedTuple):
    explanations: list[TextExplanation]


def _next_probes(probing: Probing[list[TextExplanation]], logits: Float32s | None) -> list[TokenIds] | _Found:
    """Go on with an explanation; StopIteration may not cross a future, so its value is wrapped."""
    try:
        return next(probing) if logits is None else probing.send(logits)
    except StopIteration as stop:
        return _Found(stop.value)
