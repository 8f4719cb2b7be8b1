"""The predictor as the batcher wants it: texts become items, items become predictions, both off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from math import ceil
from time import perf_counter
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np

from textwright.api.codec import EXAMPLE_TEXT
from textwright.api.protocols.request import Scored
from textwright.core.encodings import Encodings, offsets_of
from textwright.core.types import Int32s
from textwright.runtime.batching import BatchLimits
from textwright.runtime.explain import Explainer
from textwright.runtime.predictor import Predictor
from textwright.server.inference.model_thread import ModelThread
from textwright.server.settings import ServeSettings

R = TypeVar("R")

_BATCH_S: Final = 0.05
"""How long one batch may keep others waiting. Longer ones gain nothing: on a CPU the cost grows with the tokens."""
_MAX_BATCH_TOKENS: Final = 16_384
"""Padded tokens of one batch, however fast the model: beyond, they fall out of the processor's cache."""
_MANY: Final = 16
"""Short texts of the batch that tells what a further text costs."""
_HAND_OVER_S: Final = 1e-4
"""What it costs to send a batch to the thread and its results back."""
_CERTAIN_SHARE: Final = 0.95
"""Share of the tokens guessed from a sample that counts before all texts are encoded; too many cost a short wait."""
_EXPLAIN_FACTOR: Final = 10
"""How much longer finding the words of a text takes than encoding it."""
_LEAST_TOKEN_S: Final = 1e-8
"""No model reads a token in less; what is measured below is the noise of the clock."""
_LEAST_TRIES: Final = 3
_TRIAL_S: Final = 0.01
"""A measurement is repeated as often and for as long as that."""
_WAKING_S: Final = 2e-4
"""What it may cost to wake other threads for one call, and to wait for them."""
_INLINE_S: Final = 1e-3
"""What takes less is done on the event loop, which nobody notices. In a thread, each write to a socket
would lend the interpreter to the model and wait to get it back: a third of the requests per second for ``bow``."""


class Item(NamedTuple):
    """One text as the batcher holds it.

    Args:
        ids: Token ids, (T,).
        truncated: True if the text was longer than the model reads.
    """

    ids: Int32s
    truncated: bool


def _unwatched(_encodings: asyncio.Future[Any]) -> AbstractContextManager[None]:
    return nullcontext()


class InferenceEngine:
    """A predictor with one thread to encode in and one to infer in, for what would hold up the event loop.

    Args:
        predictor: A loaded model.
        limits: What its calls and tokens cost, as :func:`profile_model` found.
    """

    def __init__(self, predictor: Predictor, limits: BatchLimits) -> None:
        self.predictor = predictor
        self._explainer: Explainer | None = None
        self._limits = limits
        self.quick_chars = _INLINE_S / _seconds_per_char(predictor)
        """Characters that are encoded so quickly that nobody notices it on the event loop."""
        self._tokens_per_char = len(predictor.encode([EXAMPLE_TEXT]).ids) / len(EXAMPLE_TEXT)
        self.on_batch: Callable[[int], object] = _ignore
        """Called with the number of texts of each batch."""
        self._encoding = ModelThread("encoding")
        self._inference = ModelThread("inference")

    async def encode(
        self, texts: Sequence[str], *, watch: Callable[[asyncio.Future[Any]], AbstractContextManager[None]] = _unwatched
    ) -> Encodings:
        """Turn texts into token ids.

        Args:
            texts: N texts.
            watch: Given the future of the encodings while they are waited for; if it resolves that, they are not made.

        Returns:
            N encodings, in order.

        Raises:
            TextError: If a text cannot be encoded.
        """
        if sum(map(len, texts)) <= self.quick_chars:
            return self.predictor.encode(texts)
        encodings = self._encoding.submit(self.predictor.encode, texts)
        with watch(encodings):
            return await encodings

    def min_tokens(self, texts: Sequence[str]) -> int:
        """Guess how many tokens texts have at least, from a sample that is encoded so quickly that nobody notices it.

        It is 0 where there is little to encode, or too little of it makes a sample.

        Raises:
            TextError: If a text of the sample cannot be encoded.
        """
        num_chars = sum(map(len, texts))
        sample = texts[:: ceil(num_chars / self.quick_chars)] if num_chars else []
        if len(sample) in {len(texts), 0} or sum(map(len, sample)) > 2 * self.quick_chars:
            return 0
        tokens_per_text = len(self.predictor.encode(sample).ids) / len(sample)
        return int(_CERTAIN_SHARE * tokens_per_text * len(texts))

    async def explainer(self) -> Explainer:
        """Give what explains the model; the first time, a few texts are tried in the encoding thread."""
        if self._explainer is None:
            self._explainer = await self._encoding.run(lambda: self.predictor.explainer)
        return self._explainer

    async def prepare(self, function: Callable[[], R], *, num_chars: int) -> R:
        """Do what an explanation needs besides the model: at once for short texts, else in the encoding thread.

        Args:
            function: What to call.
            num_chars: Characters of the texts that it is about.

        Returns:
            Its result; what it raises is raised here.
        """
        if num_chars * _EXPLAIN_FACTOR <= self.quick_chars:
            return function()
        return await self._encoding.run(function)

    def are_quick(self, texts: Sequence[str]) -> bool:
        """Guess from their characters whether texts are encoded and inferred so quickly that nobody notices it."""
        lengths = list(map(len, texts))
        max_tokens = 1 + int(max(lengths) * self._tokens_per_char)
        return sum(lengths) <= self.quick_chars and self.is_quick(len(lengths), max_tokens)

    def is_quick(self, num_texts: int, max_tokens: int) -> bool:
        """Say whether the model takes so little time that nobody would notice it on the event loop.

        Args:
            num_texts: Texts of the batch.
            max_tokens: Tokens of its longest text.
        """
        return (self._limits.call_tokens + num_texts * max_tokens) * self._limits.token_s <= _INLINE_S

    def score(self, encodings: Encodings) -> list[Scored]:
        """Run the model once, here and now; for texts that :meth:`is_quick` says are quick.

        Args:
            encodings: B texts.

        Returns:
            B scored texts, in order.

        Raises:
            BackendError: If the engine fails or a logit is not finite.
        """
        self.on_batch(len(encodings))
        return score(self.predictor, encodings)

    async def infer(self, items: Sequence[Item]) -> list[Scored]:
        """Run the model once.

        Args:
            items: B items.

        Returns:
            B scored texts, in order.

        Raises:
            BackendError: If the engine fails or a logit is not finite.
        """
        if self.is_quick(len(items), max(len(item.ids) for item in items)):
            return self.score(join(items))
        self.on_batch(len(items))
        return await self._inference.run(score, self.predictor, join(items))

    def close(self) -> None:
        """End the threads; a call that runs is not waited for."""
        self._encoding.close()
        self._inference.close()


