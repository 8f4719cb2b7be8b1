"""Processes of this machine, one per core and each of one thread; with one, the process that was started itself."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from multiprocessing.connection import wait as wait_for
from typing import TYPE_CHECKING, Any, Final

from textwright.bulk.engines.protocol import ScoreTask
from textwright.bulk.ledger import FragmentResult
from textwright.bulk.scoring import FragmentScorer, ScoreJob
from textwright.errors import BackendError
from textwright.runtime.cores import num_cores
from textwright.runtime.predictor import Predictor

if TYPE_CHECKING:
    from multiprocessing.sharedctypes import Synchronized

_POLL_S: Final = 0.25
"""Seconds between two looks at the rows that the processes have written."""


class LocalEngine:
    """Scores fragments in processes of this machine.

    Args:
        num_workers: Processes; None takes one per physical core.
    """

    def __init__(self, num_workers: int | None = None) -> None:
        self._num_workers = num_workers or num_cores()

    def results(
        self, predictor: Predictor, job: ScoreJob, tasks: Sequence[ScoreTask], on_rows: Callable[[int], object]
    ) -> Iterator[FragmentResult]:
        """Score fragments; see :class:`~textwright.bulk.engines.protocol.Engine`."""
        if min(self._num_workers, len(tasks)) <= 1:
            with closing(FragmentScorer(predictor, job)) as scorer:
                for task in tasks:
                    yield scorer.score(*task, on_rows)
        else:
            yield from self._from_processes(predictor, job, tasks, on_rows)

    def _from_processes(
        self, predictor: Predictor, job: ScoreJob, tasks: Sequence[ScoreTask], on_rows: Callable[[int], object]
    ) -> Iterator[FragmentResult]:
        context = multiprocessing.get_context("spawn")  # engines have threads, which a fork would lose
        counter = context.Value("q", 0)
        executor = ProcessPoolExecutor(min(self._num_workers, len(tasks)), context, _begin, (predictor, job, counter))
        try:
            waiting: set[Future[FragmentResult]] = {executor.submit(_score, task) for task in tasks}
            num_rows = 0
            while waiting:
                done, waiting = wait(waiting, _POLL_S, FIRST_COMPLETED)
                before, num_rows = num_rows, int(counter.value)
                on_rows(num_rows - before)
                yield from (future.result() for future in done)
        except BrokenProcessPool as error:
            raise BackendError(
                "a process that scored has ended: killed, or out of memory; give the same command again to go on, with "
                "fewer --workers if memory was short"
            ) from error
        finally:
            _end(executor)


def _end(executor: ProcessPoolExecutor) -> None:
    """End the processes at once, whatever they do: an unfinished fragment leaves no file."""
    processes = list((executor._processes or {}).values())  # noqa: SLF001  terminate_workers comes with Python 3.14
    for process in processes:
        process.terminate()
    executor.shutdown(wait=True, cancel_futures=True)


class _Worker:
    """What a process keeps between fragments."""

    scorer: FragmentScorer
    counter: Synchronized[int]


def use_one_thread() -> None:
    """Have tokenizers use one thread in this process, as the predictor does."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"


def _begin(predictor: Predictor, job: ScoreJob, counter: Any) -> None:  # noqa: ANN401  typed for type checkers alone
    """Start in a new process: the predictor was loaded again when the arguments came."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes, and the first one ends the others
    threading.Thread(target=_end_with_parent, daemon=True).start()
    use_one_thread()
    _Worker.scorer, _Worker.counter = FragmentScorer(predictor, job), counter


def _end_with_parent() -> None:
    """End this process when the one that started it has ended, however it did."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for([parent.sentinel])
        os._exit(1)


def _score(task: ScoreTask) -> FragmentResult:
    counter = _Worker.counter

    def count(num_rows: int) -> None:
        with counter.get_lock():
            counter.value += num_rows

    return _Worker.scorer.score(*task, count)
