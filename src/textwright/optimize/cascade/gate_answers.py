"""Both models' answers to texts not trained on: validation texts and, if these are few, out-of-fold texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np

from textwright.core.callbacks import Callback
from textwright.core.types import Bools, Float32s, Ints
from textwright.data.dataset import Examples
from textwright.data.settings import DataSettings
from textwright.errors import NoGainError, TextwrightError
from textwright.evaluate.eval_split import select
from textwright.evaluate.paired_drop import PairedDrop
from textwright.evaluate.predictions import observe
from textwright.optimize.cascade.curve import Curve, Point
from textwright.optimize.cascade.pair import Pair
from textwright.optimize.cascade.settings import CascadeSettings
from textwright.optimize.folds import gate_texts_in_words, plan_folds, train_folds

_NUM_PARTS: Final = 5
"""Of the validation texts, to cross-validate the choice where there are no folds."""


@dataclass(frozen=True, slots=True)
class GateAnswers:
    """Both models' answers to N texts.

    Args:
        confidence: The fast model's, (N,), in [0, 1].
        fast_right: Which of its answers are right, (N,).
        strong_right: Which of the strong model's, (N,).
        part: The part of the texts that each belongs to, (N,): the point is chosen on the others and tried on it.
    """

    confidence: Float32s
    fast_right: Bools
    strong_right: Bools
    part: Ints

    @classmethod
    def of(cls, pair: Pair, examples: Examples, part: int | None = None) -> Self:
        """Predict texts with both models.

        Args:
            pair: The models.
            examples: N labeled texts.
            part: Which part they are; None cuts them into several.
        """
        by_fast, by_strong = observe(pair.fast, examples), observe(pair.strong, examples)
        sure = pair.fast.artifact.manifest.decision.confidence(by_fast.probabilities)
        parts = np.arange(len(examples)) % _NUM_PARTS if part is None else np.full(len(examples), part)
        return cls(sure, by_fast.correct, by_strong.correct, parts)

    @classmethod
    def join(cls, answers: Sequence[Self]) -> Self:
        """Put answers to several texts behind each other."""
        names = ("confidence", "fast_right", "strong_right", "part")
        return cls(*(np.concatenate([getattr(item, name) for item in answers]) for name in names))

    def __len__(self) -> int:
        return len(self.confidence)

    def curve(self, rows: Bools | None = None) -> Curve:
        """Draw accuracy against the share escalated, over all texts or some rows, (N,)."""
        chosen = slice(None) if rows is None else rows
        return Curve.of(self.confidence[chosen], self.fast_right[chosen], self.strong_right[chosen])

    def cross_validate(self, choose: Callable[[Curve], Point]) -> PairedDrop:
        """Try the choice of a point on texts that it was not made on.

        The chosen point is the luckiest of many on the texts that it was chosen on. So each part is answered at the
        point that the other parts choose; where these find none, all its texts are escalated.

        Args:
            choose: Chooses a point of a curve.

        Returns:
            The cascade's answers to all N texts beside the strong model's.

        Source:
            Stone, 1974, "Cross-Validatory Choice and Assessment of Statistical Predictions".
        """
        right = self.strong_right.copy()
        for part in np.unique(self.part).tolist():
            is_held_out = self.part == part
            try:
                point = choose(self.curve(~is_held_out))
            except NoGainError:
                continue
            is_fast = is_held_out & (self.confidence >= point.min_confidence)
            right[is_fast] = self.fast_right[is_fast]
        return PairedDrop.of(right, self.strong_right)


def answer_gate_texts(
    pair: Pair,
    source: str,
    data: DataSettings,
    validation: Examples,
    settings: CascadeSettings,
    num_needed: int,
    folder: Path,
    callback: Callback,
) -> tuple[GateAnswers, str]:
    """Predict texts that neither model was trained on, by cross-validation if the validation texts are few.

    Args:
        pair: The models.
        source: The labeled source.
        data: How to read it.
        validation: Its validation texts.
        settings: How many folds.
        num_needed: Texts that can show the bound.
        folder: Where the models of the folds are kept.
        callback: Told what is done.

    Returns:
        The answers, and which texts they are to, in words.

    Raises:
        SettingsError: If folds are set and cannot be had; says why.
    """
    callback.on_stage_begin(f"asking both models about {len(validation):,} validation texts")
    manifests = [item.artifact.manifest for item in pair]
    num_folds, reason = plan_folds(manifests, source, len(validation), num_needed, settings.gate_folds)
    if num_folds:
        try:
            folds = _answer_folds(pair, source, data, validation, num_folds, folder, callback)
        except TextwrightError as error:
            if settings.gate_folds is not None:
                raise
            num_folds, reason = 0, str(error)
        else:
            answers = GateAnswers.join([GateAnswers.of(pair, validation, num_folds), *folds])
            return answers, gate_texts_in_words(len(validation), len(answers) - len(validation), num_folds, "")
    return GateAnswers.of(pair, validation), gate_texts_in_words(len(validation), 0, 0, reason)


def _answer_folds(
    pair: Pair,
    source: str,
    data: DataSettings,
    validation: Examples,
    num_folds: int,
    folder: Path,
    callback: Callback,
) -> list[GateAnswers]:
    """Repeat both trainings without each fold, and predict its texts."""
    train = select(source, data, pair.strong.artifact.manifest, "train").examples
    manifests = [item.artifact.manifest for item in pair]
    models = [train_folds(manifest, train, validation, num_folds, folder, callback) for manifest in manifests]
    both = zip(*models, strict=True)
    return [
        GateAnswers.of(Pair(fast.predictor, strong.predictor), fast.held_out, part)
        for part, (fast, strong) in enumerate(both)
    ]
