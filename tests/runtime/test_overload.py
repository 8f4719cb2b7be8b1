"""More requests than the model can compute: those that are admitted are answered in time, others are refused at once.

Time is virtual: the event loop's clock jumps to the next timer, so the tests take no time and no machine is too slow.
"""

from __future__ import annotations

import asyncio
import selectors
from contextlib import asynccontextmanager

import pytest

from textwright.errors import DeadlineError, QueueFullError
from textwright.runtime.batcher import Batcher
from textwright.runtime.batching import BatchLimits, CostEstimate
from textwright.runtime.request_state import BatchedResults

TOKEN_S = 0.01
TIMEOUT_S = 10.0
TEXT = "ten tokens"
LIMITS = BatchLimits(10_000, 1_000_000, max_batch_tokens=50, call_tokens=0, token_s=TOKEN_S)


class _Clock(selectors.SelectSelector):
    """Waits for nothing: its time passes by as much as it was to wait."""

    def __init__(self):
        super().__init__()
        self.now = 0.0

    def select(self, timeout=None):
        self.now += timeout or 0.0
        return super().select(0)


def in_virtual_time(scenario):
    """Run a coroutine in an event loop whose clock jumps."""
    clock = _Clock()
    loop = asyncio.SelectorEventLoop(clock)
    loop.time = lambda: clock.now
    try:
        return loop.run_until_complete(asyncio.wait_for(scenario, 1000))
    finally:
        loop.close()


class Model:
    """Takes its time for each token."""

    def __init__(self):
        self.token_s = TOKEN_S
        self.texts: list[str] = []

    async def run(self, texts):
        self.texts += texts
        await asyncio.sleep(self.token_s * sum(map(len, texts)))
        return texts


@asynccontextmanager
async def overloadable(limits=LIMITS):
    model = Model()
    batcher = Batcher(model.run, limits, num_tokens=len, timeout_s=TIMEOUT_S)
    batcher.start()
    batcher._clock = asyncio.get_running_loop().time
    try:
        yield model, batcher
    finally:
        await batcher.close(1.0)


async def ask(batcher, num_texts, text=TEXT):
    with batcher.admit(num_texts) as permit:
        return await permit.submit([text] * num_texts)


async def answered_per_second(num_clients, *, num_texts, token_s=TOKEN_S, pause_s=None, duration_s=120.0):
    """Count the texts per second that are answered in time while clients ask again and again."""
    num_answered = num_late = 0

    async def client(batcher):
        nonlocal num_answered, num_late
        while True:
            try:
                await ask(batcher, num_texts)
                num_answered += num_texts
            except DeadlineError:
                num_late += 1
            except QueueFullError as refused:
                await asyncio.sleep(pause_s or refused.retry_after_s)

    async with overloadable() as (model, batcher):
        model.token_s = token_s
        clients = [asyncio.create_task(client(batcher)) for _ in range(num_clients)]
        await asyncio.sleep(duration_s)
        for task in clients:
            task.cancel()
    return num_answered / duration_s, num_late


@pytest.mark.parametrize("pause_s", [None, 0.5], ids=["waits", "impatient"])
@pytest.mark.parametrize("num_texts", [20, 45, 70, 95], ids="{} % of the time limit".format)
@pytest.mark.parametrize("num_clients", [3, 8])
def test_under_overload_as_many_texts_are_answered_as_by_one_client(num_clients, num_texts, pause_s):
    alone, _ = in_virtual_time(answered_per_second(1, num_texts=num_texts))
    overloaded, num_late = in_virtual_time(answered_per_second(num_clients, num_texts=num_texts, pause_s=pause_s))
    assert overloaded >= 0.9 * alone
    assert num_late == 0


def test_a_model_that_is_slower_than_measured_at_the_start_is_soon_known_to_be():
    alone, _ = in_virtual_time(answered_per_second(1, num_texts=45, token_s=2 * TOKEN_S))
    overloaded, num_late = in_virtual_time(answered_per_second(3, num_texts=45, token_s=2 * TOKEN_S))
    assert overloaded >= 0.9 * alone
    assert num_late <= 2  # those that came before the first answers


