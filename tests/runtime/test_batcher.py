"""The batcher's contract: each caller is answered exactly once with its own results, whatever fails, leaves or ends."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textwright.errors import BackendError, DeadlineError, NotReadyError, QueueFullError
from textwright.runtime.batcher import Batcher
from textwright.runtime.batching import BatchLimits

POISON = "poison"
ROOMY = BatchLimits(
    max_queue_texts=1000, max_queue_tokens=10_000, max_batch_tokens=10_000, call_tokens=1e9, token_s=1e-9
)


class Engine:
    """Answers each text with itself in capitals; can be held, and be told to fail."""

    def __init__(self):
        self.calls: list[list[str]] = []
        self.go = asyncio.Event()
        self.go.set()
        self.started = asyncio.Event()
        self.error: Exception | None = None
        self.num_rows: int | None = None

    async def run(self, texts):
        self.calls.append(list(texts))
        self.started.set()
        await self.go.wait()
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        if POISON in texts:
            raise BackendError("poisoned")
        if self.num_rows is not None:
            return ["wrong"] * (self.num_rows if self.num_rows != len(texts) else self.num_rows + 1)
        return [text.upper() for text in texts]

    @property
    def seen(self):
        return {text for call in self.calls for text in call}


@asynccontextmanager
async def running(limits=ROOMY, timeout_s=5.0):
    engine = Engine()
    batcher = Batcher(engine.run, limits, num_tokens=len, timeout_s=timeout_s)
    batcher.start()
    try:
        yield engine, batcher
    finally:
        engine.go.set()
        await batcher.close(1.0)


async def ask(batcher, *texts):
    with batcher.admit(len(texts)) as permit:
        return await permit.submit(texts)


async def results_of(batcher, *texts):
    return (await ask(batcher, *texts)).results


async def settle(rounds=5):
    for _ in range(rounds):
        await asyncio.sleep(0)


@asynccontextmanager
async def held(**options):
    """Run with a first request inside the model, so that whatever is asked next waits in the queue."""
    async with running(**options) as (engine, batcher):
        engine.go.clear()
        first = asyncio.create_task(results_of(batcher, "first"))
        await engine.started.wait()
        yield engine, batcher, first
        engine.go.set()
        first.cancel()
        await asyncio.wait({first})


def in_loop(scenario):
    """Run a test that is a coroutine; 10 seconds are for ever."""

    def test():
        asyncio.run(asyncio.wait_for(scenario(), 10))

    test.__name__ = scenario.__name__
    return test


@in_loop
async def test_results_keep_the_order_of_the_texts():
    async with running() as (_, batcher):
        assert await results_of(batcher, "ccc", "a", "", "bb") == ["CCC", "A", "", "BB"]


@in_loop
async def test_a_lone_request_is_computed_without_delay():
    async with running() as (_, batcher):
        loop, waits_s = asyncio.get_running_loop(), []

        def call_at(when, *arguments, **keywords):
            waits_s.append(when - loop.time())
            return type(loop).call_at(loop, when, *arguments, **keywords)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(loop, "call_at", call_at)
            await ask(batcher, "a")
        assert all(wait_s > 1 for wait_s in waits_s)  # of its deadline, and of nothing else


@in_loop
async def test_requests_that_wait_go_through_the_model_together():
    async with held() as (engine, batcher, first):
        others = [asyncio.create_task(ask(batcher, f"text {number}")) for number in range(8)]
        await settle()
        engine.go.set()
        answers = await asyncio.gather(*others)
        assert await first == ["FIRST"]
    assert [answer.results for answer in answers] == [[f"TEXT {number}"] for number in range(8)]
    assert [len(call) for call in engine.calls] == [1, 8]
    assert {answer.batch_size for answer in answers} == {8}
    assert all(answer.queue_ms > 0 for answer in answers)


@in_loop
async def test_a_batcher_is_not_free_while_somebody_waits_or_is_computed():
    async with held() as (_, batcher, _):
        assert not batcher.is_free
        waiting = asyncio.create_task(ask(batcher, "second"))
        await settle()
        assert not batcher.is_free
        waiting.cancel()


@in_loop
async def test_a_small_request_is_not_starved_by_a_large_one():
    limits = BatchLimits(max_batch_tokens=40, call_tokens=1e9)
    async with held(limits=limits) as (engine, batcher, _):
        large = asyncio.create_task(ask(batcher, *["0123456789"] * 200))
        await settle()
        small = asyncio.create_task(ask(batcher, "a short one that is longer"))
        await settle()
        engine.go.set()
        await small
        assert ["a short one that is longer"] in engine.calls[:3]
        assert not large.done()
        assert (await large).results == ["0123456789"] * 200


@in_loop
async def test_a_full_queue_refuses_texts_and_says_when_to_come_back():
    limits = BatchLimits(max_queue_texts=3, token_s=0.5, call_tokens=0)
    async with held(limits=limits, timeout_s=8.0) as (engine, batcher, _):
        second = asyncio.create_task(ask(batcher, "a", "b"))
        await settle()
        with pytest.raises(QueueFullError, match=r"3 texts wait .* at most 3") as refused:
            await ask(batcher, "refused")
        assert refused.value.retry_after_s == 4  # "first", "a" and "b" have 7 tokens
        engine.go.set()
        await second
        assert await results_of(batcher, "now") == ["NOW"]
    assert "refused" not in engine.seen


@in_loop
async def test_a_full_queue_refuses_tokens():
    async with held(limits=BatchLimits(max_queue_tokens=10)) as (engine, batcher, _):
        with pytest.raises(QueueFullError, match=r"5 tokens wait .* at most 10"):
            await ask(batcher, "123456")
        engine.go.set()
    assert (batcher.num_texts, batcher.num_tokens) == (0, 0)


@in_loop
async def test_an_empty_house_lets_in_the_largest_request():
    async with running(limits=BatchLimits(1, 1, 1)) as (_, batcher):
        assert await results_of(batcher, "aaa", "bbb") == ["AAA", "BBB"]


@in_loop
async def test_after_the_deadline_a_request_is_answered_and_not_computed():
    async with held(timeout_s=0.05) as (engine, batcher, first):
        late = asyncio.create_task(ask(batcher, "late"))
        with pytest.raises(DeadlineError, match=r"0\.05 s"):
            await late
        with pytest.raises(DeadlineError):
            await first
        engine.go.set()
        await settle()
    assert engine.seen == {"first"}
    assert (batcher.num_texts, batcher.num_tokens) == (0, 0)


@in_loop
async def test_a_deadline_that_passes_before_submission_is_told_at_once():
    async with running(timeout_s=0.01) as (engine, batcher):
        with batcher.admit(1) as permit:
            await asyncio.sleep(0.02)  # encoding took too long
            with pytest.raises(DeadlineError):
                permit.submit(["late"])
    assert engine.calls == []


@in_loop
async def test_a_deadline_holds_while_the_loop_is_too_busy_for_its_timers():
    async with held(timeout_s=0.05) as (engine, batcher, _):
        late = asyncio.create_task(ask(batcher, "late"))
        await settle()
        engine.go.set()
        time.sleep(0.1)  # the loop is blocked on purpose
        with pytest.raises(DeadlineError):
            await late
    assert engine.seen == {"first"}


@in_loop
async def test_who_has_left_is_not_computed():
    async with held() as (engine, batcher, first):
        gone, stays = [asyncio.create_task(ask(batcher, text)) for text in ("gone", "stays")]
        await settle()
        gone.cancel()
        await settle()
        assert batcher.num_texts == 2
        engine.go.set()
        assert (await stays).results == ["STAYS"]
        assert await first == ["FIRST"]
    assert engine.seen == {"first", "stays"}


@in_loop
async def test_a_poisoned_text_fails_alone():
    async with held() as (engine, batcher, _):
        texts = [f"text {number}" for number in range(7)] + [POISON]
        tasks = [asyncio.create_task(results_of(batcher, text)) for text in texts]
        await settle()
        engine.go.set()
        *good, bad = await asyncio.gather(*tasks, return_exceptions=True)
    assert good == [[text.upper()] for text in texts[:-1]]
    assert isinstance(bad, BackendError)
    assert len(engine.calls) <= 1 + 1 + 2 * 3  # the first, the whole, and two halves at each of three levels


@in_loop
async def test_a_request_with_a_poisoned_text_fails_as_a_whole():
    async with running() as (_, batcher):
        with pytest.raises(BackendError, match="poisoned"):
            await ask(batcher, "a", POISON, "b")
        assert await results_of(batcher, "a") == ["A"]


@in_loop
async def test_a_failing_model_fails_every_caller_and_recovers():
    async with held() as (engine, batcher, first):
        engine.error = MemoryError("no memory")
        tasks = [asyncio.create_task(ask(batcher, f"text {number}")) for number in range(5)]
        await settle()
        engine.go.set()
        outcomes = await asyncio.gather(first, *tasks, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [MemoryError] * 6
        assert batcher.last_failed
        assert batcher.is_running
        engine.error = None
        assert await results_of(batcher, "again") == ["AGAIN"]
        assert not batcher.last_failed


@in_loop
async def test_a_wrong_number_of_rows_gives_nobody_a_wrong_answer():
    async with running() as (engine, batcher):
        for engine.num_rows in (0, 1, 3):
            with pytest.raises(BackendError, match="results for a batch of 1 texts"):
                await ask(batcher, "a", "b")
            assert batcher.last_failed


@in_loop
async def test_a_stuck_model_is_not_ready_until_it_returns():
    async with held(timeout_s=0.05) as (engine, batcher, _):
        assert batcher.is_running
        await asyncio.sleep(0.06)
        assert not batcher.is_running
        with pytest.raises(NotReadyError):
            await ask(batcher, "a")
        engine.go.set()
        await settle()
        assert await results_of(batcher, "a") == ["A"]


@in_loop
async def test_requests_do_not_pile_up_behind_a_stuck_model():
    async with held(timeout_s=0.02, limits=BatchLimits(max_queue_texts=50)) as (_, batcher, _):
        await asyncio.gather(*[ask(batcher, "a") for _ in range(40)], return_exceptions=True)
        assert batcher.num_texts == 0
        assert not batcher._turns
        assert not batcher._open


@in_loop
async def test_before_its_start_it_is_not_ready():
    batcher = Batcher(Engine().run, ROOMY, num_tokens=len, timeout_s=1.0)
    with pytest.raises(NotReadyError):
        await ask(batcher, "a")
    await batcher.close(0.1)


@in_loop
async def test_closing_finishes_the_batch_in_flight_and_answers_those_who_wait():
    async with held() as (engine, batcher, first):
        queued = asyncio.create_task(ask(batcher, "queued"))
        await settle()
        closing = asyncio.create_task(batcher.close(5.0))
        with pytest.raises(NotReadyError):
            await queued
        with pytest.raises(NotReadyError):
            await ask(batcher, "too late")
        engine.go.set()
        assert await first == ["FIRST"]
        await closing
    assert engine.seen == {"first"}


@in_loop
async def test_closing_does_not_wait_for_ever_for_a_model_that_hangs():
    async with held() as (_, batcher, first):
        await batcher.close(0.05)
        with pytest.raises(NotReadyError):
            await first


@in_loop
async def test_closing_answers_those_that_are_being_tried_again():
    async with held() as (engine, batcher, _):
        tasks = [asyncio.create_task(ask(batcher, text)) for text in ("a", "b", POISON, "c")]
        await settle()
        whole_failed = len(engine.calls) + 2
        engine.go.set()
        while len(engine.calls) < whole_failed:
            await asyncio.sleep(0)
        await batcher.close(1.0)
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    calls = len(engine.calls)
    assert all(isinstance(outcome, NotReadyError | BackendError) or outcome.results for outcome in outcomes)
    assert any(isinstance(outcome, NotReadyError) for outcome in outcomes)
    assert calls == whole_failed  # the half in flight was finished, and no other was begun


@in_loop
async def test_closing_twice_is_harmless():
    async with running() as (_, batcher):
        await batcher.close(0.1)
        await batcher.close(0.1)


def test_a_batcher_that_dies_answers_everybody_and_is_not_ready(caplog):
    async def scenario():
        async with held() as (engine, batcher, first):
            queued = asyncio.create_task(ask(batcher, "queued"))
            await settle()
            batcher._choose = None  # a defect of ours
            engine.go.set()
            with pytest.raises(NotReadyError):
                await queued
            assert await first == ["FIRST"]
            assert not batcher.is_running

    asyncio.run(scenario())
    assert "the batcher failed" in caplog.text


@in_loop
async def test_an_idle_batcher_sleeps():
    async with running() as (_, batcher):
        await ask(batcher, "a")
        selector, num_turns = asyncio.get_running_loop()._selector, 0
        select = selector.select

        def count(timeout):
            nonlocal num_turns
            num_turns += 1
            return select(timeout)

        selector.select = count
        await asyncio.sleep(0.3)
        assert num_turns <= 5  # of the event loop; it wakes for this timer alone


TEXT = st.sampled_from(["", "a", "bb", "a longer text", "x" * 50, POISON])
REQUEST = st.tuples(
    st.lists(TEXT, min_size=1, max_size=6), st.sampled_from(["stays", "leaves"]), st.integers(0, 3), st.integers(0, 4)
)
LIMITS = st.builds(
    BatchLimits,
    max_queue_texts=st.integers(1, 30),
    max_queue_tokens=st.integers(1, 300),
    max_batch_tokens=st.integers(1, 200),
    call_tokens=st.sampled_from([0.0, 10.0, 1e9]),
)


@settings(max_examples=150)
@given(requests=st.lists(REQUEST, max_size=12), limits=LIMITS, close_after=st.none() | st.integers(0, 20))
def test_everybody_is_answered_once_with_their_own_results(requests, limits, close_after):
    async def client(batcher, texts, manner, delay, patience):
        await settle(delay)
        task = asyncio.create_task(results_of(batcher, *texts))
        await settle(patience)
        if manner == "leaves":
            task.cancel()
        return (await asyncio.gather(task, return_exceptions=True))[0]

    async def scenario():
        async with running(limits=limits) as (_, batcher):
            clients = [asyncio.create_task(client(batcher, *request)) for request in requests]
            if close_after is not None:
                await settle(close_after)
                await batcher.close(1.0)
            outcomes = await asyncio.gather(*clients)
            assert (batcher.num_texts, batcher.num_tokens) == (0, 0)
            assert not batcher._turns
            assert not batcher._open
            return outcomes

    outcomes = asyncio.run(asyncio.wait_for(scenario(), 10))
    for (texts, manner, _, _), outcome in zip(requests, outcomes, strict=True):
        if isinstance(outcome, list):
            assert outcome == [text.upper() for text in texts]
            continue
        assert isinstance(outcome, BackendError | QueueFullError | NotReadyError | asyncio.CancelledError)
        assert not isinstance(outcome, BackendError) or POISON in texts
        assert not isinstance(outcome, asyncio.CancelledError) or manner == "leaves"
        assert not isinstance(outcome, NotReadyError) or close_after is not None
