"""Every refusal names the file, the line and the cure, and is an error raised on purpose."""

import gzip
from pathlib import Path

import pytest

from textwright.core.labels import Labels
from textwright.data import text_files
from textwright.data.load import load_dataset, load_examples
from textwright.data.settings import DataSettings
from textwright.data.sources import open_file
from textwright.errors import DataError, NotFoundError, SettingsError

GOOD = "".join(f"the film number {n} is one of its own kind,{('pos', 'neg')[n % 2]}\n" for n in range(20))

REFUSED = {
    "empty.csv": (b"", "empty.csv: the file is empty"),
    "header_only.csv": (b"text,label\n", "header_only.csv: there is a line of column names and no example"),
    "latin1.csv": (
        b"text,label\nfine,a\ncaf\xe9,b\n",
        r"latin1.csv, line 3: byte 0xe9 after 3 characters is not utf-8; .*--encoding cp1252.*--encoding repair",
    ),
    "nul.csv": (b"text,label\na\0b,x\n", r"nul.csv, line 2: a NUL byte; .*--encoding utf-16-le"),
    "no_columns.csv": (
        b"id,when,who\n1,2,3\n",
        r"no_columns.csv: which column holds the text is not clear; say --text-column NAME, one of 'id', 'when', 'who'",
    ),
    "ambiguous.csv": (
        b"review,comment,label\na,b,c\n",
        r"ambiguous.csv: which column holds the text is not clear; .*'review', 'comment', 'label'",
    ),
    "no_header.csv": (
        b"a lovely film that I would see again,pos\nand this one is bad,neg\n",
        r"no_header.csv, line 1: 'a lovely film that I would see again' is no column name.*add a first line",
    ),
    "one_column.csv": (b"text\na\n", r"one_column.csv: the one column 'text' leaves none for the label"),
    "twice.csv": (b"text,text,label\na,b,c\n", r"twice.csv, line 1: column 'text' is named twice"),
    "wide.csv": (
        b'text,label\n"fine",a\nwell, well,b\n',
        r"wide.csv, line 3: cells: 3, but line 1 names 2 columns \(text, label\); put cells .* in double quotes",
    ),
    "other_separator.csv": (
        b"text,label\none; two, three;a\nfour;b\n",
        r"other_separator.csv, line 3: cells: 1, but line 1 names 2 columns .*separator with --delimiter",
    ),
    "tabs.csv": (b"text~label\na b~x\n", r"tabs.csv: the one column 'text~label' .*--delimiter"),
    "backslash.csv": (
        b'text,label\n"he said \\"well\\", so",a\n',
        r"backslash.csv, line 2: a quoted cell .*; quotes are written as .* here, so say --escape-character",
    ),
    "backslash_cells.csv": (
        b'text,label\n"well\\", and \\"so\\"",a\n',
        r"backslash_cells.csv, line 2: cells: 3, .*; quotes are written as \\\" here, so say --escape-character",
    ),
    "declared.csv": (b"sep=;\ntext;label\na;b;c\n", r"declared.csv, line 3: cells: 3, but line 2 names 2 columns"),
    "declared_only.csv": (b"sep=;\n", r"declared_only.csv: there is a line of column names and no example below"),
    "narrow.csv": (b"text,label\nfine\n", r"narrow.csv, line 2: cells: 1"),
    "open_quote.csv": (
        ("text,label\nfine,a\n" + '"never closed,b\n' + GOOD).encode(),
        r'open_quote.csv, line 3: a quote opens here and is never closed; .*\(""\).*--no-quotes',
    ),
    "swallowing_quote.csv": (
        b'text,label\n"never closed,b\nmore,a\n"a quoted one",b\n',
        r"swallowing_quote.csv, line 4: a quoted cell that began in the row of line 2 goes on after its quote",
    ),
    "empty_label.csv": (
        b"text,label\nfine,a\nbad,\n",
        r"empty_label.csv, line 3: the label \('label'\) is empty; give the row a label or remove it",
    ),
    "multiline.csv": (b'text,label\n"one\ntwo\nthree",a\nbad,\n', r"multiline.csv, line 5: the label"),
    "one_class.csv": (
        ("text,label\n" + GOOD.replace("neg", "pos")).encode(),
        r"one_class.csv: every one of the 20 examples has the label 'pos'; .*at least 2 labels",
    ),
    "few.csv": (
        ("text,label\n" + GOOD + "nothing like it,rare\nsomething else altogether,rare\n").encode(),
        r"few.csv: label 'rare' has 2 distinct texts in 2 examples .*needs at least 3",
    ),
    "few_distinct.csv": (
        ("text,label\n" + GOOD + "the very same words,rare\n" * 9).encode(),
        r"few_distinct.csv: label 'rare' has 1 distinct texts in 9 examples \(near duplicates count once\)",
    ),
    "split.csv": (b"text,label,split\na,b,train\nc,d,test\ne,f,holdout\n", None),
    "list.jsonl": (b"[1, 2]\n", r"list.jsonl, line 1: a JSON list where an object was expected"),
    "broken.jsonl": (
        b'{"text": "a", "label": 1}\n\n{"text": "b", \n',
        r"broken.jsonl, line 3: not JSON .*each line must hold one whole object",
    ),
    "cut.jsonl": (
        b'{"text": "a", "label": 1}\n{"text": "a long one that was c\r\n',
        r"cut.jsonl, line 2: not JSON \(Unterminated string starting at: character 10\); each line must hold one whole",
    ),
    "no_key.jsonl": (b'{"text": "a", "label": 1}\n{"text": "b"}\n', r"no_key.jsonl, line 2: there is no 'label'"),
    "null_label.jsonl": (
        b'{"text": "a", "label": 1}\n{"text": "b", "label": null}\n',
        r"null_label.jsonl, line 2: the label .* is empty",
    ),
    "number.jsonl": (
        b'{"text": "a", "label": 1}\n{"text": 7, "label": 2}\n',
        r"number.jsonl, line 2: a value of type int stands as 'text'; the text must be a string",
    ),
    "object_label.jsonl": (
        b'{"text": "a", "label": {"x": 1}}\n',
        r"object_label.jsonl, line 1: a label of type dict",
    ),
    "surrogate.jsonl": (
        rb'{"text": "a \ud83d", "label": 1}' + b"\n",
        r"surrogate.jsonl, line 1: 'text' holds half of a surrogate pair",
    ),
    "blank.jsonl": (b"\n\n", "blank.jsonl: the file holds no object; it needs one for each example"),
    "not.parquet": (b"PAR1 no", r"not.parquet: not a Parquet file"),
    "not.csv.gz": (b"text,label\n", r"not.csv.gz: not the compressed file that its name says"),
    "not.csv.zst": (b"text,label\n", r"not.csv.zst: not the compressed file that its name says"),
    "cut.csv.gz": (gzip.compress(("text,label\n" + GOOD * 500).encode())[:-200], r"cut.csv.gz, line \d+: .*cut off"),
    "notes.docx": (b"x", r"notes.docx: the name does not end like a data file; readable are .csv"),
    "utf16.csv": ("text,label\nfine,a\n".encode("utf-16")[:-1], r"utf16.csv, line \d: not utf-16.*--encoding"),
}
REFUSED["split.csv"] = (REFUSED["split.csv"][0], r"split.csv, line 4: split 'holdout' \('split'\) is not known")


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_bad_file_is_refused_in_words(name: str, tmp_path: Path) -> None:
    content, message = REFUSED[name]
    (tmp_path / name).write_bytes(content)
    settings = DataSettings(split_column="split") if name.startswith("split") else DataSettings()

    with pytest.raises(DataError, match=message):
        load_dataset(str(tmp_path / name), settings)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.csv"
    path.write_text("text,label\n" + GOOD)
    return path


