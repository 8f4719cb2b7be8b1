"""End quietly when told to: SIGINT and SIGTERM are no errors."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class _Stopped(BaseException):
    """A signal asked to stop; no error, so nothing that catches errors may catch it."""


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Leave the block quietly on SIGINT or SIGTERM.

    While it runs, uvicorn has handlers of its own that finish the running requests first; it then raises the signal
    again, which ends up here. What the signal interrupts may make another error of it, as a library written in C does
    that is just being imported; that is no error either.
    """
    is_stopped = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal is_stopped
        if not is_stopped:  # the first has the block left; a second would interrupt what tidies up behind it
            is_stopped = True
            raise _Stopped

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except BaseException:
        if not is_stopped:
            raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
