"""The same rows come out of every format, encoding and way to write a label."""

import csv
import gzip
import io
import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
import zstandard
from pyarrow import parquet

from textwright.core.labels import Task
from textwright.data.load import load_dataset, read_source
from textwright.data.settings import DataSettings
from textwright.errors import SettingsError

ROWS = [
    ("a plain text, with a comma", "pos"),
    ('he said "never again"', "neg"),
    ("two\nlines", "pos"),
    ("tab\there", "neg"),
    ("naïve café — 東京 🎬", "pos"),
    ("", "neg"),
]


def as_csv(delimiter: str = ",") -> str:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter).writerows([("text", "label"), *ROWS])
    return buffer.getvalue()


def as_jsonl() -> str:
    return "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in ROWS)


def read(path: Path, **settings: object) -> list[tuple[str, str]]:
    collected = read_source(str(path), DataSettings.parse(settings, source="test"))
    names = list(collected.names)
    return [(text, names[label]) for text, label in zip(collected.texts, collected.label_ids, strict=True)]


FILES = {
    "a.csv": as_csv().encode(),
    "bom.csv": as_csv().encode("utf-8-sig"),
    "utf16.csv": as_csv().encode("utf-16"),
    "semicolon.csv": as_csv(";").encode(),
    "bar.csv": as_csv("|").encode(),
    "excel.csv": b"sep=;\r\n" + as_csv(";").encode(),
    "excel_bom.csv": ('"sep=^"\n' + as_csv("^")).encode("utf-8-sig"),
    "a.tsv": as_csv("\t").encode(),
    "a.jsonl": as_jsonl().encode(),
    "blank_lines.ndjson": as_jsonl().replace("\n", "\n\n").encode(),
    "a.csv.gz": gzip.compress(as_csv().encode()),
    "a.tsv.zst": zstandard.compress(as_csv("\t").encode()),
    "two_frames.jsonl.zst": zstandard.compress(as_jsonl()[:70].encode()) + zstandard.compress(as_jsonl()[70:].encode()),
    "A.JSONL.gz": gzip.compress(as_jsonl().encode()),
}