def _ignore(_num_texts: int) -> None:
    """Nobody counts batches."""


def items_of(encodings: Encodings) -> list[Item]:
    """Cut encodings into items, without a copy of their ids."""
    bounds = encodings.offsets.tolist()
    spans = map(encodings.ids.__getitem__, map(slice, bounds, bounds[1:]))
    return list(map(Item._make, zip(spans, encodings.truncated.tolist(), strict=True)))


def join(items: Sequence[Item]) -> Encodings:
    """Lay the ids of B items flat; the way back from :func:`items_of`."""
    ids, truncated = zip(*items, strict=True)
    return Encodings(np.concatenate(ids), offsets_of(list(map(len, ids))), np.array(truncated))


def score(predictor: Predictor, batch: Encodings) -> list[Scored]:
    """Infer texts as one batch and decode them.

    Args:
        predictor: A loaded model.
        batch: B texts, of like length.

    Returns:
        B scored texts, in order.

    Raises:
        BackendError: If the engine fails or a logit is not finite.
    """
    logits = predictor.infer(batch)
    return list(map(Scored, predictor.decode(logits, batch), logits))


def tune_threads(predictor: Predictor) -> Predictor:
    """Give a model that is quick even on its longest text one thread: waking others would take longer than it does.

    On two busy cores, batches of 16 texts of a ``bow`` model took 12 ms with two threads and 0.4 ms with one.

    Args:
        predictor: A loaded model, with as many threads as there are cores.
    """
    longest = predictor.encode([" ".join([EXAMPLE_TEXT] * predictor.artifact.manifest.max_length)])
    return predictor.with_threads(1) if _seconds(predictor, longest) <= _WAKING_S else predictor


def profile_model(predictor: Predictor, settings: ServeSettings) -> BatchLimits:
    """Run the model on a short text, its longest and many short ones, which also warms it; read prices from that.

    Args:
        predictor: A loaded model.
        settings: The bounds of the queue.

    Returns:
        Limits in which a batch takes at most about 50 ms, unless a single text takes longer.

    Raises:
        BackendError: If the model cannot predict.
    """
    max_length = predictor.artifact.manifest.max_length
    texts = [EXAMPLE_TEXT], [" ".join([EXAMPLE_TEXT] * max_length)], [EXAMPLE_TEXT] * _MANY
    brief, full, many = map(predictor.encode, texts)
    brief_s, full_s, many_s = (_seconds(predictor, texts) for texts in (brief, full, many))
    # Tokens of further texts are cheaper than further tokens of a text, and it is texts that a batch is made of.
    joined_token_s = _slope(brief, brief_s, many, many_s)
    # Never the smaller one: a call, told in tokens of a batch, must not look quicker in tokens of a text.
    token_s = max(_slope(brief, brief_s, full, full_s), joined_token_s)
    # At least half of the short text: others that were disturbed must not make a slow model look quick.
    call_s = max(brief_s - len(brief.ids) * joined_token_s, brief_s / 2) + _HAND_OVER_S
    return BatchLimits(
        max_queue_texts=settings.max_queue_texts,
        max_queue_tokens=settings.max_queue_tokens,
        max_batch_tokens=min(max(int(_BATCH_S / token_s), max_length), _MAX_BATCH_TOKENS),
        call_tokens=call_s / joined_token_s,
        token_s=token_s,
    )


def _slope(few: Encodings, few_s: float, more: Encodings, more_s: float) -> float:
    """Seconds of each token that more texts, or a longer one, have beside fewer."""
    return max((more_s - few_s) / max(len(more.ids) - len(few.ids), 1), _LEAST_TOKEN_S)


def _seconds(predictor: Predictor, text: Encodings) -> float:
    """Time the model on one text."""
    return _best(lambda: score(predictor, text))


def _seconds_per_char(predictor: Predictor) -> float:
    """Time the tokenizer on a text of some thousand characters."""
    text = EXAMPLE_TEXT * 100
    return _best(lambda: predictor.encode([text])) / len(text)


def _best(action: Callable[[], object]) -> float:
    """Time an action; the first time is cold and any may be disturbed, those of microseconds above all."""
    durations: list[float] = []
    while len(durations) < _LEAST_TRIES or sum(durations) < _TRIAL_S:
        start = perf_counter()
        action()
        durations.append(perf_counter() - start)
    return min(durations)
