"""Latency and throughput are computed as they are defined, from the calls that the models really get."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from textwright.evaluate import benchmark as module
from textwright.evaluate.benchmark import Predict, Timings, benchmark
from textwright.runtime.loading import load

TIMINGS = Timings([np.array([1.0, 1, 10]), np.array([2.0, 2, 8]), np.array([3.0, 3, 3])], [100.0, 300, 200])
OTHER = Timings([np.array([4.0, 4, 4]), np.array([4.0, 4, 4]), np.array([3.0, 9, 9])], [50.0, 100, 400])


def test_percentiles_are_of_all_texts_of_all_rounds_and_means_of_each_round() -> None:
    assert TIMINGS.latency_ms() == 3  # of 1 1 2 2 3 3 3 8 10
    assert TIMINGS.latency_ms(100) == 10
    assert TIMINGS.mean_latency_ms == 4  # of 4, 4 and 3
    assert TIMINGS.texts_per_second == 200


def test_gains_are_taken_within_a_round() -> None:
    assert TIMINGS.latency_gain(OTHER) == 3  # of 4 / 1, 4 / 2 and 9 / 3
    assert TIMINGS.latency_gain(OTHER, np.mean) == 1  # of 4 / 4, 4 / 4 and 7 / 3
    assert TIMINGS.throughput_gain(OTHER) == 2  # of 100 / 50, 300 / 100 and 200 / 400
    assert TIMINGS.latency_gain(TIMINGS) == TIMINGS.throughput_gain(TIMINGS) == 1


def test_models_take_turns_after_a_warm_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NUM_ROUNDS", 2)
    monkeypatch.setattr(module, "NUM_SINGLE_TEXTS", 3)
    monkeypatch.setattr(module, "MIN_BATCH_SECONDS", 0)
    calls: list[tuple[str, list[str]]] = []

    def recorder(name: str) -> Predict:
        return lambda texts: calls.append((name, list(texts)))

    texts = [str(number) for number in range(5)]
    timings = benchmark({name: recorder(name) for name in "ab"}, texts, num_batch_texts=4)
    one_round = [(name, batch) for name in "ab" for batch in (["0"], ["2"], ["4"], ["0", "1", "3", "4"])]
    assert calls == 3 * one_round
    assert [len(item) for item in timings["a"].latencies_ms] == [3, 3]
    assert len(timings["b"].throughputs) == 2


def test_a_call_of_a_fast_model_is_repeated(tiny_artifact: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NUM_ROUNDS", 1)
    predictor, sizes = load(tiny_artifact, num_threads=1), list[int]()

    def predict(texts: Sequence[str]) -> None:
        sizes.append(len(texts))
        predictor.predict(texts)

    timings = benchmark({"tiny": predict}, ["a good film", "bad"])["tiny"]
    assert sizes.count(1) == 4  # two texts in two rounds
    assert sizes.count(2) >= 2
    assert timings.latency_ms() > 0
    assert timings.texts_per_second > 0
