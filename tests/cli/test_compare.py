"""``textwright compare`` as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from textwright.cli.main import run

RECIPE = 'family = "bow"\nmin_steps = 0\nnum_epochs = 1\ndevice = "cpu"\n[model]\nembedding_dim = 2\n'


@pytest.fixture
def typed(tmp_path: Path) -> list[str]:
    lines = [f"word{n} word{3 * n} {('bad', 'good')[n % 2]},{('neg', 'pos')[n % 2]}" for n in range(60)]
    (tmp_path / "a.csv").write_text("\n".join(["text,label", *lines, "word,", ""]))
    (tmp_path / "tiny.toml").write_text(RECIPE)
    data = ["--sizes", "all", "--drop-unlabeled"]
    files = ["--recipe", str(tmp_path / "tiny.toml"), "--out", str(tmp_path / "out")]
    return ["compare", str(tmp_path / "a.csv"), "--families", "none", "--seeds", "1", *data, *files]


def test_people_see_the_table_and_programs_the_same(typed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(typed) == 0
    shown = capsys.readouterr()
    for expected in ("Leaderboard", "tf-idf", "majority", "tiny", "the best", "none of them is advised"):
        assert expected in shown.out
    assert "! 1 rows without a label were dropped" in shown.err
    assert "tiny: all texts, seed 0: done" in shown.err
    assert "next: textwright data check" in shown.err  # six test texts show of no model that it learned something
    assert run([*typed, "--json", "--quiet"]) == 0  # nothing is run again
    printed = capsys.readouterr()
    content = json.loads(printed.out)
    assert {row["name"] for row in content["rows"]} == {"tf-idf", "majority", "tiny"}
    assert content["is_complete"]
    assert printed.err == ""


def test_a_family_that_there_is_not_is_said(typed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    typed[typed.index("none")] = "bow,cow"
    assert run(typed) == 3
    assert "no family 'cow'" in capsys.readouterr().err