@pytest.mark.parametrize("name", sorted(FILES))
def test_every_text_format_gives_the_same_rows(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(FILES[name])

    assert read(tmp_path / name) == ROWS


def test_parquet_gives_the_same_rows_and_reads_only_its_columns(tmp_path: Path) -> None:
    texts, labels = zip(*ROWS, strict=True)
    table = pa.table({"vector": [[0.5] * 3] * len(ROWS), "text": texts, "label": pa.array(labels).dictionary_encode()})
    parquet.write_table(table, tmp_path / "a.parquet", row_group_size=2)

    assert read(tmp_path / "a.parquet") == ROWS


def test_lines_are_those_of_an_editor(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(as_csv().encode())

    collected = read_source(str(tmp_path / "a.csv"), DataSettings())

    assert list(collected.lines) == [2, 3, 4, 6, 7, 8]
    assert collected.at(3) == f"{tmp_path}/a.csv, line 6"


def test_bytes_that_are_not_utf8_are_repaired_on_demand_and_counted(tmp_path: Path) -> None:
    content = "text,label\ncafé,a\n".encode() + b"caf\xe9 \x93quoted\x94,b\nplain,a\nna\xefve \x81,b\n"
    (tmp_path / "mixed.csv").write_bytes(content)

    collected = read_source(str(tmp_path / "mixed.csv"), DataSettings(encoding="repair"))

    assert collected.texts == ["café", "café “quoted”", "plain", "naïve \ufffd"]
    assert collected.num_repaired == 2


def test_a_named_encoding_is_used(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("text,label\ncafé,a\n".encode("cp1252"))

    assert read(tmp_path / "a.csv", encoding="cp1252") == [("café", "a")]


def test_a_delimiter_and_backslashes_before_quotes_are_read_by_their_flags(tmp_path: Path) -> None:
    rows = [("a, b | c; d", "pos"), ('he said "well, so" \\ and', "neg"), ("two\nlines", "pos")]
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter="~", quoting=csv.QUOTE_ALL, doublequote=False, escapechar="\\")
    writer.writerows([("text, raw", "label"), *rows])
    (tmp_path / "a.csv").write_text(buffer.getvalue(), newline="")

    assert read(tmp_path / "a.csv", delimiter="~", escape_character="\\", text_column="text, raw") == rows


def test_the_lines_below_a_line_that_names_the_separator_are_those_of_an_editor(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"sep=;\r\n" + as_csv(";").encode())

    assert list(read_source(str(tmp_path / "a.csv"), DataSettings()).lines) == [3, 4, 5, 7, 8, 9]


@pytest.mark.parametrize("character", ["", ";;", '"', "\n"])
def test_a_delimiter_is_one_character(character: str) -> None:
    with pytest.raises(SettingsError, match="must be one character"):
        DataSettings.parse({"delimiter": character}, source="test")
    assert DataSettings(delimiter="\\t").delimiter == "\t"


def test_quotes_can_be_ordinary_characters(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text('text\tlabel\n"open\tpos\nclose"\tneg\n')

    assert read(tmp_path / "a.tsv", quotes=False) == [('"open', "pos"), ('close"', "neg")]


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        ("text,label", "some words,x", ("some words", "x")),
        ("label,text,id", "x,some words,1", ("some words", "x")),
        ("Sentence,Sentiment,confidence", "some words,x,0.5", ("some words", "x")),
        ("headline,text,label", "h,some words,x", ("some words", "x")),
        ("words,label", "some words,x", ("some words", "x")),
        ("text,mood", "some words,x", ("some words", "x")),
        ("mood,utt", "x,some words", ("some words", "x")),
    ],
)
def test_columns_are_found_when_unambiguous(header: str, row: str, expected: tuple[str, str], tmp_path: Path) -> None:
    other = row.replace("some words", "quite other words, truly").replace("words, truly", "words truly")
    (tmp_path / "a.csv").write_text(f"{header}\n{row}\n{other}\n")

    assert read(tmp_path / "a.csv")[0] == expected


@pytest.mark.parametrize(
    ("cells", "names"),
    [
        (["true", "False"], ["true", "false"]),
        (["1.0", "2"], ["1", "2"]),
        ([" padded ", "x"], ["padded", "x"]),
        (["0.5", "1.5"], ["0.5", "1.5"]),
    ],
)
def test_labels_have_one_name_in_every_format(cells: list[str], names: list[str], tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\n" + "".join(f"t,{cell}\n" for cell in cells))

    assert [label for _, label in read(tmp_path / "a.csv")] == names


def test_typed_labels_are_named_like_written_ones(tmp_path: Path) -> None:
    values = [True, False, 1, 2.0, 0.5, "x"]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": "t", "label": v}) + "\n" for v in values))

    assert [label for _, label in read(tmp_path / "a.jsonl")] == ["true", "false", "1", "2", "0.5", "x"]


MULTI = {
    "lists.jsonl": "".join(
        json.dumps({"text": f"text number {n}", "labels": labels}) + "\n"
        for n, labels in enumerate([["a", "b"], [], ["b", "b"], [1]])
    ),
    "separated.csv": "text,labels\ntext number 0,a|b\ntext number 1,\ntext number 2,b| b\ntext number 3,1\n",
    "json_cells.csv": 'text,labels\ntext number 0,"[""a"", ""b""]"\ntext number 1,[]\n'
    'text number 2,"[""b"", ""b""]"\ntext number 3,[1]\n',
}


@pytest.mark.parametrize("name", sorted(MULTI))
def test_multi_label_sources(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(MULTI[name])
    settings = DataSettings(label_separator="|" if name == "separated.csv" else None)

    collected = read_source(str(tmp_path / name), settings)

    labels = collected.labels()
    assert labels.task is Task.MULTI_LABEL
    assert labels.names == ("1", "a", "b")
    assert collected.targets(labels).tolist() == [
        [False, True, True],
        [False, False, False],
        [False, False, True],
        [True, False, False],
    ]


def test_a_folder_of_splits_is_used_as_it_is(tmp_path: Path) -> None:
    for name, rows in {"train-0.csv": "a b,x\nc d,y\n", "train-1.csv": "e f,x\n", "dev.csv": "g h,y\n"}.items():
        (tmp_path / name).write_text("text,label\n" + rows)
    (tmp_path / "test.jsonl").write_text('{"text": "a b", "label": "x"}\n')
    (tmp_path / "README.md").write_text("not data")

    dataset = load_dataset(str(tmp_path))

    assert {name: list(split.texts) for name, split in dataset.splits.items()} == {
        "train": ["a b", "c d", "e f"],
        "validation": ["g h"],
        "test": ["a b"],
    }
    assert dataset.splits_are_given


LEAN = """
import sys
import textwright.data.assets, textwright.data.check, textwright.data.writers, textwright.data.text_reader
print(sorted({"torch", "transformers", "pyarrow", "pandas", "datasets", "zstandard", "filelock"} & set(sys.modules)))
"""


def test_importing_the_room_imports_nothing_heavy() -> None:
    command = [sys.executable, "-c", LEAN]

    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "[]"


SAVED = """
import datasets, sys
features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["bad", "good"])})
def split(labels):
    return datasets.Dataset.from_dict({"text": [f"text {n}" for n in range(len(labels))], "label": labels}, features)
splits = {"train": split([0, 1, 1]), "validation": split([1]), "test": split([-1, -1])}
datasets.DatasetDict(splits).save_to_disk(sys.argv[1])
from textwright.data.settings import DataSettings
from textwright.errors import SettingsError
from textwright.data.load import read_source
collected = read_source(sys.argv[1], DataSettings())
print(list(collected.texts), [list(collected.names)[i] for i in collected.label_ids], list(collected.splits))
"""


def test_a_saved_hugging_face_dataset_keeps_its_class_names(tmp_path: Path) -> None:
    """The secret test labels (-1) are left out; the library runs in a process of its own, for its import is heavy."""
    pytest.importorskip("pyarrow")
    command = [sys.executable, "-c", SAVED, str(tmp_path / "saved")]
    found = subprocess.run(command, capture_output=True, text=True, check=False)

    assert found.stdout.strip() == (
        "['text 0', 'text 1', 'text 2', 'text 0'] ['bad', 'good', 'good', 'good'] [0, 0, 0, 1]"
    ), found.stderr


@pytest.mark.parametrize(
    ("text", "label"),
    [("Commentaire", "Catégorie"), ("Nachricht", "Kategorie"), ("texto", "Etiqueta"), ("文本", "标签")],
)
def test_common_names_of_other_languages_are_known(tmp_path: Path, text: str, label: str) -> None:
    rows = [
        ["id", "day", text, label],
        *([f"T{n}", f"2026-11-{n % 9 + 1:02d}", f"one more text {n}", "ab"[n % 2]] for n in range(60)),
    ]
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(map(",".join, rows)) + "\n", encoding="utf-8")
    dataset = load_dataset(str(path))
    assert dataset.labels.names == ("a", "b")
    assert all(item.startswith("one more text") for item in dataset.train.texts)
