"""Every way in which people write labels is read, or refused with the flag to type."""

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from textwright.core.labels import Labels, Task
from textwright.data.load import load_dataset, load_examples, read_source
from textwright.data.reader import Collected
from textwright.data.settings import DataSettings, complete_settings
from textwright.errors import DataError, SettingsError

NAMES = ("insult", "threat", "toxic")
HOLDS = [(0, 1, 1), (0, 0, 0), (1, 0, 0), (0, 0, 1)]  # (N, K)
TEXTS = [f"text number {row}" for row in range(len(HOLDS))]


def write(path: Path, header: tuple[str, ...], rows: list[tuple[object, ...]]) -> str:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return str(path)


def by_column(path: Path, on: object = 1, off: object = 0) -> str:
    rows = [(number, text, *(on if flag else off for flag in flags)) for number, (text, flags) in enumerate(both())]
    return write(path, ("id", "comment_text", *NAMES), rows)


def both() -> list[tuple[str, tuple[int, ...]]]:
    return list(zip(TEXTS, HOLDS, strict=True))


def named(flags: tuple[int, ...]) -> list[str]:
    return [name for name, flag in zip(NAMES, flags, strict=True) if flag]


def read(source: str, **settings: object) -> tuple[Collected, tuple[str, ...], list[list[bool]]]:
    collected = read_source(source, DataSettings(**settings))
    labels = collected.labels()
    return collected, labels.names, np.asarray(collected.targets(labels)).tolist()


@pytest.mark.parametrize("flag", ["insult,threat,toxic", "*", " toxic, insult, t* "])
def test_one_column_per_label(flag: str, tmp_path: Path) -> None:
    collected, names, targets = read(by_column(tmp_path / "a.csv"), label_columns=flag)

    assert (collected.task, collected.texts) == (Task.MULTI_LABEL, TEXTS)
    assert (names, targets) == (NAMES, [[bool(flag) for flag in flags] for flags in HOLDS])
    assert collected.layout == "3 columns of 0 and 1, one for each label"


@pytest.mark.parametrize(("on", "off"), [("1.0", "0.0"), ("TRUE", "FALSE"), (1, ""), ("True", "False")])
def test_one_and_zero_have_many_spellings(on: object, off: object, tmp_path: Path) -> None:
    assert read(by_column(tmp_path / "a.csv", on, off), label_columns="*")[2] == [list(map(bool, h)) for h in HOLDS]


def test_columns_of_json_lines_may_be_absent(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    rows = [{"text": text, "toxic": flags[2], **({"threat": 1} if flags[1] else {})} for text, flags in both()]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))

    assert read(str(path), label_columns="toxic,threat")[2] == [[True, True], [False] * 2, [False] * 2, [False, True]]


def test_columns_of_labels_are_not_guessed_but_named(tmp_path: Path) -> None:
    source = by_column(tmp_path / "a.csv")

    with pytest.raises(DataError, match=r'3 columns hold 0 and 1 .*say --label-columns "insult,threat,toxic"'):
        load_dataset(source)
    wide = write(tmp_path / "b.csv", ("text", *(f"l{n}" for n in range(40))), [("a b", *[0, 1] * 20)])
    with pytest.raises(DataError, match=r'40 columns hold 0 and 1 .*, \.\.\.\); .*--label-columns "\*"'):
        load_dataset(wide)


def test_a_wrong_column_or_value_is_refused_in_words(tmp_path: Path) -> None:
    source = by_column(tmp_path / "a.csv")
    with pytest.raises(DataError, match=r"no column is named 'toxi' \(--label-columns\); did you mean 'toxic'"):
        load_dataset(source, DataSettings(label_columns="toxi,threat"))
    with pytest.raises(DataError, match=r"no column of 0 and 1 matches 'is_\*'"):
        load_dataset(source, DataSettings(label_columns="is_*"))
    with pytest.raises(DataError, match=r"a.csv, line 4: 'id' holds '2', which is neither 0 nor 1"):
        load_dataset(source, DataSettings(label_columns="id,toxic"))
    with pytest.raises(ValueError, match="leave label_column out"):
        DataSettings(label_columns="a", label_column="b")


def test_minus_one_says_that_nobody_has_looked(tmp_path: Path) -> None:
    rows = [("a b", 1, 0), ("c d", -1, -1), ("e f", 0, 1)]
    source = write(tmp_path / "a.csv", ("text", "x", "y"), rows)

    with pytest.raises(DataError, match=r"line 3: the label .* --drop-unlabeled"):
        read(source, label_columns="*")
    collected, _, targets = read(source, label_columns="*", drop_unlabeled=True)
    assert (collected.num_unlabeled, targets) == (1, [[True, False], [False, True]])


SPELLED = {
    "json": lambda flags: json.dumps(named(flags)),
    "python": lambda flags: str(named(flags)),
    "numpy": lambda flags: "[" + " ".join(map(repr, named(flags))) + "]",
}


