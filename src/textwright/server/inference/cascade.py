"""The way of a cascade's request: what its fast stage has answered is told at once, the rest goes to the strong stage.

So the queue, its limits and its batches know one tokenizer, the strong stage's; and what the fast stage answers waits
behind nobody.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from time import perf_counter

import numpy as np

from textwright.api.protocols.request import Scored
from textwright.core.encodings import Encodings
from textwright.core.stages import StagedEncodings
from textwright.runtime.pending import Answer
from textwright.server.inference.engine import Engine, score


async def compute_staged(
    engine: Engine, staged: StagedEncodings, compute: Callable[[Encodings], Awaitable[Answer[Scored]]]
) -> Answer[Scored]:
    """Put the answers of both stages together.

    Args:
        engine: The model.
        staged: N texts, at least one.
        compute: Asks the strong stage about those that are sent on, if there are any.

    Returns:
        N scored texts in order, and what they cost.
    """
    start = perf_counter()
    settled = np.flatnonzero(staged.settled)
    done = score(engine.predictor, staged.take(settled)) if len(settled) else []
    decode_ms = 1e3 * (perf_counter() - start)
    if len(settled) == len(staged):
        return Answer(done, 0.0, decode_ms, len(done))
    rest = await compute(staged.sent_on())
    if not done:
        return rest
    at_once, later = iter(done), iter(rest.results)
    results = [next(at_once if is_settled else later) for is_settled in staged.settled.tolist()]
    return Answer(results, rest.queue_ms, rest.infer_ms + decode_ms, rest.batch_size)
