"""Where a text file is cut: only between rows, and what is read from the parts is what is read from the whole."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textwright.data.row_cuts import find_row_cuts, spans
from textwright.data.row_errors import RowErrorsInRows
from textwright.data.sections import Section
from textwright.data.settings import DataSettings
from textwright.data.text_reader import open_texts

PLAIN = DataSettings(text_column="text")


def rows_of(path, settings, section=None):
    with open_texts(path, settings, RowErrorsInRows(), section=section) as texts:
        return list(texts.rows)


def rows_of_parts(path, settings, every=1, columns=("id", "text")):
    with path.open("rb") as file:
        found = find_row_cuts(file, str(path), settings, every=every)
    rows = []
    parts = list(spans(found.cuts, every))
    for start, stop in parts:
        skipped = start.num_lines - found.num_header_lines
        section = Section(
            *(path.open("rb"), start.position, stop.position, columns),
            *(found.header_size, found.num_header_lines, skipped),
        )
        rows += rows_of(path, settings, section)
    return rows, len(parts)


CONTENTS = {
    "plain": b"id,text\n1,a\n2,b\n3,c\n",
    "no last newline": b"id,text\n1,a\n2,b",
    "line breaks in cells": b'id,text\n1,"a\nb"\n2,"c\r\n\r\nd"\n3,e\n',
    "doubled quotes": b'id,text\n1,"a ""b"" c"\n2,""\n3,""""\n4,"x\n"""\n',
    "windows": b'id,text\r\n1,"a\r\nb"\r\n2,b\r\n',
    "byte-order mark": b'\xef\xbb\xbf"id","text"\n1,a\n2,"b\nc"\n',
    "separator line": b"sep=;\nid;text\n1;a,b\n2;c\n",
    "blank lines": b"\nid,text\n\n1,a\n\n\n2,b\n\n",
    "broken rows": b"id,text\n1,a\n2,b,c\n3\n4,d\n5,caf\xe9\n6,e\n",
}


UNCUTTABLE = {
    "a quote inside a cell": b'id,text\n1,5" disk\n2,"a\nb"\n3,c\n',
    "a quote that is never closed": b'id,text\n1,a\n2,"b\n3,c\n4,d\n',
    "text behind a quote": b'id,text\n1,"a" b\n2,c\n',
}


@pytest.mark.parametrize("name", [*CONTENTS, *UNCUTTABLE])
def test_a_csv_is_read_in_parts_unless_its_quotes_do_not_tell(tmp_path, name):
    path = tmp_path / "a.csv"
    path.write_bytes({**CONTENTS, **UNCUTTABLE}[name])
    rows, num_parts = rows_of_parts(path, PLAIN)
    assert rows == rows_of(path, PLAIN)
    assert (num_parts > 1) is (name in CONTENTS)


def test_quotes_that_are_ordinary_characters_do_not_matter(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b'id,text\n1,5" disk\n2,b\n3,"c\n')
    settings = PLAIN.model_copy(update={"quotes": False})
    rows, num_parts = rows_of_parts(path, settings)
    assert [row.text for row in rows] == ['5" disk', "b", '"c']
    assert num_parts == 3


@pytest.mark.parametrize(("name", "encoding"), [("a.csv", "utf-16"), ("a.csv.gz", None)])
def test_files_without_lines_of_bytes_are_one_part(tmp_path, name, encoding):
    import gzip

    content = "id,text\n1,a\n2,b\n".encode(encoding or "utf-8")
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    rows, num_parts = rows_of_parts(path, PLAIN)
    assert [row.text for row in rows] == ["a", "b"]
    assert num_parts == 1


def test_parts_of_json_lines_name_the_lines_of_the_file(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"id": 1, "text": "a"}\n\nnot json\n{"id": 2}\n{"id": 3, "text": "caf\xe9"}\n{"text": "b"}')
    rows, num_parts = rows_of_parts(path, PLAIN, columns=("id", "text"))
    assert rows == rows_of(path, PLAIN)
    assert [row.error.partition(": ")[0].rpartition(", ")[2] for row in rows] == ["", "line 3", "line 4", "line 5", ""]
    assert num_parts == 6


CELLS = st.text(st.sampled_from('ab,"\n\r; é'), max_size=6)


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=12), st.sampled_from(["\n", "\r\n"]), st.integers(1, 4))
def test_any_csv_that_is_written_by_the_rules_is_read_in_parts_as_in_whole(tmp_path_factory, rows, end, every):
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([("id", "text"), *rows])
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_bytes(text.getvalue().encode())
    settings = PLAIN.model_copy(update={"delimiter": ","})
    parts, num_parts = rows_of_parts(path, settings, every)
    assert [row.text for row in parts] == [cell for _, cell in rows]
    assert num_parts == -(-len(rows) // every)


def test_neighbors_are_joined_up_to_a_number_of_rows(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text\n" + "a\n" * 10)
    with path.open("rb") as file:
        found = find_row_cuts(file, str(path), PLAIN, every=2)
    assert [stop.num_rows - start.num_rows for start, stop in spans(found.cuts, 4)] == [4, 4, 2]
    assert [stop.num_rows - start.num_rows for start, stop in spans(found.cuts, 1)] == [2] * 5
