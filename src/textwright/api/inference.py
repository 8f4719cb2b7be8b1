"""From a parsed request to its answer: the checks, the rate limit, the record and the model, for every protocol.

How the model is run differs: a server has a queue and an event loop, a Lambda function has the time that is left. That
is the :class:`Executor`, whose methods are coroutines; those of Lambda never wait, so no event loop is needed there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

import numpy as np

from textwright.api.model import LoadedModel
from textwright.api.protocols.request import Answer, PredictRequest, Scored
from textwright.api.record import RequestRecord
from textwright.api.validation import check_num_explained, check_texts
from textwright.errors import RequestLimitError
from textwright.runtime.predictor import Predictor

if TYPE_CHECKING:
    from textwright.api.auth import Key
    from textwright.runtime.explanation import TextExplanation

EXPLAIN_PRICE: Final = 10
"""Texts that an explained text counts as in its key's share: explaining takes up to nine predictions, and there is
the prediction itself."""
_QUICK_SCORES: Final = 4_096
"""As many scores are written in about a millisecond."""

T = TypeVar("T")


class Executor(Protocol):
    """Runs the model for one request and notes in its record what that cost."""

    async def score(self, texts: Sequence[str], after_encoding: Callable[[Sequence[bool]], None]) -> list[Scored]:
        """Run the model.

        Args:
            texts: N texts, within the limits.
            after_encoding: Called with whether each text is truncated, as soon as that is known; what it raises ends
                the request.

        Returns:
            N scored texts, in order.
        """

    async def explain(self, texts: Sequence[str], scored: Sequence[Scored]) -> list[TextExplanation]:
        """Explain N texts that were scored."""

    async def write(self, function: Callable[[], Answer]) -> Answer:
        """Write an answer of many scores."""


async def answer(
    request: PredictRequest, model: LoadedModel, key: Key | None, record: RequestRecord, executor: Executor
) -> Answer:
    """Predict the texts of a request and write their answer.

    Args:
        request: The parsed request.
        model: The model that it chose.
        key: The key that it showed; None without keys.
        record: What the log will say; filled in.
        executor: Runs the model.

    Returns:
        The answer in the form of the request's protocol.

    Raises:
        RequestError: If the protocol could not write the predictions.
        RequestLimitError: If there are more texts, or longer ones, than are allowed; if the answer would be too large;
            or if a text is longer than the model reads and may not be truncated.
        RateLimitError: If the key of the request may not ask for so many texts now.
        ServingError: If the model is too busy or cannot answer in time.
        BackendError: If the engine fails.
    """
    num_texts, num_labels = len(request.texts), len(model.labels)
    request.check(model)
    model.check_answer(num_texts, request.num_scores(num_labels), request.score_bytes)
    if request.explain:
        check_num_explained(num_texts, model.limits)
        if key is not None:
            key.consume_quota((EXPLAIN_PRICE - 1) * num_texts)
    scored = await score(model, request.texts, key, record, executor, may_truncate=request.may_truncate)
    if request.explain:
        explanations = await executor.explain(request.texts, scored)
        pairs = zip(scored, explanations, strict=True)
        scored = [Scored(item.prediction, item.logits, explanation) for item, explanation in pairs]
    if num_texts * num_labels <= _QUICK_SCORES:
        return request.encode(model, scored)
    return await executor.write(partial(request.encode, model, scored))


async def score(
    model: LoadedModel,
    texts: Sequence[str],
    key: Key | None,
    record: RequestRecord,
    executor: Executor,
    *,
    may_truncate: bool = True,
) -> list[Scored]:
    """Predict texts; see :func:`answer`.

    Args:
        model: The model.
        texts: N texts, at least one.
        key: The key of the request; None without keys.
        record: What the log will say; filled in.
        executor: Runs the model.
        may_truncate: False refuses texts that are longer than the model reads.

    Returns:
        N scored texts, in order.
    """
    record.num_texts, record.model = len(texts), model.title
    check_texts(texts, model.limits)
    if key is not None:
        key.consume_quota(len(texts))

    def note_truncated(truncated: Sequence[bool]) -> None:
        record.truncated = sum(truncated)
        if record.truncated and not may_truncate:
            raise RequestLimitError(
                f"text {truncated.index(True)} is longer than the {model.max_length} tokens that the model reads, and "
                "truncation is switched off; shorten it, or allow truncation"
            )

    return await executor.score(texts, note_truncated)


async def score_by_stages(
    stages: Sequence[Predictor],
    texts: Sequence[str],
    record: RequestRecord,
    after_encoding: Callable[[Sequence[bool]], None],
    run: Callable[[int, Sequence[str], Callable[[Sequence[bool]], None]], Awaitable[list[Scored]]],
) -> list[Scored]:
    """Let each stage of a model score the texts that those before it did not accept.

    Args:
        stages: What answers, in order; see ``Predictor.stages``.
        texts: N texts, at least one.
        record: What the log will say; filled in where there are several stages.
        after_encoding: As for :meth:`Executor.score`.
        run: Runs a stage, by its position, on texts and reports which are truncated as soon as that is known.

    Returns:
        N scored texts, in order.
    """
    if len(stages) == 1:
        return await run(0, texts, after_encoding)
    scored: dict[int, Scored] = {}
    for number, stage in enumerate(stages):
        remaining = [position for position in range(len(texts)) if position not in scored]

        def note_truncated(
            truncated: Sequence[bool], remaining: Sequence[int] = remaining, number: int = number
        ) -> None:
            if number == len(stages) - 1:
                late = dict(zip(remaining, truncated, strict=True))
                flags = (late[at] if at in late else scored[at].prediction.truncated for at in range(len(texts)))
                after_encoding(list(flags))

        answers = await run(number, [texts[position] for position in remaining], note_truncated)
        accepted = stage.accepts(np.stack([item.logits for item in answers])).tolist()
        scored.update((at, item) for at, item, is_final in zip(remaining, answers, accepted, strict=True) if is_final)
        if number == 0:
            record.num_escalated = len(texts) - len(scored)
        if len(scored) == len(texts):
            break
    results = [scored[position] for position in range(len(texts))]
    if number < len(stages) - 1:
        after_encoding([item.prediction.truncated for item in results])
    record.stage_texts = Counter(str(item.prediction.stage) for item in results)
    return results


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that waits for nothing, without an event loop.

    Args:
        coroutine: Its awaits end at once, as those of an executor without a queue do.

    Returns:
        What it returns.

    Raises:
        RuntimeError: If it waits.
    """
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    coroutine.close()
    raise RuntimeError("the coroutine waits for something, and there is no event loop")
