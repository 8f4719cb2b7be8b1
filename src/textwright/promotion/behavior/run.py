"""Run the behavioral tests on both models, and say of which the candidate fails more often than the champion."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, TypeVar

import numpy as np

from textwright.core.labels import Labels
from textwright.core.types import Bools
from textwright.evaluate.behavior import edits
from textwright.evaluate.behavior.edits import Edit, EditedEvaluation
from textwright.evaluate.behavior.functionality import Case
from textwright.evaluate.behavior.lexicon import SENTENCES, Poles, are_english, find_poles
from textwright.evaluate.behavior.results import Failure, TestKind, changes, misses, predicted_labels, shown_failures
from textwright.evaluate.paired import SIGNIFICANCE, holm, paired_p_value
from textwright.promotion.settings import PromotionSettings
from textwright.runtime.predictor import Predictor, TextPrediction

Edited = TypeVar("Edited", str, EditedEvaluation)

_MIN_TEXTS: Final = 10
"""Texts that a test needs; fewer say nothing."""


@dataclass(frozen=True, slots=True)
class BehaviorResult:
    """How both models fare in one test.

    Args:
        name: Of the test.
        kind: What it asks.
        num_texts: Texts that could be edited, N.
        candidate_failures: Of these, how many the candidate fails.
        champion_failures: The same of the champion.
        p_value: Of the exact paired test that both fail equally often; None for minimum functionality.
        adjusted_p_value: The same after Holm's correction for all tests.
        allowed_failures: Failures that the candidate may have; None where it is compared with the champion.
        not_applicable: Why the test says nothing here; empty if it does.
        failures: Some of the candidate's failures.
    """

    name: str
    kind: TestKind
    num_texts: int = 0
    candidate_failures: int = 0
    champion_failures: int = 0
    p_value: float | None = None
    adjusted_p_value: float | None = None
    allowed_failures: int | None = None
    not_applicable: str = ""
    failures: tuple[Failure, ...] = ()

    @property
    def is_worse(self) -> bool:
        """Whether the candidate fails more often than it may: than the champion, or than a bound allows."""
        if self.allowed_failures is not None:
            return self.candidate_failures > self.allowed_failures
        is_significant = self.adjusted_p_value is not None and self.adjusted_p_value < SIGNIFICANCE
        return is_significant and self.candidate_failures > self.champion_failures


class _Test(NamedTuple):
    """Texts, and what says where a model fails on them.

    Args:
        name: Of the test.
        kind: What it asks.
        texts: Of the data, (N,); empty for minimum functionality.
        edited: What is predicted beside them, (N,).
        fails: Given the predictions of both, says which fail, (N,).
        expected: What should be said of each, (N,); empty where it is what is said of the text as it was.
    """

    name: str
    kind: TestKind
    texts: Sequence[str]
    edited: Sequence[str]
    fails: Callable[[Sequence[TextPrediction], Sequence[TextPrediction]], Bools]
    expected: Sequence[str] = ()


def run_behavior_tests(
    candidate: Predictor,
    champion: Predictor,
    texts: Sequence[str],
    cases: Sequence[Case],
    settings: PromotionSettings,
) -> tuple[BehaviorResult, ...]:
    """Run every test that applies.

    Args:
        candidate: The model that is tested.
        champion: The model that it is compared with.
        texts: Texts of the data, which are edited.
        cases: Minimum functionality.
        settings: How many texts, and what may fail.

    Returns:
        A result for each test; tests that do not apply say why.
    """
    results = [_functionality(candidate, champion, name, cases, settings) for name in _names(cases)]
    results += (
        test if isinstance(test, BehaviorResult) else _run(test, candidate, champion)
        for test in _tests(texts, candidate.labels, settings)
    )
    compared = [position for position, result in enumerate(results) if result.p_value is not None]
    adjusted = holm([results[position].p_value or 0.0 for position in compared])
    for position, p_value in zip(compared, adjusted, strict=True):
        results[position] = replace(results[position], adjusted_p_value=p_value)
    return tuple(results)


_INVARIANCES: Final[Mapping[str, tuple[Edit, bool]]] = {
    "another name": (edits.change_name, True),
    "another place": (edits.change_place, True),
    "a typo": (edits.add_typo, False),
    "other case": (edits.change_case, False),
}
"""Name -> the edit, and whether its word list is English."""
_DIRECTIONS: Final[Mapping[str, tuple[Callable[[str], EditedEvaluation | None], bool]]] = {
    "negation": (edits.negate, False),
    "intensifier": (edits.intensify, True),
}
"""Name -> the edit, and whether it speaks for the label of the edited word."""


def _tests(texts: Sequence[str], labels: Labels, settings: PromotionSettings) -> Iterator[_Test | BehaviorResult]:
    if not settings.max_behavior_texts:
        return
    english, poles = are_english(texts), find_poles(labels)
    for name, (edit, is_english) in _INVARIANCES.items():
        reason = "" if english or not is_english else "the word list is English, and the texts are not"
        yield _invariance(name, edit, texts, settings, reason)
    for name, (evaluate, agrees) in _DIRECTIONS.items():
        if poles is None:
            reason = "the labels are not of sentiment (positive and negative)"
        else:
            reason = "" if english else "the word lists are English, and the texts are not"
        if reason or poles is None:
            yield BehaviorResult(name, TestKind.DIRECTION, not_applicable=reason)
        else:
            yield _direction(name, evaluate, texts, poles, settings, agrees=agrees)


def _invariance(
    name: str, edit: Edit, texts: Sequence[str], settings: PromotionSettings, reason: str
) -> _Test | BehaviorResult:
    pairs = [] if reason else _spread([(text, changed) for text in texts if (changed := edit(text))], settings)
    reason = reason or _too_few(len(pairs))
    if reason:
        return BehaviorResult(name, TestKind.INVARIANCE, len(pairs), not_applicable=reason)
    before, after = zip(*pairs, strict=True)
    return _Test(name, TestKind.INVARIANCE, before, after, changes)


def _direction(
    name: str,
    edit: Callable[[str], EditedEvaluation | None],
    texts: Sequence[str],
    poles: Poles,
    settings: PromotionSettings,
    *,
    agrees: bool,
) -> _Test | BehaviorResult:
    # Few texts evaluate so plainly; sentences of one evaluation each come to them, as CheckList's templates do.
    own = [(text, changed) for text in texts if (changed := edit(text))]
    made = [(text, changed) for text in SENTENCES if (changed := edit(text))]
    pairs = [*_spread(own, settings), *made]
    labels = [poles.good if changed.is_praise else poles.bad for _, changed in pairs]

    def fails(before: Sequence[TextPrediction], after: Sequence[TextPrediction]) -> Bools:
        rises = [
            new.probabilities[label] - old.probabilities[label]
            for old, new, label in zip(before, after, labels, strict=True)
        ]
        wrong_way = -np.array(rises) if agrees else np.array(rises)
        return np.asarray(wrong_way > settings.tolerance)

    expected = [f"{label} not {'less' if agrees else 'more'} probable" for label in labels]
    texts, edited = [text for text, _ in pairs], [item.text for _, item in pairs]
    return _Test(name, TestKind.DIRECTION, texts, edited, fails, expected)


def _too_few(num_texts: int) -> str:
    return "" if num_texts >= _MIN_TEXTS else f"only {num_texts} of the texts can be edited so, {_MIN_TEXTS} are needed"


def _spread(pairs: list[tuple[str, Edited]], settings: PromotionSettings) -> list[tuple[str, Edited]]:
    """Take evenly spread ones of many."""
    most = min(settings.max_behavior_texts, len(pairs))
    return [pairs[position] for position in np.linspace(0, len(pairs) - 1, most).round().astype(int).tolist()]


def _run(test: _Test, candidate: Predictor, champion: Predictor) -> BehaviorResult:
    failed: dict[str, Bools] = {}
    shown: tuple[Failure, ...] = ()
    for name, predictor in (("candidate", candidate), ("champion", champion)):
        before, after = predictor.predict(test.texts), predictor.predict(test.edited)
        failed[name] = test.fails(before, after)
        if name == "candidate":
            expected = test.expected or [predicted_labels(item) for item in before]
            shown = shown_failures(test.edited, expected, after, failed[name])
    ours, theirs = failed["candidate"], failed["champion"]
    return BehaviorResult(
        test.name,
        test.kind,
        len(test.edited),
        int(ours.sum()),
        int(theirs.sum()),
        p_value=paired_p_value(ours.astype(np.int64), theirs.astype(np.int64)),
        failures=shown,
    )


def _functionality(
    candidate: Predictor, champion: Predictor, name: str, cases: Sequence[Case], settings: PromotionSettings
) -> BehaviorResult:
    theirs = [case for case in cases if case.test == name]
    texts, labels = [case.text for case in theirs], [case.label for case in theirs]
    predicted = candidate.predict(texts)
    failed = misses(predicted, labels)
    return BehaviorResult(
        name,
        TestKind.FUNCTIONALITY,
        len(texts),
        int(failed.sum()),
        int(misses(champion.predict(texts), labels).sum()),
        allowed_failures=int(settings.max_failures / 100 * len(texts)),
        failures=shown_failures(texts, labels, predicted, failed),
    )


def _names(cases: Sequence[Case]) -> list[str]:
    return list(dict.fromkeys(case.test for case in cases))
