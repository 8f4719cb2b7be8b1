"""What texts are to a model beside its prediction: their tokens, how many it does not know, a sketch of their words.

The reference profile of an artifact and the records of a server hold the same facts, made here, so that ``monitor`` can
compare the two. Callers: ``evaluate.profile`` and ``server.telemetry.recorder``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from textwright.core.types import Float32s, Int32s, Ints
from textwright.core.word_sketch import sketch_words
from textwright.runtime.predictor import Predictor


class TextFacts(NamedTuple):
    """Facts of N texts.

    Args:
        num_tokens: Tokens that the model reads, of several stages the first, (N,).
        unknown_rates: Share of them that the vocabulary does not know, (N,), in [0, 1].
        words: The distinct buckets of each text's words; see :mod:`textwright.core.word_sketch`.
    """

    num_tokens: Ints
    unknown_rates: Float32s
    words: Sequence[Int32s]


def describe_texts(predictor: Predictor, texts: Sequence[str]) -> TextFacts:
    """Say what texts are to a model, without running it.

    Args:
        predictor: The model.
        texts: N texts.
    """
    first = predictor.stages[0]
    encodings = first.encode(texts)
    return TextFacts(encodings.lengths, first.unknown_rates(encodings), sketch_words(texts))
