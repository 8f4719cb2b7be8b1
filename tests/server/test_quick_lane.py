"""What comes together is computed together, and each gets its own answer."""

from __future__ import annotations

import asyncio

import pytest

from textwright.errors import BackendError
from textwright.runtime.batching import BatchLimits
from textwright.server.engine import Engine
from textwright.server.quick_lane import QuickLane

REQUESTS = [["a good film"], ["bad " * 17, "an awful film", ""], ["good"], ["unheard of"]]
QUICK = BatchLimits(call_tokens=1, token_s=1e-7)


def lane_of(predictor, limits=QUICK):
    engine = Engine(predictor, limits)
    sizes = []
    engine.on_batch = sizes.append
    return QuickLane(engine), sizes


def ask_all(lane, predictor, requests=REQUESTS):
    async def scenario():
        waiting = [lane.score(predictor.encode(texts)) for texts in requests]
        return await asyncio.gather(*waiting, return_exceptions=True)

    return asyncio.run(scenario())


def test_requests_of_one_turn_go_through_the_model_together(predictor):
    lane, sizes = lane_of(predictor)
    answers = ask_all(lane, predictor)
    assert sizes == [6]
    for texts, answer in zip(REQUESTS, answers, strict=True):
        assert [item.prediction.label for item in answer.results] == [item.label for item in predictor.predict(texts)]
        for item, alone in zip(answer.results, predictor.logits(texts), strict=True):
            assert item.logits == pytest.approx(alone, abs=1e-5)
        assert answer.batch_size == 6
        assert answer.queue_ms >= 0
        assert answer.infer_ms > 0


def test_more_than_is_quick_is_cut(predictor):
    lane, sizes = lane_of(predictor, BatchLimits(call_tokens=0, token_s=1e-3 / 20))  # 20 padded tokens at most
    answers = ask_all(lane, predictor, [["good"]] * 50)
    assert sizes == [20, 20, 10]
    assert {answer.results[0].prediction.label for answer in answers} == {"positive"}


def test_only_what_is_quick_is_taken(predictor):
    lane, _ = lane_of(predictor, BatchLimits(call_tokens=0, token_s=1e-3 / 20))
    assert lane.takes(predictor.encode(["good"] * 20))
    assert not lane.takes(predictor.encode(["good"] * 21))
    assert lane.takes(predictor.encode([""]))


def test_a_request_that_cannot_be_computed_fails_alone(predictor, monkeypatch):
    lane, sizes = lane_of(predictor)
    infer = predictor.infer

    def poisoned(batch):
        if 3 in batch.lengths.tolist():
            raise BackendError("poisoned")
        return infer(batch)

    monkeypatch.setattr(predictor, "infer", poisoned)
    first, second, third = ask_all(lane, predictor, [["good"], ["a good film"], ["bad"]])
    assert isinstance(second, BackendError)
    assert [answer.results[0].prediction.label for answer in (first, third)] == ["positive", "negative"]
    assert sizes == [3, 1, 1, 1]


def test_who_left_is_not_told(predictor):
    lane, _ = lane_of(predictor)

    async def scenario():
        leaving = asyncio.ensure_future(lane.score(predictor.encode(["good"])))
        staying = asyncio.ensure_future(lane.score(predictor.encode(["bad"])))
        await asyncio.sleep(0)
        leaving.cancel()
        return await staying

    assert asyncio.run(scenario()).results[0].prediction.label == "negative"
