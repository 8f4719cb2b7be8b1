"""Make the recordings of lessons 25, 26 and 27, or of those that are named: ``python -m booktools.recordings 25``."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from booktools.layout import COURSE
from booktools.recordings import container, function, servers
from booktools.recordings.models import models
from textwright.core.files import write_text

_MAKERS: Final[dict[str, tuple[str, Callable[[Path, tuple[Path, Path]], dict[str, Any]]]]] = {
    "25": ("25-container.json", container.record),
    "26": ("26-servers.json", servers.record),
    "27": ("27-function.json", function.record),
}


def main(numbers: list[str]) -> int:
    """Make recordings; return the exit code."""
    with tempfile.TemporaryDirectory(prefix="recordings-") as folder:
        work = Path(folder)
        made = models(work)
        for number in numbers or list(_MAKERS):
            name, record = _MAKERS[number]
            print(f"recording {name}", flush=True)
            (work / number).mkdir()
            told = record(work / number, made)
            path = COURSE / "recorded" / name
            write_text(path, json.dumps(told, indent=1, ensure_ascii=False) + "\n")
            print(f"wrote {path} ({path.stat().st_size / 1000:.0f} kB)", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
