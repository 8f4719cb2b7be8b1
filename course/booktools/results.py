"""What runs leave: the committed results of the full profile, which the prose prints, and the executed notebooks."""

from __future__ import annotations

import json
import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from booktools.layout import PROFILES, RESULTS, executed
from booktools.lessons import Lesson, LessonError
from textwright.core.files import write_text


def write_result(lesson: Lesson, report: dict[str, Any], seconds: float) -> Path:
    """Keep what a full run of a lesson claimed.

    Args:
        lesson: The lesson that ran.
        report: What its kernel wrote at the end.
        seconds: Wall time of the run.

    Raises:
        ValueError: If the run was not a full one.
    """
    if report["profile"] != "full":
        raise ValueError(f"lesson {lesson.number} ran as {report['profile']}; only the full profile is kept")
    path = RESULTS / f"{lesson.number}.json"
    content = {
        "lesson": lesson.stem,
        "profile": "full",
        "code_sha256": lesson.code_hash,
        "seconds": round(seconds, 1),
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version()},
        "versions": {name: metadata.version(name) for name in ("textwright", "torch", "onnxruntime", "numpy")},
        "claims": report["claims"],
    }
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    return path


def read_results(folder: Path = RESULTS) -> dict[str, dict[str, Any]]:
    """Read every committed result: lesson number -> content."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}


def printed_claims(folder: Path = RESULTS) -> dict[str, str]:
    """List what the prose may name: "NN.name" -> its text."""
    return {
        f"{number}.{name}": claim["text"]
        for number, content in read_results(folder).items()
        for name, claim in content["claims"].items()
    }


def newest_run(lesson: Lesson) -> NotebookNode:
    """Read a lesson's executed notebook: of the full profile if there is one, else of smoke.

    Raises:
        LessonError: If neither is of the lesson's present code.
    """
    for profile in reversed(PROFILES):
        path = executed(profile, lesson.stem)
        if path.is_file():
            notebook = nbformat.read(path, as_version=4)
            if notebook.metadata["course"]["code_sha256"] == lesson.code_hash:
                return notebook
    raise LessonError(f"lesson {lesson.number} was not executed since it changed; run: make course-smoke")
