"""Bounds on what opening an artifact may take, since somebody else may have made it: memory and seconds.

The memory that a process may add while an artifact is opened and its golden examples run is limited by the kernel
(``RLIMIT_DATA`` on Linux; other systems have no such limit), so that a graph that asks for terabytes fails with an
error instead of taking the machine down. Called by the predictor.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

MAX_OPEN_SECONDS: Final = 600.0
"""For opening a graph, and again for its golden examples; a graph that needs longer may never end."""
_LEAST_BYTES: Final = 2 * 2**30
_TIMES_ARTIFACT: Final = 16
"""Engines copy, widen and pack weights, and allocate in steps that double."""
_BYTES_PER_CORE: Final = 16 * 2**20
"""Stacks of an engine's threads."""
_STATUS: Final = Path("/proc/self/statm")
_DATA_PAGES: Final = 5


def memory_bound(size_bytes: int) -> int:
    """Compute how much memory opening an artifact may add.

    Args:
        size_bytes: Of the artifact's files together.

    Returns:
        Bytes: 2 GiB, 16 times the artifact and 16 MiB for each core.
    """
    return _LEAST_BYTES + _TIMES_ARTIFACT * size_bytes + _BYTES_PER_CORE * (os.cpu_count() or 1)


class _Limit:
    """The process's limit while artifacts are opened; the first to come lowers it, the last to leave restores it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._num_inside = 0
        self._before = (0, 0)

    def lower(self, num_bytes: int) -> None:
        import resource

        with self._lock:
            soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
            if not self._num_inside:
                self._before = soft, hard
            self._num_inside += 1
            if soft == resource.RLIM_INFINITY or self._num_inside > 1:
                wanted = _data_bytes() + num_bytes if self._num_inside == 1 else soft + num_bytes
                limits = [item for item in (wanted, *self._before) if item != resource.RLIM_INFINITY]
                resource.setrlimit(resource.RLIMIT_DATA, (min(limits), hard))

    def restore(self) -> None:
        import resource

        with self._lock:
            self._num_inside -= 1
            if not self._num_inside:
                resource.setrlimit(resource.RLIMIT_DATA, self._before)


_LIMIT: Final = _Limit()


@contextmanager
def bounded_memory(size_bytes: int, engine: str = "") -> Iterator[None]:
    """Limit what this process may allocate in the meantime; beyond it engines and NumPy raise.

    Args:
        size_bytes: Of the artifact that is opened.
        engine: What runs it, as ``runtime.engines`` names it; a GPU's driver reserves more than any limit.
    """
    if sys.platform != "linux" or engine.endswith("cuda") or not _STATUS.exists():
        yield
        return
    _LIMIT.lower(memory_bound(size_bytes))
    try:
        yield
    finally:
        _LIMIT.restore()


@contextmanager
def stopped_after(seconds: float, stop: Callable[[], object]) -> Iterator[None]:
    """Call something if what is inside takes too long.

    Args:
        seconds: Until it is called.
        stop: Ends what runs, from another thread.
    """
    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _data_bytes() -> int:
    """Return the bytes of private writable memory that this process has now."""
    return int(_STATUS.read_text(encoding="ascii").split()[_DATA_PAGES]) * os.sysconf("SC_PAGE_SIZE")
