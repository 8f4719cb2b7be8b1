"""The advice follows the table, and is honest where a linear baseline does as well."""

from __future__ import annotations

from dataclasses import replace

from compared import make_board, make_row

from textwright.comparison.advice import advise
from textwright.evaluate.intervals import Interval


def test_the_faster_of_two_that_are_not_distinguishable_is_advised() -> None:
    rows = [make_row("bert", 0.86, latency_ms=9, tied=None), make_row("bow", 0.855, latency_ms=0.1, tied=True)]
    first = advise(make_board(*rows))[0]
    assert first == (
        "bert is the most accurate: 86.0 %, but bow (85.5 %) is not distinguishable from it and answers 90 times as "
        "fast: take bow."
    )


def test_a_row_that_is_distinguishably_worse_is_not_advised() -> None:
    rows = [make_row("bert", 0.86, latency_ms=9, tied=None), make_row("bow", 0.79, latency_ms=0.1)]
    advice = advise(make_board(*rows))
    assert advice[0] == "bert is the most accurate: 86.0 %; take it when accuracy decides."
    assert any("bow from 0.1 ms, bert from 9 ms" in sentence for sentence in advice)


def test_of_what_costs_about_the_same_the_more_accurate_is_advised() -> None:
    best = make_row("tf-idf", 0.987, latency_ms=1, tied=None, is_baseline=True)
    rows = [make_row("frozen", 0.986, latency_ms=40, tied=True), make_row("bert", 0.98, latency_ms=38.5, tied=True)]
    assert advise(make_board(best, *rows))[0] == (
        "tf-idf, a baseline, is the most accurate: 98.7 %, but frozen (98.6 %) is not distinguishable from it: "
        "take frozen."
    )


def test_a_dominated_row_is_in_no_budget() -> None:
    rows = [
        make_row("bert", 0.86, latency_ms=9, size_bytes=9e7, tied=None),
        make_row("cnn", 0.78, latency_ms=1, size_bytes=5e6),
        make_row("bow", 0.79, latency_ms=0.1, size_bytes=4e5),
    ]
    assert not any("cnn" in sentence for sentence in advise(make_board(*rows)))


def test_a_linear_baseline_that_ties_or_wins_is_said() -> None:
    tied = [make_row("bow", 0.80, tied=None), make_row("tf-idf", 0.79, tied=True, is_baseline=True)]
    won = [make_row("tf-idf", 0.81, tied=None, is_baseline=True), make_row("bow", 0.79)]
    assert any("tf-idf is not distinguishable from bow" in sentence for sentence in advise(make_board(*tied)))
    assert any("No family is more accurate than the linear" in sentence for sentence in advise(make_board(*won)))
    lost = [make_row("bow", 0.86, tied=None), make_row("tf-idf", 0.79, is_baseline=True)]
    assert not any("linear" in sentence for sentence in advise(make_board(*lost)))


def test_where_the_lead_changes_is_said_and_what_more_labels_would_bring() -> None:
    rows = [
        make_row("bert", 0.86, tied=None, curve=[(100, 0.6), (1000, 0.82), (2000, 0.86)]),
        make_row("frozen", 0.80, curve=[(100, 0.75), (1000, 0.79), (2000, 0.80)]),
    ]
    advice = advise(make_board(*rows))
    assert "By the number of training texts, the most accurate is from 100 frozen, from 1,000 bert." in advice
    assert advice[-1] == (
        "From 1,000 to 2,000 training texts, bert gained 4.0 points with each doubling (95 % interval +2.0 to +6.0): "
        "more labeled texts would probably help."
    )


def test_a_gain_that_may_be_chance_promises_nothing() -> None:
    curve = [(100, 0.643), (300, 0.629), (783, 0.643)]
    advice = advise(make_board(make_row("bow", 0.643, tied=None, curve=curve, change_p=0.6)))
    assert advice[-1].endswith("whether more labeled texts would help cannot be told from these.")


def test_a_gain_that_is_surely_small_is_said_to_hardly_help() -> None:
    row = make_row("bow", 0.9, tied=None, curve=[(1000, 0.899), (2000, 0.9)])
    assert advise(make_board(row))[-1].endswith("more labeled texts would hardly help.")


def test_a_row_that_does_not_beat_the_majority_is_never_advised() -> None:
    rows = [
        make_row("bert", 0.75, latency_ms=9, tied=None, beats_majority=True),
        make_row("bow", 0.745, latency_ms=0.1, tied=True, beats_majority=False),
        make_row("majority", 0.74, tied=True, is_baseline=True),
    ]
    advice = advise(make_board(*rows))
    assert advice[0] == "bert is the most accurate: 75.0 %; take it when accuracy decides."
    assert not any("bow" in sentence for sentence in advice)


def test_where_no_row_beats_the_majority_that_alone_is_said() -> None:
    rows = [
        make_row("bow", 0.643, tied=None, beats_majority=False),
        make_row("majority", 0.643, tied=True, is_baseline=True),
        make_row("tf-idf", 0.6, tied=True, is_baseline=True, beats_majority=False),
    ]
    (sentence,) = advise(make_board(*rows))
    assert sentence.startswith("No model is distinguishably more accurate than always the most frequent label (64.3 %)")


def test_what_few_test_texts_cannot_tell_apart_is_not_called_equal() -> None:
    poor = make_row("bow", 0.5, latency_ms=0.1, tied=True)
    versus = replace(poor.versus_best, difference=Interval(-0.35, -0.6, 0.1))
    best = make_row("bert", 0.85, latency_ms=9, tied=None)
    wide = {name: replace(metric, low=0.65, high=1.0) for name, metric in best.metrics.items()}
    advice = advise(make_board(replace(best, metrics=wide), replace(poor, versus_best=versus)))
    assert "take bow" not in advice[0]
    assert advice[-1].startswith("The test texts are few: the interval of bert spans 35 points.")


def test_nothing_is_advised_before_anything_is_measured() -> None:
    assert advise(make_board()) == ()
