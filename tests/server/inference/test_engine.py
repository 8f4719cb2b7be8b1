"""The predictor behind the batcher: what it measures of itself, and that its items are its encodings."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from textwright.runtime.batching import BatchLimits
from textwright.server.inference.engine import InferenceEngine, items_of, profile_model, score, tune_threads
from textwright.server.inference.model_thread import ModelThread
from textwright.server.settings import ServeSettings

TEXTS = ["a good film", "", "an awful film", "bad " * 17, "unheard of"]


def test_items_are_the_encodings_text_by_text(predictor):
    items = items_of(predictor.encode(TEXTS))
    assert [item.ids.tolist() for item in items] == [list(item.ids) for item in predictor.encode(TEXTS)]
    assert [item.truncated for item in items] == [False, False, False, True, False]


def test_scores_are_the_predictions_with_the_logits_behind_them(predictor):
    scored = score(predictor, predictor.encode(TEXTS))
    assert [item.prediction for item in scored] == predictor.predict(TEXTS)
    assert [item.logits.tolist() for item in scored] == predictor.logits(TEXTS).tolist()


def test_the_limits_are_measured_and_the_queue_is_as_told(predictor):
    settings = ServeSettings(max_queue_texts=7, max_queue_tokens=77)
    limits = profile_model(predictor, settings)
    assert (limits.max_queue_texts, limits.max_queue_tokens) == (7, 77)
    assert limits.max_batch_tokens >= predictor.artifact.manifest.max_length
    assert limits.token_s > 0
    assert limits.call_tokens > 0


def test_a_slow_model_gets_small_batches(predictor, monkeypatch):
    infer = predictor.infer

    def slow(batch):
        time.sleep(0.002 * len(batch.ids))
        return infer(batch)

    monkeypatch.setattr(predictor, "infer", slow)
    limits = profile_model(predictor, ServeSettings())
    assert limits.max_batch_tokens < 40  # 50 ms at 2 ms a token, and some for the machine
    assert limits.token_s == pytest.approx(0.002, rel=0.5)


def test_a_slow_call_is_not_quick_however_the_measurement_was_disturbed(predictor, monkeypatch):
    infer, calls = predictor.infer, []

    def disturbed(batch):
        calls.append(len(batch.ids))
        time.sleep(0.1 if len(batch.ids) == 16 else 0.003)  # the longest text, 16 tokens, meets a busy machine
        return infer(batch)

    monkeypatch.setattr(predictor, "infer", disturbed)
    engine = InferenceEngine(predictor, profile_model(predictor, ServeSettings()))
    engine.close()
    assert 16 in calls
    assert not engine.is_quick(1, 1)


def test_a_model_that_is_quick_gets_one_thread_and_says_the_same(predictor, monkeypatch):
    assert tune_threads(predictor) is not predictor
    assert tune_threads(predictor).predict(TEXTS) == predictor.predict(TEXTS)
    infer = predictor.infer
    monkeypatch.setattr(predictor, "infer", lambda batch: time.sleep(0.001) or infer(batch))
    assert tune_threads(predictor) is predictor


def test_texts_are_quick_as_long_as_their_characters_say_so(predictor):
    engine = InferenceEngine(predictor, BatchLimits(call_tokens=0, token_s=1e-5))  # 100 tokens are quick
    engine.close()
    engine.quick_chars = 1000
    assert engine.are_quick(["good film"] * 20)
    assert not engine.are_quick(["good film"] * 101)
    assert not engine.are_quick(["good film " * 101])


def test_long_texts_are_encoded_in_a_thread_and_short_ones_at_once(predictor, monkeypatch):
    threads = []
    encode = predictor.encode
    monkeypatch.setattr(predictor, "encode", lambda texts: threads.append(threading.current_thread()) or encode(texts))
    engine = InferenceEngine(predictor, BatchLimits())

    async def scenario():
        return await engine.encode(["good"]), await engine.encode(["good " * 1_000_000])

    (short,), (long,) = asyncio.run(scenario())
    engine.close()
    assert (len(short.ids), len(long.ids)) == (1, 16)
    assert threads[-2] is threading.main_thread()
    assert threads[-1].name == "encoding"


@pytest.mark.parametrize(("token_s", "thread"), [(1e-6, "MainThread"), (1e-3, "inference")])
def test_only_a_model_that_is_quick_is_run_on_the_event_loop(predictor, monkeypatch, token_s, thread):
    threads = []
    infer = predictor.infer
    monkeypatch.setattr(
        predictor, "infer", lambda batch: threads.append(threading.current_thread().name) or infer(batch)
    )
    engine = InferenceEngine(predictor, BatchLimits(call_tokens=10, token_s=token_s))
    (scored,) = asyncio.run(engine.infer(items_of(predictor.encode(["good"]))))
    engine.close()
    assert scored.prediction.label == "positive"
    assert threads == [thread]


def test_a_thread_gives_back_results_and_errors_in_order():
    thread = ModelThread("test")

    async def scenario():
        jobs = [thread.run(divmod, 7, 2), thread.run(divmod, 7, 0), thread.run(int, "11", base=2)]
        return await asyncio.gather(*jobs, return_exceptions=True)

    first, second, third = asyncio.run(scenario())
    thread.close()
    assert (first, third) == ((3, 1), 3)
    assert isinstance(second, ZeroDivisionError)


def test_a_result_for_somebody_who_left_is_dropped():
    thread, go = ModelThread("test"), threading.Event()

    async def scenario():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(thread.run(go.wait, 5), 0.01)
        go.set()
        return await thread.run(int, "3")

    assert asyncio.run(scenario()) == 3
    thread.close()


def test_a_thread_outlives_a_loop_that_was_closed():
    thread, go = ModelThread("test"), threading.Event()

    async def leave():
        asyncio.get_running_loop().create_task(thread.run(go.wait, 5))
        await asyncio.sleep(0.01)

    asyncio.run(leave())
    go.set()
    assert asyncio.run(thread.run(int, "3")) == 3
    thread.close()


def test_what_nobody_waits_for_any_more_is_not_called():
    thread, go = ModelThread("test"), threading.Event()
    called = []

    async def scenario():
        busy = thread.submit(go.wait, 5)
        left = thread.submit(called.append, "left")
        stays = thread.submit(called.append, "stays")
        left.cancel()
        go.set()
        await asyncio.gather(busy, stays)

    asyncio.run(scenario())
    thread.close()
    assert called == ["stays"]


def test_the_tokens_of_many_texts_are_guessed_from_a_few(predictor, monkeypatch):
    engine = InferenceEngine(predictor, BatchLimits())
    encoded = []
    encode = predictor.encode
    monkeypatch.setattr(predictor, "encode", lambda texts: encoded.extend(texts) or encode(texts))
    engine.quick_chars = 200
    texts = ["good bad good bad"] * 900 + ["good"] * 100
    assert 0.8 * 3700 < engine.min_tokens(texts) < 1.1 * 3700
    assert 0 < sum(map(len, encoded)) <= 400
    encoded.clear()
    assert engine.min_tokens(["good"]) == engine.min_tokens(["good" * 1000]) == engine.min_tokens(["", ""]) == 0
    assert encoded == []
    engine.close()
