"""Rows in memory are read as a file of them is, whatever library holds them; messages name positions."""

from __future__ import annotations

import json
from pathlib import Path

import datasets
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from textwright.data.in_memory import as_source
from textwright.data.load import load_dataset
from textwright.data.settings import DataSettings
from textwright.errors import DataError, TextError

TEXTS = [f"the {word} film number {number}" for number in range(12) for word in ("good", "bad")]
LABELS = ["positive", "negative"] * 12
ROWS = [{"text": text, "label": label} for text, label in zip(TEXTS, LABELS, strict=True)]


class ArrowStream:
    """What exports Arrow's stream and is no table itself, as a relation of DuckDB is."""

    def __arrow_c_stream__(self, requested_schema=None):
        return pa.table({"text": TEXTS, "label": LABELS}).__arrow_c_stream__(requested_schema)


FORMS = {
    "pandas": pd.DataFrame(ROWS),
    "pandas-index": pd.DataFrame(ROWS, index=range(100, 124)),
    "pandas-category": pd.DataFrame({"text": TEXTS, "label": pd.Categorical(LABELS)}),
    "arrow": pa.table({"text": TEXTS, "label": LABELS}),
    "arrow-stream": ArrowStream(),
    "datasets": datasets.Dataset.from_list(ROWS),
    "columns": {"text": TEXTS, "label": np.array(LABELS)},
    "records": ROWS,
    "pair": (TEXTS, LABELS),
    "pair-of-series": (pd.Series(TEXTS), pd.Series(LABELS)),
    "pair-of-arrays": (np.array(TEXTS), np.array(LABELS, dtype=object)),
    "generators": ((text for text in TEXTS), (label for label in LABELS)),
}


@pytest.fixture(scope="module")
def from_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return load_dataset(str(path))


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_dataset_that_a_file_gives(form, from_file):
    dataset = load_dataset(as_source(FORMS[form]))
    assert dataset.fingerprint == from_file.fingerprint
    assert dataset.labels == from_file.labels
    assert [dataset.splits[name].texts for name in dataset.splits] == [it.texts for it in from_file.splits.values()]


def test_paths_and_names_stay_what_they_are():
    assert as_source("movie-reviews") == "movie-reviews"
    assert as_source(Path("runs") / "rows.csv") == str(Path("runs") / "rows.csv")


def test_splits_of_a_dataset_and_of_a_column_are_kept():
    parts = {"train": ROWS[:16], "validation": ROWS[16:20], "test": ROWS[20:]}
    given = load_dataset(as_source(datasets.DatasetDict({n: datasets.Dataset.from_list(r) for n, r in parts.items()})))
    assert [len(part) for part in given.splits.values()] == [16, 4, 4]
    names = ["train"] * 16 + ["dev"] * 4 + ["test"] * 4
    by_column = load_dataset(as_source(pd.DataFrame(ROWS).assign(split=names)))
    assert by_column.test.texts == given.test.texts == TEXTS[20:]


def test_labels_may_be_numbers_lists_and_vectors():
    numbers = load_dataset(as_source((TEXTS, np.array([1, 0] * 12))))
    assert numbers.labels.names == ("0", "1")
    lists = load_dataset(as_source((TEXTS, [["a", "b"], ["b"]] * 12)))
    vectors = load_dataset(as_source((TEXTS, np.array([[1, 1], [0, 1]] * 12))), DataSettings(label_names="a,b"))
    assert lists.labels == vectors.labels
    assert (lists.train.targets == vectors.train.targets).all()


def test_a_missing_cell_is_an_empty_cell_of_a_file():
    table = pd.DataFrame([*ROWS, {"text": "no label", "label": None}, {"text": float("nan"), "label": "positive"}])
    with pytest.raises(DataError, match=r"DataFrame, position 24: the label \('label'\) is empty"):
        load_dataset(as_source(table))
    kept = load_dataset(as_source(table), DataSettings(drop_unlabeled=True))
    assert sum(map(len, kept.splits.values())) == 25
    assert any("" in part.texts for part in kept.splits.values())


def test_rows_that_cannot_be_used_are_named_by_position():
    with pytest.raises(DataError, match="records, position 24: there is no 'text'"):
        load_dataset(as_source([*ROWS, {"label": "positive"}]))
    with pytest.raises(DataError, match="DataFrame, position 3: a value of type int stands as 'text'"):
        load_dataset(as_source(pd.DataFrame([*ROWS[:3], {"text": 7, "label": "positive"}, *ROWS])))
    with pytest.raises(TextError, match="text 2 is missing"):
        as_source(([*TEXTS[:2], None], LABELS[:3]))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (7, "int is no labeled data"),
        ((TEXTS,), "a tuple of 1 items"),
        ((TEXTS, LABELS[:5]), "24 texts and 5 targets"),
        ((TEXTS, "positive"), "a column of type str is no list"),
        ({"text": TEXTS, "label": LABELS[:5]}, "different lengths"),
        ({"text": [], "label": []}, "there are no rows"),
        (TEXTS, "list is no labeled data"),
    ],
    ids=["number", "one", "lengths", "string", "columns", "empty", "texts"],
)
def test_what_is_no_labeled_data_is_refused(data, reason):
    with pytest.raises(DataError, match=reason):
        as_source(data)


def test_a_table_that_is_not_in_memory_is_told_to_be_collected():
    class LazyFrame:
        columns = ("text", "label")

        def __getitem__(self, name):
            raise AssertionError

    with pytest.raises(DataError, match=r"this LazyFrame are not in memory; give what its method collect\(\)"):
        as_source(LazyFrame())
