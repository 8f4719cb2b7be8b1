"""What comes together is computed together, and each gets its own answer."""

from __future__ import annotations

import asyncio

import pytest

from textwright.errors import BackendError, TextError
from textwright.runtime.batcher import Batcher
from textwright.runtime.batching import BatchLimits
from textwright.server.inference.engine import InferenceEngine
from textwright.server.inference.inline import InlineScheduler

REQUESTS = [["a good film"], ["bad " * 17, "an awful film", ""], ["good"], ["unheard of"]]
QUICK = BatchLimits(call_tokens=1, token_s=1e-7)


def scheduler_of(predictor, limits=QUICK):
    engine = InferenceEngine(predictor, limits)
    sizes = []
    engine.on_batch = sizes.append
    batcher = Batcher(engine.infer, limits, num_tokens=lambda item: len(item.ids), timeout_s=5)
    return InlineScheduler(engine, batcher), sizes


def ask_all(scheduler, requests=REQUESTS):
    async def scenario():
        return await asyncio.gather(*map(scheduler.score, requests), return_exceptions=True)

    return asyncio.run(scenario())


def test_requests_of_one_turn_go_through_the_model_together(predictor):
    scheduler, sizes = scheduler_of(predictor)
    answers = ask_all(scheduler)
    assert sizes == [6]
    for texts, answer in zip(REQUESTS, answers, strict=True):
        assert [item.prediction.label for item in answer.scored] == [item.label for item in predictor.predict(texts)]
        for item, alone in zip(answer.scored, predictor.logits(texts), strict=True):
            assert item.logits == pytest.approx(alone, abs=1e-5)
        assert answer.batch_size == 6
        assert answer.queue_ms >= 0
        assert answer.infer_ms > 0


def test_more_than_is_quick_is_cut(predictor):
    scheduler, sizes = scheduler_of(
        predictor, BatchLimits(call_tokens=0, token_s=1e-3 / 20)
    )  # 20 padded tokens at most
    answers = ask_all(scheduler, [["good"]] * 50)
    assert sizes == [20, 20, 10]
    assert {answer.scored[0].prediction.label for answer in answers} == {"positive"}


def test_requests_that_are_cut_keep_their_texts(predictor):
    scheduler, sizes = scheduler_of(predictor, BatchLimits(call_tokens=0, token_s=1e-3 / 8))  # 8 padded tokens at most
    requests = [["good", "bad"], ["a good film", "bad bad bad bad"], ["awful"], ["a great song"], ["good"] * 9]
    answers = ask_all(scheduler, requests)
    assert sizes == [2, 2, 2, 9]
    for texts, answer in zip(requests, answers, strict=True):
        assert [item.prediction.label for item in answer.scored] == [item.label for item in predictor.predict(texts)]
        assert answer.num_tokens == len(predictor.encode(texts).ids)


def test_more_characters_than_are_encoded_quickly_wait_for_the_next_turn(predictor):
    scheduler, sizes = scheduler_of(predictor)
    scheduler._engine.quick_chars = 9
    answers = ask_all(scheduler, [["good"], ["awful"], ["a good film"], ["bad", "bad", "bad"], ["x"]])
    assert sizes == [2, 1, 3, 1]
    assert [len(answer.scored) for answer in answers] == [1, 1, 1, 3, 1]


def test_only_what_is_quick_is_taken(predictor):
    scheduler, _ = scheduler_of(predictor, BatchLimits(call_tokens=0, token_s=1e-3 / 20))

    async def scenario():
        return [scheduler.accepts(texts) for texts in (["good"] * 10, ["good"] * 21, ["good " * 100], [""])]

    assert asyncio.run(scenario()) == [True, False, False, True]


def test_what_fails_is_remembered_until_something_works(predictor, monkeypatch):
    scheduler, _ = scheduler_of(predictor)
    with monkeypatch.context() as patched:
        patched.setattr(predictor, "infer", lambda _batch: 1 / 0)
        (failed,) = ask_all(scheduler, [["good"]])
    assert isinstance(failed, ZeroDivisionError)
    assert scheduler._batcher.last_failed
    ask_all(scheduler, [["good"]])
    assert not scheduler._batcher.last_failed


def test_a_text_that_cannot_be_encoded_fails_alone(predictor):
    scheduler, _ = scheduler_of(predictor)
    first, second = ask_all(scheduler, [["\ud800"], ["good"]])
    assert isinstance(first, TextError)
    assert second.scored[0].prediction.label == "positive"
    assert not scheduler._batcher.last_failed


def test_a_request_that_cannot_be_computed_fails_alone(predictor, monkeypatch):
    scheduler, sizes = scheduler_of(predictor)
    infer = predictor.infer

    def poisoned(batch):
        if 3 in batch.lengths.tolist():
            raise BackendError("poisoned")
        return infer(batch)

    monkeypatch.setattr(predictor, "infer", poisoned)
    first, second, third = ask_all(scheduler, [["good"], ["a good film"], ["bad"]])
    assert isinstance(second, BackendError)
    assert [answer.scored[0].prediction.label for answer in (first, third)] == ["positive", "negative"]
    assert sizes == [3, 1, 1, 1]


def test_who_left_is_not_told(predictor):
    scheduler, _ = scheduler_of(predictor)

    async def scenario():
        leaving = asyncio.ensure_future(scheduler.score(["good"]))
        staying = asyncio.ensure_future(scheduler.score(["bad"]))
        await asyncio.sleep(0)
        leaving.cancel()
        return await staying

    assert asyncio.run(scenario()).scored[0].prediction.label == "negative"
