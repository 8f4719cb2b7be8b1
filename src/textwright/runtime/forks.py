"""What an engine must do in a child of ``os.fork``, where its threads are gone; called by the sessions.

A session that was opened before cannot be used there, and not even let go of: it would wait for its threads forever. So
each is kept as it is, unreachable, until the process ends. ``gunicorn --preload`` and ``multiprocessing`` fork.
"""

from __future__ import annotations

import os
from typing import Final, Protocol
from weakref import WeakSet


class ForkAware(Protocol):
    """Something with threads of its own."""

    def on_fork(self) -> None:
        """Take note that this process is a child without these threads."""


_OPEN: Final[WeakSet[ForkAware]] = WeakSet()
_WATCHED: Final[list[bool]] = []


def watch(session: ForkAware) -> None:
    """Have a session called in each child that this process forks; it is not kept alive by that.

    Args:
        session: Its ``on_fork`` is called in the child, before anything else runs there.
    """
    if not _WATCHED and hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_after_in_child)
        _WATCHED.append(True)
    _OPEN.add(session)


def keep_forever(item: object) -> None:
    """Never destroy an object, not even when the process ends."""
    import ctypes

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(item))


def _after_in_child() -> None:
    for session in list(_OPEN):
        session.on_fork()
