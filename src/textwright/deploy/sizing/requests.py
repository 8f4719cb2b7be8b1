"""Requests like those to come: so many texts of so many tokens, made of the words of the golden examples."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import cycle, islice
from typing import Final

import numpy as np

from textwright.api.codec import EXAMPLE_TEXT
from textwright.runtime.predictor import Predictor

_NUM_BODIES: Final = 32
"""Different requests, so that no cache of one text flatters the measurement."""


def make_requests(predictor: Predictor, *, texts_per_request: int, tokens: int) -> tuple[list[str], float]:
    """Write the bodies of requests to ``/v1/predict``.

    Args:
        predictor: The model, which counts its own tokens.
        texts_per_request: Texts in each body, >= 1.
        tokens: Tokens aimed at, >= 1; no text has more than the model reads.

    Returns:
        JSON bodies, and the mean number of tokens of their texts.
    """
    texts = [_text(predictor, number, tokens) for number in range(_NUM_BODIES)]
    endless = cycle(texts)
    bodies = [json.dumps({"texts": list(islice(endless, texts_per_request))}) for _ in texts]
    return bodies, float(np.mean(predictor.encode(texts).lengths))


def _text(predictor: Predictor, number: int, tokens: int) -> str:
    """Take words, from another one on for each text, until they have the tokens, or as many as the model reads."""
    words = list(islice(_words(predictor), number, number + tokens))
    most = min(tokens, predictor.artifact.manifest.max_length)
    low, high = 1, len(words)
    while low < high:  # each word has a token at least, so few enough words are found by halving
        middle = (low + high) // 2
        if predictor.encode([" ".join(words[:middle])]).lengths[0] < most:
            low = middle + 1
        else:
            high = middle
    return " ".join(words[:low])


def _words(predictor: Predictor) -> Iterator[str]:
    words = [word for item in predictor.artifact.golden() for word in item.text.split() if word.isalpha()]
    return cycle(words or EXAMPLE_TEXT.split())
