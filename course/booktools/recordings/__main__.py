"""Make all recordings, or those that are named: ``python -m booktools.recordings 25 27-image``."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from booktools.layout import COURSE
from booktools.recordings import by_hand, container, dockerfiles, function, function_image, servers
from booktools.recordings.models import models
from textwright.core.files import write_text

MAKERS: Final[dict[str, Callable[[Path, tuple[Path, Path]], dict[str, Any]]]] = {
    "25-container": container.record,
    "25-dockerfile": dockerfiles.record,
    "26-by-hand": by_hand.record,
    "26-servers": servers.record,
    "27-function": function.record,
    "27-image": function_image.record,
}


def main(wanted: list[str]) -> int:
    """Make the recordings whose names begin with one of the words; return the exit code."""
    with tempfile.TemporaryDirectory(prefix="recordings-") as folder:
        work = Path(folder)
        made = models(work)
        for name in [name for name in MAKERS if name.startswith(tuple(wanted or [""]))]:
            print(f"recording {name}", flush=True)
            (work / name).mkdir()
            told = MAKERS[name](work / name, made)
            path = COURSE / "recorded" / f"{name}.json"
            write_text(path, json.dumps(told, indent=1, ensure_ascii=False) + "\n")
            print(f"wrote {path} ({path.stat().st_size / 1000:.0f} kB)", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
