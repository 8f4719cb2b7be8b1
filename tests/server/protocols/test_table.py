"""CSV in, CSV out: every row in its place; a broken table is refused with the line."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

import textwright
from textwright.api.protocols.table import TableRequest, added_columns
from textwright.api.validation import RequestLimits
from textwright.errors import RequestLimitError
from textwright.runtime.prediction_columns import prediction_types
from textwright.server.app import create_app

LIMITS = RequestLimits(max_texts=5, max_text_chars=1_000, max_body_bytes=10_000)


def post(client, body, path="/v1/predict"):
    content = body if isinstance(body, bytes) else body.encode()
    return client.post(path, content=content, headers={"content-type": "text/csv; charset=utf-8"})


def rows_of(answer):
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


def test_every_row_comes_back_in_its_place_with_its_prediction(client, predictor):
    rows = rows_of(post(client, 'id,text\n7,"a good, ""great"" film"\n8,"two\nlines: awful"\n9,\n'))
    assert [row["id"] for row in rows] == ["7", "8", "9"]
    assert rows[1]["text"] == "two\nlines: awful"
    said = predictor.predict([row["text"] for row in rows])
    assert [row["predicted_label"] for row in rows] == [item.label for item in said]
    for row, item in zip(rows, said, strict=True):
        found = {name: float(row[f"probability_{name}"]) for name in item.probabilities}
        assert found == pytest.approx(item.probabilities, abs=1e-6)
        assert row["truncated"] == "false"


def test_the_only_column_holds_the_texts_whatever_its_name(client):
    assert [row["predicted_label"] for row in rows_of(post(client, "review\r\ngood\r\nbad\r\n"))] == [
        "positive",
        "negative",
    ]


def test_a_byte_order_mark_and_empty_lines_are_no_trouble(client):
    assert len(rows_of(post(client, b"\xef\xbb\xbftext\n\ngood\n\n"))) == 1


def test_the_columns_are_those_of_the_command_line(client, predictor, tiny_multilabel_artifact):
    assert added_columns(client.app.state.registry.default.model) == list(prediction_types(predictor))
    other = textwright.load(tiny_multilabel_artifact, num_threads=1)
    with TestClient(create_app(other)) as many:
        assert added_columns(many.app.state.registry.default.model) == list(prediction_types(other))
        (row,) = rows_of(post(many, "text\nsong and story\n"))
        assert set(row["predicted_labels"].split(";")) == {"music", "plot"}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "line 1"),
        ("text\n", "no row"),
        ("a,b\n1,2\n", "line 1 of the CSV must name one column 'text'"),
        ("text,text\n1,2\n", "line 1"),
        ("id,text\n1,good\n2\n", "line 3 of the CSV has 1 fields, but line 1 names 2 columns"),
        ("id,text\n1,good\n2,bad,awful\n", "line 3 of the CSV has 3 fields"),
        ('id,text\n1,"two\nlines"\n2\n', "line 4"),
        ('text\ngood\n"never closed\nand on\n', "line 3"),
        ('text\n"good" film\n', "line 2"),
        (b"text\ngood\ncaf\xe9\n", "line 3 of the CSV is not UTF-8"),
        ("text,confidence\ngood,1\n", "'confidence' already"),
    ],
    ids=range(11),
)
def test_a_broken_table_is_refused_with_the_line(predictor, body, said):
    with TestClient(create_app(predictor)) as client:
        answer = post(client, body)
    assert (answer.status_code, answer.json()["code"]) == (422, "request")
    assert said in answer.json()["detail"]


def test_the_limits_hold_for_tables(client):
    assert post(client, "text\n" + "a\n" * 6).json()["code"] == "request-limit"


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"], ids=["unix", "mac", "windows"])
def test_lines_within_cells_are_counted_before_they_are_read(end):
    most = 100 * 5 + 4_096
    assert TableRequest.read(f'text{end}"{end * (most - 2)}a"{end}'.encode(), LIMITS).texts == [end * (most - 2) + "a"]
    with pytest.raises(RequestLimitError, match=f"more than {most} lines"):
        TableRequest.read(f'text{end}"{end * (most - 1)}a"{end}'.encode(), LIMITS)


FIELD = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=20)


@given(st.lists(st.tuples(FIELD, FIELD), min_size=1, max_size=5))
def test_what_csv_writes_is_read_back(rows):
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow(["id", "text"])
    writer.writerows(rows)
    assert TableRequest.read(stream.getvalue().encode(), LIMITS).texts == [text for _, text in rows]


def test_a_text_beyond_the_limit_is_refused_as_it_is_in_json(predictor):
    text = "x" * 140_000  # beyond the text limit, and beyond the cell limit of Python's csv
    with TestClient(create_app(predictor)) as client:
        table, json_body = post(client, f"text\n{text}\n"), client.post("/v1/predict", json={"text": text})
    assert table.status_code == json_body.status_code == 422
    assert table.json()["code"] == json_body.json()["code"] != "request"
