"""Decisions: in the file at once, gone on with, never over what another program wrote; exports hold them."""

from __future__ import annotations

import json

import pytest

from textwright.core.labels import Task
from textwright.data.load import load_dataset
from textwright.data.settings import DataSettings
from textwright.errors import DataError, RequestError, SettingsError
from textwright.review.decisions import DecisionFile
from textwright.review.exports import ExportFormat, export
from textwright.review.queue import ReviewItem, ReviewQueue
from textwright.review.session import ReviewSession


def item(number, text=None, **fields):
    known = {"given": ("bad",), "suggested": ("good",), "probabilities": {"good": 0.75, "bad": 0.25}, "reason": "why"}
    return ReviewItem("texts.csv", number, text or f"text {number}", **{**known, **fields})


QUEUE = ReviewQueue(
    "texts.csv", Task.SINGLE_LABEL, ("bad", "good"), (item(2), item(3, 'a "quoted",\nline\r'), item(4, given=None))
)
SEVERAL = ReviewQueue("texts.csv", Task.MULTI_LABEL, ("a", "b"), (item(2, suggested=("a", "b"), given=None), item(3)))


@pytest.fixture(params=["csv", "tsv", "jsonl"])
def path(request, tmp_path):
    return tmp_path / f"out.{request.param}"


def session_of(path, queue=QUEUE):
    return ReviewSession(queue, DecisionFile(path, queue.task))


def test_a_decision_is_in_the_file_at_once_and_resumed(path):
    session = session_of(path)
    assert not path.exists()
    session.decide(0, ["good"])
    session.decide(1, ["bad"])
    again = session_of(path)
    assert (again.num_decided, again.current) == (2, 2)
    assert again.decisions.labels_of(QUEUE.items[1].key) == ("bad",)
    again.decide(2, ["good"])
    assert session_of(path).state()["item"] is None


def test_the_file_is_trained_on_as_it_is(tmp_path):
    items = tuple(item(number, f"film {number}") for number in range(40))
    session = session_of(tmp_path / "out.csv", ReviewQueue("texts.csv", Task.SINGLE_LABEL, ("bad", "good"), items))
    for number in range(40):
        session.decide(number, [("bad", "good")[number % 2]])
    dataset = load_dataset(str(tmp_path / "out.csv"), DataSettings())
    assert dataset.labels.names == ("bad", "good")
    assert sum(map(len, dataset.splits.values())) == 40


def test_several_labels_and_none_come_back(path):
    session = session_of(path, SEVERAL)
    session.decide(0, ["a", "b"])
    session.decide(1, [])
    decisions = session_of(path, SEVERAL).decisions
    assert [decisions.labels_of(one.key) for one in SEVERAL.items] == [("a", "b"), ()]


def test_undo_takes_the_decision_out_of_the_file(path):
    session = session_of(path)
    session.undo()
    session.decide(0, ["good"])
    session.decide(1, ["good"])
    session.undo()
    assert (session.current, len(session_of(path).decisions)) == (1, 1)


def test_what_is_skipped_comes_last(path):
    session = session_of(path)
    session.skip(0)
    order = []
    while session.current is not None:
        order.append(session.current)
        session.decide(session.current, ["bad"])
    assert order == [1, 2, 0]


@pytest.mark.parametrize(("index", "labels"), [(1, ["good"]), (0, []), (0, ["good", "bad"]), (0, ["other"])])
def test_what_is_no_decision_is_refused_and_nothing_written(path, index, labels):
    with pytest.raises(RequestError):
        session_of(path).decide(index, labels)
    assert not path.exists()


def test_nothing_is_written_over_what_another_program_wrote(path):
    first, second = session_of(path), session_of(path)
    first.decide(0, ["good"])
    content = path.read_bytes()
    with pytest.raises(DataError, match="another program"):
        second.decide(0, ["bad"])
    assert path.read_bytes() == content
    assert second.current == 0


def test_a_decision_that_cannot_be_written_is_not_made(tmp_path):
    session = session_of(tmp_path / "folder" / "out.csv")
    (tmp_path / "folder").write_text("a file in its place")
    with pytest.raises(DataError, match="cannot be written"):
        session.decide(0, ["good"])
    assert session.current == 0


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("out.csv", "text,label\na,b\n", SettingsError),
        ("out.csv", "text,label,given_label,suggested_label,file,line\na,b,c,d,e,x\n", DataError),
        ("out.parquet", None, SettingsError),
        ("out.txt", None, SettingsError),
        ("out.doc", None, DataError),
    ],
)
def test_a_file_of_something_else_is_refused_and_left(tmp_path, name, content, error):
    path = tmp_path / name
    if content is not None:
        path.write_text(content)
    with pytest.raises(error, match="out"):
        DecisionFile(path, Task.SINGLE_LABEL)
    assert content is None or path.read_text() == content


def test_label_studio_gets_predictions_and_annotations(tmp_path):
    session = session_of(tmp_path / "out.csv")
    session.decide(0, ["bad"])
    assert export(QUEUE, session.decisions, ExportFormat.LABEL_STUDIO, tmp_path / "tasks.json") == 3
    first, second, _ = json.loads((tmp_path / "tasks.json").read_text())
    assert first["data"]["text"] == "text 2"
    assert first["predictions"][0]["score"] == 0.75
    assert first["predictions"][0]["result"][0]["value"] == {"choices": ["good"]}
    assert first["annotations"][0]["result"][0]["value"] == {"choices": ["bad"]}
    assert second["annotations"] == []


def test_argilla_gets_suggestions_and_responses(tmp_path):
    session = session_of(tmp_path / "out.csv")
    session.decide(0, ["bad"])
    export(QUEUE, session.decisions, ExportFormat.ARGILLA, tmp_path / "records.jsonl")
    first, second, _ = map(json.loads, (tmp_path / "records.jsonl").read_text().split("\n")[:3])
    assert (first["text"], first["suggested"], first["answer"]) == ("text 2", "good", "bad")
    assert "answer" not in second
    several = session_of(tmp_path / "several.csv", SEVERAL).decisions
    export(SEVERAL, several, ExportFormat.ARGILLA, tmp_path / "records.jsonl")
    assert json.loads((tmp_path / "records.jsonl").read_text().split("\n")[0])["suggested"] == ["a", "b"]