def test_what_does_not_fit_is_refused_and_told_when_it_would():
    async def scenario():
        async with overloadable() as (_, batcher):
            first = asyncio.create_task(ask(batcher, 70))
            await asyncio.sleep(1.0)
            with pytest.raises(QueueFullError, match=r"about 13.5 s, and 10 s of .* try again in 5 s") as refused:
                await ask(batcher, 70)
            await asyncio.sleep(refused.value.retry_after_s)
            second = asyncio.create_task(ask(batcher, 70))
            await first
            await second

    in_virtual_time(scenario())


def test_what_surely_does_not_fit_is_refused_before_it_is_encoded():
    async def scenario():
        async with overloadable() as (_, batcher):
            first = asyncio.create_task(ask(batcher, 70))
            await asyncio.sleep(0)
            with pytest.raises(QueueFullError, match="send fewer texts"):
                batcher.admit(70, min_tokens=400)
            await first

    in_virtual_time(scenario())


def test_small_requests_are_answered_beside_a_large_one_that_is_in_time():
    async def scenario():
        async with overloadable() as (_, batcher):
            large = asyncio.create_task(ask(batcher, 85))
            waits_s = []
            loop = asyncio.get_running_loop()
            for _ in range(4):
                start = loop.time()
                await ask(batcher, 1)
                waits_s.append(loop.time() - start)
                await asyncio.sleep(1.0)
            await large
            assert max(waits_s) <= 1.1  # the batch that was being computed, and one of the large request

    in_virtual_time(scenario())


def test_the_earliest_deadline_goes_first_when_it_is_near():
    async def scenario():
        async with overloadable() as (_, batcher):
            large = asyncio.create_task(ask(batcher, 85))
            small = []
            while not large.done():
                await asyncio.sleep(0.1)
                # Of another length, so that they are batches of their own: in turn, they take a third of the time.
                small.append(asyncio.create_task(ask(batcher, 1, text="short")))
            assert len((await large).results) == 85
            outcomes = await asyncio.gather(*small, return_exceptions=True)
            assert {type(outcome) for outcome in outcomes} <= {BatchedResults, QueueFullError}

    in_virtual_time(scenario())


def test_a_request_without_hope_gives_way_to_others():
    async def scenario():
        async with overloadable() as (model, batcher):
            hopeless = asyncio.create_task(ask(batcher, 180))  # met an empty queue
            await asyncio.sleep(1.0)
            await ask(batcher, 40)
            with pytest.raises(QueueFullError, match="take about 17 s, and 9 s"):
                await hopeless
            assert len(model.texts) < 60

    in_virtual_time(scenario())


def test_an_empty_queue_refuses_only_what_takes_twice_the_time_limit():
    async def scenario():
        async with overloadable() as (_, batcher):
            with pytest.raises(DeadlineError):
                await ask(batcher, 190)
            with pytest.raises(QueueFullError):
                await ask(batcher, 210)

    in_virtual_time(scenario())


def test_the_estimate_follows_the_model_and_forgets_one_slow_call():
    cost = CostEstimate(BatchLimits(max_batch_tokens=100, call_tokens=10, token_s=0.001))
    assert cost.seconds(100) == pytest.approx(0.11)
    assert cost.seconds(0) == 0
    cost.observe(100, 30.0)
    assert cost.seconds(100) == pytest.approx(0.11, rel=0.15)
    for _ in range(200):
        cost.observe(100, 0.22)
    assert cost.seconds(1000) == pytest.approx(2.2, rel=0.01)
    assert cost.least_seconds(1000) == pytest.approx(1.1, rel=0.01)
    for _ in range(400):
        cost.observe(100, 0.055)
    assert cost.seconds(1000) == cost.least_seconds(1000) == pytest.approx(0.55, rel=0.01)


def test_many_short_calls_say_no_more_than_a_long_one():
    cost = CostEstimate(BatchLimits(max_batch_tokens=100, call_tokens=0, token_s=0.001))
    for _ in range(100):
        cost.observe(1, 0.004)
    assert cost.token_s < 0.0015
