"""Explanations through the queue: a request's probes wait, count and take turns like the texts of any other request.

So one request for explanations cannot starve the others: each of its rounds is admitted anew, and refused when the
queue is full. Caller: ``server.routes``; only the native contract explains.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from time import perf_counter
from typing import Final, NamedTuple

import numpy as np
from starlette.requests import Request

from textwright.core.encodings import Encodings
from textwright.core.types import Float32s, TokenIds
from textwright.errors import DeadlineError, RequestLimitError
from textwright.runtime.explanation import Explanation
from textwright.runtime.probing import Probing, together
from textwright.server.engine import Scored
from textwright.server.guard import charge
from textwright.server.scoring import compute, score
from textwright.server.service import Service, service_of

PRICE: Final = 10
"""Texts that an explained text counts as in its key's share: explaining takes up to nine predictions, and there is
the prediction itself."""


class Explained(NamedTuple):
    """What is said about the texts of a request.

    Args:
        scored: N scored texts.
        explanations: Their N explanations.
        explain_ms: What the explanations took beyond the predictions.
    """

    scored: Sequence[Scored]
    explanations: list[Explanation]
    explain_ms: float


async def explain(request: Request, texts: Sequence[str]) -> Explained:
    """Predict and explain the texts of a request.

    Args:
        request: A request whose body has been read.
        texts: Its N texts, at least one.

    Returns:
        Predictions and explanations, in order.

    Raises:
        RequestLimitError: If there are more texts than may be explained at once; and what ``score`` raises.
        DeadlineError: If explaining takes longer than a prediction may.
    """
    service = service_of(request)
    _check(texts, service)
    charge(request, (PRICE - 1) * len(texts))
    scored = await score(request, texts)
    start = perf_counter()
    try:
        async with asyncio.timeout(service.settings.timeout_s):
            explanations = await _explain(request, texts, scored)
    except TimeoutError:
        raise DeadlineError(
            f"no explanation within {service.settings.timeout_s:g} s, so the request was dropped; explain fewer texts"
        ) from None
    return Explained(scored, explanations, 1e3 * (perf_counter() - start))


async def _explain(request: Request, texts: Sequence[str], scored: Sequence[Scored]) -> list[Explanation]:
    service = service_of(request)
    engine, max_cost = service.engine, service.settings.explain_max_cost
    num_chars = sum(map(len, texts))
    logits, answered_by = [item.logits for item in scored], [item.prediction.stage for item in scored]
    explainer = await engine.explainer()
    begin = partial(explainer.parts, texts, logits, answered_by, max_cost)
    probing = together(await engine.prepare(begin, num_chars=num_chars))
    found: Float32s | None = None
    while True:
        probes = await engine.prepare(partial(_next_probes, probing, found), num_chars=num_chars)
        if isinstance(probes, _Found):
            return probes.explanations
        found = await _ask(request, probes)


class _Found(NamedTuple):
    explanations: list[Explanation]


def _next_probes(probing: Probing[list[Explanation]], logits: Float32s | None) -> list[TokenIds] | _Found:
    """Go on with an explanation; StopIteration may not cross a future, so its value is wrapped."""
    try:
        return next(probing) if logits is None else probing.send(logits)
    except StopIteration as stop:
        return _Found(stop.value)


async def _ask(request: Request, probes: list[TokenIds]) -> Float32s:
    """Send probes through the queue."""
    with service_of(request).batcher.admit(len(probes)) as permit:
        answer = await compute(request, permit, Encodings.of(probes))
    return np.stack([item.logits for item in answer.results])


def _check(texts: Sequence[str], service: Service) -> None:
    bound = service.settings.max_explained_texts
    if len(texts) > bound:
        raise RequestLimitError(
            f"the request asks to explain {len(texts)} texts, at most {bound} are allowed; send them in several "
            "requests, or start the server with a larger --max-explained-texts"
        )