def test_the_good_rows_of_the_table_above_are_good(good: Path) -> None:
    assert load_dataset(str(good)).labels.names == ("neg", "pos")


def test_a_missing_column_is_answered_with_the_nearest(good: Path) -> None:
    with pytest.raises(DataError, match=r"no column 'labell' \(--label-column\); did you mean 'label'\?"):
        load_dataset(str(good), DataSettings(label_column="labell"))


def test_an_unknown_encoding_is_a_wrong_setting(good: Path) -> None:
    with pytest.raises(SettingsError, match="encoding 'utf-9' is not known"):
        load_dataset(str(good), DataSettings(encoding="utf-9"))


def test_an_unknown_label_in_a_later_file_names_its_line(good: Path) -> None:
    with pytest.raises(
        DataError, match=r"good.csv, line 3: label 'neg' is unknown to the model.*'pos', 'sad'.*old and the new rows"
    ):
        load_examples(str(good), DataSettings(), Labels(("pos", "sad")))


def test_a_split_that_does_not_exist_is_refused(good: Path) -> None:
    with pytest.raises(NotFoundError, match="there are train, validation, test"):
        load_examples(str(good), DataSettings(), Labels(("neg", "pos")), split="dev")


def test_a_folder_without_splits_is_refused(good: Path) -> None:
    with pytest.raises(DataError, match=r"a folder without a train file; name one file of it, or name its files"):
        load_dataset(str(good.parent))


def test_an_absent_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"there is no file .*absent.csv"):
        load_dataset(str(tmp_path / "absent.csv"))


def test_a_path_in_an_existing_folder_is_no_hub_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "corpora").mkdir()

    with pytest.raises(NotFoundError, match="there is no file corpora/reviews"):
        load_dataset("corpora/reviews")


def test_a_typing_error_in_a_built_in_name_is_answered() -> None:
    with pytest.raises(NotFoundError, match=r"'movie-review'; did you mean 'movie-reviews'\?"):
        load_dataset("movie-review")


def test_a_label_that_training_never_shows_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("text,label,split\na b,x,train\nc d,y,train\ne f,z,test\n")

    with pytest.raises(DataError, match=r"s.csv, line 4: label 'z' does not occur in the training split"):
        load_dataset(str(tmp_path / "s.csv"))


def test_given_splits_without_training_are_refused(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("text,label,split\na b,x,test\nc d,y,test\n")

    with pytest.raises(DataError, match="no training examples"):
        load_dataset(str(tmp_path / "s.csv"))


def test_a_line_that_never_ends_is_refused_before_it_fills_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(text_files, "MAX_LINE", 1_000)
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(gzip.compress(b"text,label\n" + b"x" * 10_000_000))
    with pytest.raises(DataError, match=r"bomb\.csv\.gz, line 2: longer than 1,000 characters"):
        open_file(path, DataSettings())


def test_a_cell_that_is_too_long_is_not_called_an_open_quote(tmp_path):
    path = tmp_path / "long.csv"
    path.write_text("text,label\n" + "x" * (17 * 2**20) + ",a\n")
    with pytest.raises(DataError, match=r"line 2: a cell of more than 16,777,216 characters"):
        open_file(path, DataSettings())
