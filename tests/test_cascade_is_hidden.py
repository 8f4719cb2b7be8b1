"""A cascade is a predictor like any other: only the files named here know that there is such a thing."""

from __future__ import annotations

from pathlib import Path

SRC = Path(__file__).parents[1] / "src" / "textwright"
MAKER = "optimize/cascade"
"""The package that makes cascades."""
KNOWING = (
    "core/artifact",
    "runtime/cascade.py",
    f"{MAKER}/",
    "cli/cascade.py",
    "report/templates/cascade.html.j2",
    "model_search/",
    "cli/auto.py",
)
"""The artifact format, the predictor, the maker, its command, its page, and the search that tries it; by the
start of the path."""
MENTIONS = {
    "core/manifest_checks.py": 1,  # of the artifact format: how large its file may be
    "cli/main.py": 1,  # the table of commands
    "runtime/loading.py": 2,  # the one choice between the kinds of predictor: its import and its use
    "optimize/optimization.py": 1,  # an error names the command that cures it
}
"""Other files -> lines that mention it."""


def test_nothing_else_knows_of_cascades():
    found = {}
    for path in sorted(SRC.rglob("*")):
        name = path.relative_to(SRC).as_posix()
        if path.is_dir() or "__pycache__" in name or name.startswith(KNOWING):
            continue
        lines = path.read_bytes().lower().splitlines()
        if number := sum(b"cascade" in line for line in lines):
            found[name] = number
    assert found == MENTIONS


def test_the_files_that_know_exist():
    assert all(any(path.as_posix().startswith((SRC / name).as_posix()) for path in SRC.rglob("*")) for name in KNOWING)
