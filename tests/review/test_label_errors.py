"""Labels that were made wrong are suspected, with their place; the file and the page hold them."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from labeled_words import rows_of_words, write_rows

from textwright.cli.main import run
from textwright.core.callbacks import Callback
from textwright.core.labels import Labels, Task
from textwright.data.settings import DataSettings
from textwright.errors import DataError
from textwright.review.label_errors import confident_errors, find_label_errors, suspect
from textwright.review.settings import CleanSettings
from textwright.review.text_features import TextFeatures

ROWS = rows_of_words(150, wrong_every=15)
WRONG = {number + 2 for number, row in enumerate(ROWS) if row[2]}


@pytest.fixture
def source(tmp_path):
    return write_rows(tmp_path / "reviews.csv", ROWS)


def test_wrong_labels_are_suspected_with_their_lines(source):
    errors = find_label_errors(str(source), DataSettings())
    lines = {issue.line for issue in errors.issues}
    assert lines <= WRONG
    assert len(lines) >= 0.8 * len(WRONG)
    differences = [issue.suggested_probability - issue.probability for issue in errors.issues]
    assert differences == sorted(differences, reverse=True)
    assert min(differences) > 0
    first = errors.issues[0]
    assert first.labels != first.suggested
    assert first.place == f"{source}, line {first.line}"
    assert errors.accuracy == pytest.approx(1 - len(WRONG) / len(ROWS))


def test_neighbors_are_other_texts_the_most_similar_first(source):
    for issue in find_label_errors(str(source), DataSettings()).issues:
        similarities = [neighbor.similarity for neighbor in issue.neighbors]
        assert len(similarities) == 3
        assert similarities == sorted(similarities, reverse=True)
        assert issue.place not in {neighbor.place for neighbor in issue.neighbors}


def test_the_same_source_gives_the_same(source):
    assert find_label_errors(str(source), DataSettings()) == find_label_errors(str(source), DataSettings())


def test_a_copy_with_another_label_does_not_speak_for_itself(tmp_path):
    rows = [*ROWS, (ROWS[1][0], ROWS[1][1], False)]
    wrong = (ROWS[1][0], "negative" if ROWS[1][1] == "positive" else "positive", True)
    source = write_rows(tmp_path / "copies.csv", [*rows, wrong])
    assert len(rows) + 2 in {issue.line for issue in find_label_errors(str(source), DataSettings()).issues}


def test_the_command_writes_the_file_and_the_page(source, tmp_path, capsys):
    out, page = tmp_path / "suspects.csv", tmp_path / "suspects.html"
    assert run(["data", "clean", str(source), "--out", str(out), "--html", str(page), "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    lines = {issue["line"] for issue in content["issues"]}
    assert lines <= WRONG
    with out.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {(row["file"], int(row["line"])) for row in rows} == {(str(source), line) for line in lines}
    assert all(row["label"] != row["suggested_label"] for row in rows)
    html = page.read_text(encoding="utf-8")
    assert f"{len(lines)} labels are suspected" in html
    assert "<script" not in html


def test_the_command_shows_a_table(source, capsys):
    assert run(["data", "clean", str(source)]) == 0
    shown = capsys.readouterr()
    assert f" of {len(ROWS)} labels are suspected" in shown.out
    assert f"textwright review {source}" in shown.err


def test_markup_of_a_text_stays_text_on_the_page(tmp_path):
    rows = [(f"<b>{text}</b>", label, wrong) for text, label, wrong in ROWS]
    page = find_label_errors(str(write_rows(tmp_path / "markup.csv", rows)), DataSettings()).to_html()
    assert "<b>" not in page
    assert "&lt;b&gt;" in page


def test_labels_of_a_multi_label_source_are_suspected_one_by_one(tmp_path):
    lines = [
        {"text": text, "labels": [label, "numbered"] if number % 2 else [label]}
        for number, (text, label, _) in enumerate(ROWS)
    ]
    source = tmp_path / "several.jsonl"
    source.write_text("".join(json.dumps(line) + "\n" for line in lines))
    errors = find_label_errors(str(source), DataSettings())
    assert errors.task == Task.MULTI_LABEL
    assert len({line - 1 for line in WRONG} & {issue.line for issue in errors.issues}) >= len(WRONG) - 2
    assert all(issue.probability <= issue.suggested_probability for issue in errors.issues)
    out = tmp_path / "suspects.jsonl"
    assert run(["data", "clean", str(source), "--out", str(out), "--quiet"]) == 0
    assert isinstance(json.loads(out.read_text().splitlines()[0])["label"], list)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([("good", "a", False), ("bad", "b", False)], "too few|distinct texts"),
        ([("same text", "a", False)] * 20 + [("same text", "b", False)] * 20, "distinct texts"),
    ],
)
def test_too_few_distinct_texts_are_said(tmp_path, rows, words):
    with pytest.raises(DataError, match=words):
        find_label_errors(str(write_rows(tmp_path / "few.csv", rows)), DataSettings())


@pytest.mark.parametrize("name", ["suspects.txt", "suspects.doc"])
def test_a_file_name_that_cannot_be_written_is_refused_before_the_work(source, tmp_path, capsys, monkeypatch, name):
    monkeypatch.setattr("textwright.review.label_errors.find_label_errors", None)
    assert run(["data", "clean", str(source), "--out", str(tmp_path / name)]) == 3
    assert name in capsys.readouterr().err


def test_a_label_of_one_text_does_not_end_the_search():
    texts, targets = [row[0] for row in ROWS], np.array([int(row[1] == "positive") for row in ROWS])
    targets[5] = 2
    features = TextFeatures.of(texts, 3)
    labels = Labels(("negative", "positive", "rare"))
    probabilities, is_suspect = suspect(features, texts, targets, labels, CleanSettings(), Callback())
    assert probabilities.shape == (len(texts), 3)
    assert is_suspect.dtype == np.bool_


def test_a_label_that_all_or_none_have_is_never_suspected():
    probabilities = np.tile(np.array([[0.9, 0.1]], dtype=np.float32), (10, 1))
    held = np.zeros((10, 2), dtype=np.bool_)
    held[:, 1] = True
    assert not confident_errors(probabilities, held).any()
