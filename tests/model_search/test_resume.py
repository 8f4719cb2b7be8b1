"""A search that is killed goes on with what is left of its budget."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from scoring_process import wait_until
from searched import write_reviews


def start(source: Path, out: Path) -> subprocess.Popen[str]:
    flags = ("--families", "linear,bow", "--budget-minutes", "1", "--no-prices", "--json", "--quiet")
    command = [sys.executable, "-m", "textwright", "auto", str(source), "--out", str(out), *flags]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ledger_of(out: Path) -> dict[str, Any]:
    path = out / "search" / "ledger.json"
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return content


@pytest.mark.slow
def test_a_killed_search_goes_on(tmp_path: Path) -> None:
    source, out = write_reviews(tmp_path / "reviews.csv", 600), tmp_path / "out"
    first = start(source, out)
    try:
        wait_until(lambda: ledger_of(out).get("trials") and ledger_of(out).get("running"))
    finally:
        first.kill()
        first.communicate()
    before = ledger_of(out)
    assert not (out / "artifact").exists()

    second = start(source, out)
    printed, errors = second.communicate(timeout=600)
    assert second.returncode == 0, errors
    after, report = ledger_of(out), json.loads(printed)
    assert after["seconds"] > before["seconds"]
    for key, trial in before["trials"].items():
        assert after["trials"][key] == trial  # not run again
    assert report["choice"]["chosen"]
    assert (out / "artifact" / "manifest.json").is_file()
    assert {trial["step"]["name"] for trial in report["trials"]} >= {"linear", "bow"}
