"""What more time and labels would buy."""

from __future__ import annotations

from textwright.model_search.advice import learning_curve, more_labels, more_time
from textwright.model_search.plan import Proposal
from textwright.model_search.trials import Known, SearchFamily, SearchStep, StepKind, Trial, TrialStatus


def known_of(*scores: tuple[int, float], num_validation: int = 1_000) -> Known:
    trials = {}
    for size, score in scores:
        step = SearchStep(StepKind.PROBE, f"bow-on-{size}", "", "bow", size=size)
        trials[step.name] = Trial(step, TrialStatus.DONE, 1.0, size, score)
    return Known((SearchFamily("bow", False),), 8_000, num_validation, 2, 60.0, 0.0, trials)


def test_a_rising_curve_asks_for_labels() -> None:
    known = known_of((500, 0.6), (2_000, 0.8))
    assert learning_curve(known, "bow") == ((500, 0.6), (2_000, 0.8))
    (sentence,) = more_labels(known, "bow")
    assert "gained 10.0 points with each doubling" in sentence
    assert sentence.endswith("more labeled texts would probably help.")


def test_a_flat_curve_does_not() -> None:
    (sentence,) = more_labels(known_of((1_000, 0.9), (4_000, 0.9), num_validation=100_000), "bow")
    assert sentence.endswith("more labeled texts would hardly help.")


def test_few_validation_texts_say_that_the_choice_is_uncertain() -> None:
    assert "one text is 17 points" in more_labels(known_of(num_validation=6), "bow")[-1]


def test_steps_that_did_not_fit_are_named_with_their_seconds() -> None:
    step = SearchStep(StepKind.TRAIN, "bert", "all texts", "bert")
    assert more_time([Proposal(step, 240.0)], known_of()) == ("More time would try bert (all texts, about 4 min).",)
    assert "Nothing is left to try" in more_time([], known_of())[0]
