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


def test_each_label_that_holds_is_explained(tiny_multilabel_artifact, capsys):
    text = "song song song story story story"
    assert run(["predict", str(tiny_multilabel_artifact), "--explain", "--json", text]) == 0
    (row,) = json.loads(capsys.readouterr().out)["predictions"]
    assert sorted(row["labels"]) == ["music", "plot"]
    assert [item["label"] for item in row["explanations"]] == row["labels"]
    assert row["explanation"] == row["explanations"][0]
    strongest = {
        item["label"]: max(item["words"], key=lambda word: word["contribution"])["text"] for item in row["explanations"]
    }
    assert strongest == {"music": "song", "plot": "story"}


def test_where_no_label_holds_the_most_probable_one_is_explained(tiny_multilabel_artifact, capsys):
    assert run(["predict", str(tiny_multilabel_artifact), "--explain", "--json", "nothing"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["predictions"]
    assert row["labels"] == []
    assert [item["label"] for item in row["explanations"]] == [max(row["probabilities"], key=row["probabilities"].get)]


def test_explanations_of_several_texts_name_their_text(tiny_artifact, capsys):
    assert run(["predict", str(tiny_artifact), "--explain", "good film", "bad film"]) == 0
    shown = capsys.readouterr().out
    assert 'Why positive? (exact) "good film"' in shown
    assert 'Why negative? (exact) "bad film"' in shown


def test_no_explanation_where_none_is_asked_for(tiny_artifact, capsys):
    assert run(["predict", str(tiny_artifact), "--json", "good"]) == 0
    assert "explanation" not in capsys.readouterr().out


def test_a_file_is_not_explained(tiny_artifact, tmp_path, capsys):
    arguments = ["--explain", "--input", str(tmp_path / "in.csv"), "--output", str(tmp_path / "out.csv")]
    assert run(["predict", str(tiny_artifact), *arguments]) == 3
    assert "--explain is for texts on the command line" in capsys.readouterr().err
