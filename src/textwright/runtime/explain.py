"""Explain predictions: exactly where the model adds its words up, by leaving words out where it does not.

Callers: :meth:`textwright.Predictor.explain`, and the server, which sends the probes through its queue.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from textwright.core.encodings import Encodings
from textwright.core.types import Float32s, Floats, TokenIds
from textwright.core.word_spans import Located
from textwright.runtime.additive import Form, contribute, find_form
from textwright.runtime.explanation import Contribution, Explanation, Method, scores
from textwright.runtime.occlusion import ScoreOf, occlude
from textwright.runtime.probing import Probing, run, together

if TYPE_CHECKING:
    from textwright.runtime.predictor import Predictor

DEFAULT_MAX_COST: Final = 8.0
"""Tokens that the model reads to explain a text, as a multiple of the text's own."""


class Explainer:
    """Explains the predictions of one loaded model. Safe to share between threads.

    Args:
        predictor: The model; it is asked about a few texts here, to find out whether it adds its words up.

    Raises:
        BackendError: If the engine fails.
    """

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._form = self._find_form()

    def explain(self, texts: Sequence[str], max_cost: float | None = None) -> list[Explanation]:
        """Explain texts, here and now; see :meth:`textwright.Predictor.explain`."""
        located = self._predictor.locate(texts)
        logits = self._infer([item.ids for item in located])
        max_cost = DEFAULT_MAX_COST if max_cost is None else max_cost
        parts = [self.probing(*each, max_cost) for each in zip(texts, located, logits, strict=True)]
        return run(together(parts), self._infer)

    def probing(self, text: str, located: Located, logits: Float32s, max_cost: float) -> Probing[Explanation]:
        """Explain one text by asking about others.

        Args:
            text: The text.
            located: Its tokens and words.
            logits: Its own logits, (K,), in nats, not calibrated.
            max_cost: Tokens to read, as a multiple of the text's own, > 0; what is exact takes what it needs.

        Yields:
            Probes.

        Returns:
            Which words speak for the most probable label and which against it.
        """
        index = int(logits.argmax())
        labels = self._predictor.labels
        temperature = self._predictor.artifact.manifest.temperature
        score_of = partial(scores, label_index=index, task=labels.task, temperature=temperature)
        if self._form is None:
            method = Method.OCCLUSION
            base, values = yield from occlude(located, logits, score_of, int(max_cost * len(located.ids)))
        else:
            method = Method.EXACT
            base, values = yield from _add_up(located, self._form, score_of)
        words = tuple(
            Contribution(text[word.start : word.end], word.start, word.end, value)
            for word, value in zip(located.words, values.tolist(), strict=True)
        )
        return Explanation(labels.names[index], method, float(score_of(logits[None])[0]), base, words)

    def _find_form(self) -> Form | None:
        if len(self._predictor.encode([""]).ids):  # tokens that stand in every text: nothing can be asked alone
            return None
        return run(find_form(self._predictor.vocab_size), self._infer)

    def _infer(self, probes: list[TokenIds]) -> Float32s:
        return self._predictor.infer_all(Encodings.of(probes))


def _add_up(located: Located, form: Form, score_of: ScoreOf) -> Probing[tuple[float, Floats]]:
    """Sum the shares of each word's tokens; the score is linear, so that a share of logits has a score of its own."""
    nothing, shares = yield from contribute(located.ids, form)
    by_token = score_of(shares)  # (T,)
    values = [by_token[word.first_token : word.stop_token].sum() for word in located.words]
    return float(score_of(nothing[None])[0]), np.array(values, dtype=np.float64)