@pytest.mark.parametrize("spelling", SPELLED)
def test_lists_as_text(spelling: str, tmp_path: Path) -> None:
    rows = [(text, SPELLED[spelling](flags)) for text, flags in both()]

    collected, names, targets = read(write(tmp_path / "a.csv", ("text", "labels"), rows))

    assert (collected.task, names) == (Task.MULTI_LABEL, NAMES)
    assert targets == [list(map(bool, flags)) for flags in HOLDS]


def test_a_label_in_brackets_is_no_list(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", ("text", "label"), [("a", "[urgent]"), ("b", "[__import__('os')]")])

    assert read(source)[1] == ("[__import__('os')]", "[urgent]")


@pytest.mark.parametrize(
    "spell", [str, lambda flags: str(list(flags)), lambda flags: str(list(flags)).replace(",", "")]
)
def test_vectors_of_zero_and_one(spell, tmp_path: Path) -> None:
    rows = [(text, spell(list(flags))) for text, flags in both()]
    source = write(tmp_path / "a.csv", ("text", "label"), rows)

    collected, names, targets = read(source)
    assert (collected.task, names) == (Task.MULTI_LABEL, ("0", "1", "2"))
    assert targets == [list(map(bool, flags)) for flags in HOLDS]
    assert "--label-names" in collected.layout
    assert read(source, label_names="insult, threat, toxic")[1] == NAMES
    with pytest.raises(DataError, match=r"line 2: .* is no vector of 2 numbers.*--label-names"):
        read_source(source, DataSettings(label_names="a,b")).labels()


def test_lists_of_label_numbers_are_no_vectors(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", ("text", "label"), [("a", "[0]"), ("b", "[1]"), ("c", "[0, 1]")])

    assert read(source)[2] == [[True, False], [False, True], [True, True]]
    assert read(source, label_names="no,yes")[1] == ("no", "yes")


def test_numbers_get_names(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", ("text", "label"), [("a", 0), ("b", "1.0")])

    assert read(source, label_names="bad,good")[1:] == (("bad", "good"), [0, 1])
    with pytest.raises(DataError, match=r"line 3: the label '1' has no name: there are 1 names"):
        read(source, label_names="bad")


@pytest.mark.parametrize("is_list", [False, True])
@pytest.mark.parametrize("kind", ["Sequence", "List", "list"])
def test_class_names_of_a_parquet_schema(is_list: bool, kind: str, tmp_path: Path) -> None:
    feature: object = {"names": ["bad", "good"], "_type": "ClassLabel"}
    if is_list:
        feature = [feature] if kind == "list" else {"feature": feature, "_type": kind}
    metadata = {"huggingface": json.dumps({"info": {"features": {"text": {"_type": "Value"}, "label": feature}}})}
    labels = [[1], [0], [0, 1]] if is_list else [1, 0, -1]
    table = pa.table({"text": ["a", "b", "c"], "label": labels}).replace_schema_metadata(metadata)
    pq.write_table(table, tmp_path / "a.parquet")

    _, names, targets = read(str(tmp_path / "a.parquet"), drop_unlabeled=True)

    assert names == ("bad", "good")
    assert targets == ([[False, True], [True, False], [True, True]] if is_list else [1, 0])  # -1 stands for no label


def test_a_model_knows_its_columns(tmp_path: Path) -> None:
    labels = Labels(("threat", "toxic"), Task.MULTI_LABEL)
    source = by_column(tmp_path / "a.csv")

    expected = [[bool(flags[1]), bool(flags[2])] for flags in HOLDS]
    assert load_examples(source, DataSettings(), labels).targets.tolist() == expected
    assert load_examples(source, DataSettings(label_columns="*"), labels).targets.tolist() == expected


def test_rows_without_a_label_are_skipped_and_counted(tmp_path: Path) -> None:
    rows = [("a b", "x"), ("c d", ""), ("e f", "y"), ("g h", " ")]
    source = write(tmp_path / "a.csv", ("text", "label"), rows)

    collected, _, targets = read(source, drop_unlabeled=True)

    assert (collected.texts, targets, collected.num_unlabeled) == (["a b", "e f"], [0, 1], 2)
    assert collected.at(1).endswith("line 4")


def test_a_question_may_name_a_column(tmp_path: Path) -> None:
    question = "¿Qué opina usted del servicio que ha recibido hoy en nuestra tienda?"
    source = write(tmp_path / "a.csv", (question, "label"), [("muy bien", "si"), ("mal", "no")])

    assert read(source)[0].texts == ["muy bien", "mal"]


def test_settings_of_an_earlier_version_are_completed() -> None:
    stored = {"label_column": "stars", "split_seed": 3}

    assert complete_settings(stored) == DataSettings(**stored).model_dump(mode="json")
    with pytest.raises(SettingsError, match="no such setting"):
        complete_settings({"of_a_later_version": 1})
