"""``.ci/parlai record``: have ParlAI read our five tasks and record what it said, for lesson 29a.

Needs ``.venv-parlai``, which ``.ci/parlai`` makes.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from booktools.layout import COURSE
from textwright.core.files import write_text

RECORDED: Final = COURSE / "recorded" / "29a-parlai.json"
PYTHON: Final = COURSE.parent / ".venv-parlai" / "bin" / "python"
_READER: Final = Path(__file__).with_name("parlai_reader.py")
_AGENTS: Final = ("ir_baseline", "repeat_label")
"""Of ParlAI: one that compares words, one that is told the answer."""
_LINES: Final = [
    "text:It will be\\tter\tlabels:yes\tepisode_done:True",
    "text:Are you there?\tlabels:yes\tepisode_done:False",
    "text:Are you there?\tlabels:yes\tepisode",
]
"""Lines that do not mean to ParlAI what they look like."""


def ask_parlai(question: dict[str, Any]) -> dict[str, Any]:
    """Have ParlAI answer; :mod:`booktools.parlai_reader` says what can be asked.

    Raises:
        FileNotFoundError: If there is no environment with ParlAI; run ``.ci/parlai``.
        RuntimeError: If ParlAI fails; with what it said.
    """
    if not PYTHON.exists():
        raise FileNotFoundError(f"there is no {PYTHON}, the Python that has ParlAI; run: .ci/parlai")
    command = [str(PYTHON), str(_READER)]
    done = subprocess.run(command, input=json.dumps(question), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"ParlAI failed:\n{done.stderr}")
    return dict(json.loads(done.stdout))


def fingerprint(content: object) -> str:
    """Hash messages, so that one list can be compared with another on another machine."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def main() -> int:
    """Write our folds, ask ParlAI, and record; return the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        told = _record(Path(folder))
    write_text(RECORDED, json.dumps(told, indent=1) + "\n")
    print(f"wrote {RECORDED}")
    return 0


def _record(folder: Path) -> dict[str, Any]:
    from nano import parlai, parlai_tasks

    stems = [str(folder / row["task"]) for row in parlai.TASKS]
    folds = [(stem, fold, None) for stem in stems for fold in parlai.FOLDS]
    for stem, fold, _ in folds:
        parlai.save(parlai.fold_path(folder, Path(stem).name, fold), parlai_tasks.episodes_of(Path(stem).name, fold))
    asked = [(stem, "test", agent) for agent in _AGENTS for stem in stems]
    told = ask_parlai({"folds": folds, "lines": _LINES, "agents": asked})
    return {
        "parlai": version_of_parlai(),
        "folds": {
            path.stem: {
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                "episodes": read["episodes"],
                "turns": len(read["messages"]),
                "messages": fingerprint(read["messages"]),
            }
            for (stem, fold, _), read in zip(folds, told["folds"], strict=True)
            for path in [parlai.fold_path(folder, Path(stem).name, fold)]
        },
        "lines": [{"line": line, "read": read} for line, read in zip(_LINES, told["lines"], strict=True)],
        "agents": {
            agent: {
                Path(stem).name: {name: round(report[name], 4) for name in ("accuracy", "f1") if name in report}
                for (stem, _, its), report in zip(asked, told["agents"], strict=True)
                if its == agent
            }
            for agent in _AGENTS
        },
    }


def version_of_parlai() -> str:
    """Say which ParlAI is in the environment."""
    command = [str(PYTHON), "-c", "import parlai; print(parlai.__version__)"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
