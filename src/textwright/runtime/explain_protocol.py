"""Explaining asks the model about other texts; this is how it asks, whoever runs the model.

An explanation is written as a generator: it yields the token ids of texts that it wants to know about, its *probes*,
and is sent their logits. A Python caller runs the model at once; the server puts the probes into its queue.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import TypeAlias, TypeVar

from textwright.core.types import Float32s, TokenIds

T = TypeVar("T")

Probing: TypeAlias = Generator[list[TokenIds], Float32s, T]
"""Yields probes, any number N of them; is sent their logits, (N, K); returns what it found."""


def together(parts: Sequence[Probing[T]]) -> Probing[list[T]]:
    """Let several ask at the same time, so that the probes of all go through the model in the same batches.

    Args:
        parts: N generators of texts, none of which has started.

    Yields:
        In each round, the probes of all that still ask.

    Returns:
        N results, in order.
    """
    results: dict[int, T] = {}
    pending: dict[int, list[TokenIds]] = {}
    for place, part in enumerate(parts):
        _advance(part, None, place, pending, results)
    while pending:
        logits = yield [probe for probes in pending.values() for probe in probes]
        start = 0
        for place, probes in list(pending.items()):
            answers = logits[start : start + len(probes)]
            start += len(probes)
            _advance(parts[place], answers, place, pending, results)
    return [results[place] for place in range(len(parts))]


def run(probing: Probing[T], infer: Callable[[list[TokenIds]], Float32s]) -> T:
    """Answer all probes by calling a model.

    Args:
        probing: Who asks.
        infer: Turns N texts into logits, (N, K).

    Returns:
        What it found.
    """
    try:
        probes = next(probing)
        while True:
            probes = probing.send(infer(probes))
    except StopIteration as stop:
        result: T = stop.value
        return result


def _advance(
    part: Probing[T],
    answers: Float32s | None,
    place: int,
    pending: dict[int, list[TokenIds]],
    results: dict[int, T],
) -> None:
    """Send one asker its answers, and note what it asks next or what it found."""
    try:
        pending[place] = next(part) if answers is None else part.send(answers)
    except StopIteration as stop:
        pending.pop(place, None)
        results[place] = stop.value
