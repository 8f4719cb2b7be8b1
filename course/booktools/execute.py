"""Execute lessons from top to bottom, two at a time, each in a kernel and a folder of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import nbformat
from jupyter_client.kernelspec import NoSuchKernel
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from traitlets.config import Config

from booktools.layout import BUILD, COURSE, executed
from booktools.lessons import Lesson, LessonError
from booktools.results import read_results, write_result
from textwright.core.files import write_text

CELL_TIMEOUT_S: Final = {"smoke": 600, "full": 3600}
"""Against cells that hang; a busy machine is no failure."""
_COLOR_CODE: Final = re.compile(r"\x1b\[[\d;]*m")
_LAST_CELL: Final = "from bookkit import report\n\nreport.write()"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a lesson ran.

    Args:
        lesson: Which one.
        seconds: Wall time, the kernel's start included.
        fault: What is wrong, empty if nothing is.
    """

    lesson: Lesson
    seconds: float
    fault: str = ""


def execute_all(
    lessons: Sequence[Lesson], profile: str, *, jobs: int, offline: bool, on_end: Callable[[Outcome], None]
) -> list[Outcome]:
    """Execute lessons, the longest first.

    Args:
        lessons: Which ones.
        profile: "smoke" or "full"; a full run writes the results that the prose prints.
        jobs: Lessons at once.
        offline: Refuse connections that leave this machine.
        on_end: Told of each lesson as it ends.
    """
    known = read_results()
    order = sorted(lessons, key=lambda lesson: -known.get(lesson.number, {}).get("seconds", float("inf")))
    outcomes = []
    with ThreadPoolExecutor(jobs) as pool:
        running = [pool.submit(execute, lesson, profile, offline=offline) for lesson in order]
        for done in as_completed(running):
            outcomes.append(done.result())
            on_end(outcomes[-1])
    return outcomes


def execute(lesson: Lesson, profile: str, *, offline: bool) -> Outcome:
    """Execute one lesson, keep its notebook, and check what its kernel reported."""
    folder = BUILD / "work" / profile / lesson.stem
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    report = folder / ".report.json"
    notebook = nbformat.from_dict(lesson.notebook)
    notebook.cells.append(nbformat.v4.new_code_cell(_LAST_CELL))
    sockets = Path(tempfile.mkdtemp(prefix="course-"))
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT_S[profile],
        kernel_name=lesson.environment or "python3",
        resources={"metadata": {"path": str(folder)}},
        config=_private(sockets),
    )
    start = time.perf_counter()
    try:
        client.execute(env=_environment(profile, report, offline=offline))
        seconds = time.perf_counter() - start
        notebook.cells.pop()
        told = json.loads(report.read_text(encoding="utf-8"))
        check_run(notebook, told, profile)
    except NoSuchKernel:
        name = lesson.environment
        return Outcome(lesson, 0, f"it needs the environment {name}; run: make course-{name}")
    except (CellExecutionError, LessonError, RuntimeError, TimeoutError) as error:
        return Outcome(lesson, time.perf_counter() - start, _COLOR_CODE.sub("", str(error)).strip())
    finally:
        shutil.rmtree(sockets, ignore_errors=True)
    notebook.metadata["course"] = {"code_sha256": lesson.code_hash, "profile": profile}
    _keep(notebook, executed(profile, lesson.stem))
    if profile == "full":
        write_result(lesson, told, seconds)
    return Outcome(lesson, seconds)


def check_run(notebook: NotebookNode, report: dict[str, Any], profile: str) -> None:
    """Refuse a run that was of another profile, drew nothing, or whose exercises are none.

    Raises:
        LessonError: Says which.
    """
    if report["profile"] != profile:
        raise LessonError(f"the kernel ran as {report['profile']}, not as {profile}")
    if "kit-figure" not in json.dumps(notebook.cells):
        raise LessonError("the lesson shows no figure; kit.plan, kit.draw or kit.show makes one")
    if not report["exercises"]:
        raise LessonError("the lesson has no exercise")
    for name, checks in report["exercises"].items():
        if checks[0] or not checks[-1]:
            raise LessonError(f"exercise {name!r}: its start must fail and its solution pass; its checks gave {checks}")


def _private(sockets: Path) -> Config:
    """Speak to the kernel over sockets that only this user can open, where the system has them, and not over TCP."""
    return Config({"KernelManager": {"transport": "ipc", "ip": str(sockets / "kernel")}} if os.name == "posix" else {})


def _environment(profile: str, report: Path, *, offline: bool) -> dict[str, str]:
    ours = {
        "TEXTWRIGHT_COURSE_PROFILE": profile,
        "TEXTWRIGHT_COURSE_REPORT": str(report),
        "TEXTWRIGHT_COURSE_OFFLINE": "1" if offline else "0",
        "PYTHONPATH": str(COURSE),
        "ORT_DISABLE_TELEMETRY": "1",
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "HF_HUB_OFFLINE": "1" if offline else "0",
    }
    return {**os.environ, **ours}


def _keep(notebook: NotebookNode, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, nbformat.writes(notebook))
