"""``textwright predict``: labels, and why."""

from __future__ import annotations

import json

from textwright.cli.main import run


def test_why_is_shown_with_the_strongest_word_first(tiny_artifact, capsys):
    assert run(["predict", str(tiny_artifact), "--explain", "a [good] but awful film"]) == 0
    shown = capsys.readouterr().out
    assert "Why negative? (exact)" in shown
    assert shown.index("awful ") < shown.index("good ")
    assert "against" in shown


def test_why_is_a_field_of_the_json(tiny_artifact, capsys):
    assert run(["predict", str(tiny_artifact), "--explain", "--json", "good", "bad"]) == 0
    good, bad = json.loads(capsys.readouterr().out)["predictions"]
    assert [word["text"] for word in good["explanation"]["words"]] == ["good"]
    assert bad["explanation"]["label"] == "negative"


def test_no_explanation_where_none_is_asked_for(tiny_artifact, capsys):
    assert run(["predict", str(tiny_artifact), "--json", "good"]) == 0
    assert "explanation" not in capsys.readouterr().out


def test_a_file_is_not_explained(tiny_artifact, tmp_path, capsys):
    arguments = ["--explain", "--input", str(tmp_path / "in.csv"), "--output", str(tmp_path / "out.csv")]
    assert run(["predict", str(tiny_artifact), *arguments]) == 3
    assert "--explain is for texts on the command line" in capsys.readouterr().err
