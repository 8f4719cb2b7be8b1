"""One row out for each row in, in order, in every format, and whole or not at all."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textwright.data.settings import DataSettings
from textwright.data.tables import SAMPLE_ROWS
from textwright.data.text_reader import open_texts
from textwright.data.writers import open_output
from textwright.errors import DataError

FORMATS = ["a.csv", "a.tsv", "a.jsonl", "a.ndjson", "a.parquet", "a.csv.gz", "a.jsonl.zst", "a.tsv.zst"]
RECORDS = [{"id": str(n), "text": f'text, "{n}"\nand\tmore é {n}'} for n in range(SAMPLE_ROWS + 20)]


def write(path: Path, records: Iterable[dict[str, object]]) -> Path:
    with open_output(path) as put:
        for record in records:
            put(record)
    return path


def read(path: Path) -> list[tuple[str, dict[str, object]]]:
    with open_texts(path, DataSettings()) as texts:
        return [(row.text, dict(row.record)) for row in texts.rows]


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_written_is_read_again(name: str, tmp_path: Path) -> None:
    path = write(tmp_path / name, RECORDS)

    assert read(path) == [(record["text"], record) for record in RECORDS]
    assert [item.name for item in tmp_path.iterdir()] == [name]


@settings(max_examples=50)
@given(
    texts=st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=1, max_size=5)
)
@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl"])
def test_any_text_survives(name: str, texts: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = write(tmp_path_factory.mktemp("any") / name, [{"id": n, "text": text} for n, text in enumerate(texts)])

    assert [text for text, _ in read(path)] == texts


def test_an_interrupted_output_leaves_the_old_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", RECORDS[:1])
    before = path.read_bytes()

    def interrupted() -> Iterator[dict[str, object]]:
        yield RECORDS[1]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(path, interrupted())

    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["a.csv"]


def test_reading_says_how_far_it_is(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", RECORDS * 200)
    with open_texts(path, DataSettings()) as texts:
        seen = [texts.fraction_read() for _ in texts.rows]

    assert 0 < seen[0] < 0.2
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_a_single_column_is_the_text_whatever_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("stuff\none\n\ntwo\n")

    assert [text for text, _ in read(tmp_path / "a.csv")] == ["one", "two"]


def test_a_null_text_is_an_empty_one_and_a_number_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": null}\n{"text": 1}\n')

    with open_texts(tmp_path / "a.jsonl", DataSettings()) as texts:
        assert next(texts.rows).text == ""
        with pytest.raises(DataError, match=r"a.jsonl, line 2: a value of type int stands as 'text'"):
            next(texts.rows)


def test_lists_become_json_in_cells(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [{"text": "t", "labels": ["a", "b"], "truncated": False}])

    assert path.read_text() == 'text,labels,truncated\nt,"[""a"", ""b""]",false\n'


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_a_record_with_a_new_key_is_refused_where_there_are_columns(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"'extra', which the first record had not.*\.jsonl"):
        write(tmp_path / name, [{"text": "a"}, {"text": "b", "extra": 1}])
    assert list(tmp_path.iterdir()) == []


def test_parquet_columns_of_two_types_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="one type for each column"):
        write(tmp_path / "a.parquet", [{"text": "a", "x": 1}, {"text": "b", "x": "one"}])


def test_a_parquet_column_that_begins_with_nulls_holds_text(tmp_path: Path) -> None:
    records = [*({"text": "a", "x": None} for _ in range(8_192)), {"text": "b", "x": 7}, {"text": "c", "x": ["d"]}]
    path = write(tmp_path / "a.parquet", records)

    assert [record["x"] for _, record in read(path)][8_191:] == [None, "7", '["d"]']


def test_an_output_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "b.csv").mkdir()

    with pytest.raises(DataError, match="read only"):
        write(tmp_path / "a.xlsx", RECORDS)
    with pytest.raises(DataError, match="a folder where a file is to be written"):
        write(tmp_path / "b.csv", RECORDS)
    with pytest.raises(DataError, match="cannot be written"):
        write(tmp_path / "file" / "a.csv", RECORDS)
