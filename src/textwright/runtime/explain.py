"""Explain predictions: exactly where the model adds its words up, by leaving words out where it does not.

Callers: :meth:`textwright.Predictor.explain`, and the server, which sends the probes through its queue.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

import numpy as np

from textwright.core.decision import Decision
from textwright.core.encodings import Encodings
from textwright.core.labels import Task
from textwright.core.numerics import activate
from textwright.core.types import Float32s, Floats, TokenIds
from textwright.core.word_spans import Located
from textwright.errors import NotFoundError
from textwright.runtime.exact_attribution import Form, contribute, find_form
from textwright.runtime.explain_protocol import Probing, run
from textwright.runtime.explanation import Contribution, Method, TextExplanation, scores
from textwright.runtime.linear import LinearParts
from textwright.runtime.model import GraphModel
from textwright.runtime.occlusion import ScoreOf, occlude

DEFAULT_MAX_COST: Final = 8.0
"""Tokens that the model reads to explain a text, as a multiple of the text's own."""


class Explainer:
    """Explains the predictions of one loaded model. Safe to share between threads.

    Args:
        model: It is asked about a few texts here, to find out whether it adds its words up.
        decision: Which label is predicted, and so explained; of a multi-label task it is the most probable one.
        temperature: Calibration divisor of the logits, > 0.

    Raises:
        BackendError: If the engine fails.
    """

    def __init__(self, model: GraphModel, decision: Decision, temperature: float) -> None:
        self._model = model
        self._decision = decision
        self._labels = decision.labels
        self._temperature = temperature
        self._linear = LinearParts.read(model.graph_path) if model.graph_path else None
        self._form = None if self._linear else self._find_form()

    def parts(
        self,
        texts: Sequence[str],
        logits: Sequence[Float32s] | Float32s,
        max_cost: float | None = None,
        label: str | None = None,
    ) -> list[Probing[TextExplanation]]:
        """Begin to explain texts; see :func:`textwright.runtime.explain_protocol.together`.

        Args:
            texts: N texts.
            logits: What the model said of them, (N, K), in nats, not calibrated.
            max_cost: Tokens to read, as a multiple of a text's own, > 0; what is exact takes what it needs.
            label: The label to explain; None takes each text's predicted one.

        Returns:
            N askers, whose probes are for the model itself.

        Raises:
            NotFoundError: If the model has no such label.
            TextError: If a text cannot be encoded.
        """
        cost = DEFAULT_MAX_COST if max_cost is None else max_cost
        located = self._model.locate(texts)
        indices = [self._explained(row) if label is None else self._index_of(label) for row in logits]
        return [self._probing(*each, cost) for each in zip(texts, located, logits, indices, strict=True)]

    def _probing(
        self, text: str, located: Located, logits: Float32s, index: int, max_cost: float
    ) -> Probing[TextExplanation]:
        score_of = partial(scores, label_index=index, task=self._labels.task, temperature=self._temperature)
        linear = self._linear and self._linear.share(located.ids, logits, self._model.logit_scale)
        if linear:
            method = Method.EXACT
            base, values = float(score_of(linear[0][None])[0]), _sum_by_word(located, score_of(linear[1]))
        elif self._form is None:
            method = Method.OCCLUSION
            base, values = yield from occlude(located, logits, score_of, int(max_cost * len(located.ids)))
        else:
            method = Method.EXACT
            base, values = yield from _add_up(located, self._form, score_of)
        words = tuple(
            Contribution(text[word.start : word.end], word.start, word.end, value)
            for word, value in zip(located.words, values.tolist(), strict=True)
        )
        return TextExplanation(self._labels.names[index], method, float(score_of(logits[None])[0]), base, words)

    def _index_of(self, label: str) -> int:
        if label not in self._labels.names:
            names = ", ".join(self._labels.names)
            raise NotFoundError(f"the model has no label {label!r}; it has {names}")
        return self._labels.names.index(label)

    def _explained(self, logits: Float32s) -> int:
        if self._labels.task is Task.MULTI_LABEL:
            return int(logits.argmax())
        probabilities = activate(logits[None], self._labels.task, temperature=self._temperature)
        return int(self._decision.choose(probabilities)[0])

    def _find_form(self) -> Form | None:
        if len(self._model.locate([""])[0].ids):  # tokens that stand in every text: nothing can be asked alone
            return None
        return run(find_form(self._model.vocab_size), self._infer)

    def _infer(self, probes: list[TokenIds]) -> Float32s:
        return self._model.infer_all(Encodings.of(probes))


def _add_up(located: Located, form: Form, score_of: ScoreOf) -> Probing[tuple[float, Floats]]:
    """Sum the shares of each word's tokens; the score is linear, so that a share of logits has a score of its own."""
    nothing, shares = yield from contribute(located.ids, form)
    return float(score_of(nothing[None])[0]), _sum_by_word(located, score_of(shares))


def _sum_by_word(located: Located, by_token: Floats) -> Floats:
    """Add up what the tokens of each word say, (W,)."""
    values = [by_token[word.first_token : word.stop_token].sum() for word in located.words]
    return np.array(values, dtype=np.float64)
