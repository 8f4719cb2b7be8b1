"""Arrays of JSON and fastText's lines are read as the same rows of a CSV file are."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from textwright.core.labels import Task
from textwright.data.load import read_source
from textwright.data.row_errors import RowErrorsInRows
from textwright.data.settings import DataSettings, FileSettings
from textwright.data.sources import open_file
from textwright.data.text_reader import open_texts
from textwright.errors import DataError

ROWS = [{"text": "good film", "label": "pos"}, {"text": "Größe\nzwei", "label": "neg"}, {"text": "so", "label": "pos"}]


def write(path: Path, content: str) -> str:
    path.write_text(content, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("indent", [None, 2])
def test_an_array_gives_its_objects(tmp_path: Path, indent: int | None) -> None:
    path = write(tmp_path / "rows.json", json.dumps(ROWS, indent=indent))

    read = read_source(path, DataSettings())

    assert list(read.texts) == ["good film", "Größe\nzwei", "so"]
    assert list(read.names) == ["pos", "neg"]
    assert list(read.lines) == ([1, 1, 1] if indent is None else [2, 6, 10])


def test_lines_of_json_may_be_named_json_and_compressed(tmp_path: Path) -> None:
    path = tmp_path / "rows.json.gz"
    path.write_bytes(gzip.compress("\n".join(["", *map(json.dumps, ROWS)]).encode()))

    read = read_source(str(path), DataSettings())

    assert list(read.lines) == [2, 3, 4]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "rows.json: the file holds no object"),
        ('[\n{"text": "a", "label": "b"},\n3]', "rows.json, line 3: a JSON int where an object was expected"),
        ('[\n{"text": "a", "label": "b"},\n', r"rows.json, line 3: not JSON \(Expecting value\); the file must hold"),
        ('[{"text": "a"}\n{"text": "b"}]', r"rows.json, line 2: not JSON \(neither a comma nor the end"),
        ('[{"text": "a", "label": "b"}]\n[]', r"rows.json, line 2: not JSON \(something follows the end"),
        ('[{"text": "a", "label": "b"},\n]', r"rows.json, line 2: not JSON \(Expecting value\)"),
        ('[{"text": "\\ud83d", "label": "b"}]', "rows.json, line 1: 'text' holds half of a surrogate pair"),
        ('{"rows": [\n{"text": "a"}]}', "rows.json, line 1: not JSON .* or each line one whole object"),
        ("[" * 100_000, r"rows.json, line 1: not JSON .*recursion"),
    ],
)
def test_an_array_that_cannot_be_read_is_refused_with_its_line(tmp_path: Path, content: str, message: str) -> None:
    path = write(tmp_path / "rows.json", content)

    with pytest.raises(DataError, match=message):
        read_source(path, DataSettings())


def test_elements_that_are_no_objects_can_be_passed_over(tmp_path: Path) -> None:
    path = Path(write(tmp_path / "rows.json", '[{"text": "a"}, 3, {"text": "b"}]'))

    with open_texts(path, FileSettings(), RowErrorsInRows()) as texts:
        rows = list(texts.rows)

    assert [row.text for row in rows] == ["a", "", "b"]
    assert "a JSON int" in rows[1].error


def test_lines_of_fasttext_have_one_label(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.txt", "__label__pos good film\n\n__label__neg\tbad, __label__x film\n__label__pos\n")

    read = read_source(path, DataSettings())

    assert read.task is Task.SINGLE_LABEL
    assert list(read.texts) == ["good film", "bad, __label__x film", ""]
    assert list(read.lines) == [1, 3, 4]


def test_lines_of_fasttext_have_several_labels(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.txt", "__label__a __label__b one\n__label__b two\nthree\n")

    read = read_source(path, DataSettings())

    assert read.task is Task.MULTI_LABEL
    assert list(read.label_ends) == [2, 3, 3]


def test_a_second_label_after_the_sample_is_refused_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.txt", "__label__a x\n__label__b y\n" * 150 + "__label__a __label__b z\n")

    with pytest.raises(DataError, match=r"rows.txt, line 301: "):
        read_source(path, DataSettings())


def test_plain_lines_are_texts_without_labels(tmp_path: Path) -> None:
    path = Path(write(tmp_path / "rows.txt", "good film\n\nbad film"))

    with open_file(path, FileSettings()) as table:
        assert table.columns == ("text",)
        assert [(row.line, row.values["text"]) for row in table.read(table.columns)] == [
            (1, "good film"),
            (3, "bad film"),
        ]
    with pytest.raises(DataError, match="leaves none for the label"):
        read_source(str(path), DataSettings())
    with pytest.raises(DataError, match="blank lines only"):
        read_source(write(tmp_path / "blank.txt", "\n \n"), DataSettings())


def test_bytes_that_do_not_fit_are_said_of_their_line(tmp_path: Path) -> None:
    (tmp_path / "rows.txt").write_bytes(b"good\ncaf\xe9\nbad\n")
    (tmp_path / "rows.json").write_bytes(b'[{"text": "good"},\n{"text": "caf\xe9"}]')

    with open_texts(tmp_path / "rows.txt", FileSettings(), RowErrorsInRows()) as texts:
        errors = [row.error for row in texts.rows]

    assert [bool(error) for error in errors] == [False, True, False]
    assert "rows.txt, line 2: byte 0xe9" in errors[1]
    with (
        pytest.raises(DataError, match=r"rows.json, line 2: byte 0xe9"),
        open_texts(tmp_path / "rows.json", FileSettings(), RowErrorsInRows()),
    ):
        pass
