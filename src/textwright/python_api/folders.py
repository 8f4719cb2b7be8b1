"""Where a run lives that the caller has named no folder for: in a temporary one that goes with the object."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from tempfile import mkdtemp
from weakref import finalize


class RunFolder:
    """The folder of a run.

    Args:
        path: Named by the caller, whose it stays; None makes a temporary one, which is removed when nothing refers to
            this object any more, and when the process ends.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self.is_temporary = path is None
        self.path = Path(mkdtemp(prefix="textwright-")) if path is None else Path(path).expanduser()
        if path is None:
            self._remove = finalize(self, _remove, self.path, os.getpid())


def _remove(path: Path, owner: int) -> None:
    """Remove a folder in the process that made it alone: a fork has the object too, and not the right to end it."""
    if os.getpid() == owner:
        shutil.rmtree(path, ignore_errors=True)
