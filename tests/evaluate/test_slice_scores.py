"""Slices: which texts are in them, what is measured, and when a slice is called worse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import fisher_exact

from textwright.core.labels import Labels
from textwright.data.dataset import Examples
from textwright.data.settings import DataSettings
from textwright.errors import SettingsError
from textwright.evaluate.slice_scores import fisher_p_value, measure_slices
from textwright.evaluate.slices import find_slices

LABELS = Labels(("no", "yes"))
TEXTS = ["a refund please", "REFUND me now", "thank you", "great " * 40, "ok"]
CITIES = ["Oslo", "Oslo", "Bergen", "Bergen", "Oslo"]


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "rows.csv"
    rows = zip(TEXTS, ["yes", "no", "yes", "no", "yes"], CITIES, strict=True)
    path.write_text("text,label,city\n" + "".join(f"{text},{label},{city}\n" for text, label, city in rows))
    return str(path)


def slices_of(source, *specs, rows=None):
    targets = np.array([1, 0, 1, 0, 1])
    examples = Examples(TEXTS, targets)
    examples = examples if rows is None else examples.take(np.array(rows))
    reading = DataSettings(text_column="text", label_column="label")
    return find_slices(source, reading, specs, examples, None if rows is None else np.array(rows), LABELS)


def test_a_column_gives_a_slice_for_each_value(source):
    slices = slices_of(source, "city")
    assert {name: rows.tolist() for name, rows in slices.items()} == {
        "city = Bergen": [False, False, True, True, False],
        "city = Oslo": [True, True, False, False, True],
    }
    assert slices_of(source, "column:city").keys() == slices.keys()


def test_a_column_follows_the_rows_that_are_measured(source):
    assert slices_of(source, "city", rows=[2, 4])["city = Oslo"].tolist() == [False, True]


def test_words_are_found_in_any_case(source):
    assert slices_of(source, "contains:Refund")["contains 'Refund'"].tolist() == [True, True, False, False, False]


def test_lengths_and_labels(source):
    slices = slices_of(source, "length", "label")
    assert sum(rows for name, rows in slices.items() if name.startswith("length")).tolist() == [1] * 5
    assert slices["label = yes"].tolist() == [True, False, True, False, True]


@pytest.mark.parametrize(("spec", "message"), [("town", "column 'town'.*city"), ("contains: ", "names no words")])
def test_what_is_no_slice_is_said_in_words(source, spec, message):
    with pytest.raises(SettingsError, match=f"--slice.*{message}"):
        slices_of(source, spec)


@given(st.integers(0, 30), st.integers(1, 30), st.integers(0, 60), st.integers(1, 60))
def test_the_exact_test_is_fishers(hits, count, other_hits, other_count):
    hits, other_hits = min(hits, count), min(other_hits, other_count)
    table = [[hits, count - hits], [other_hits, other_count - other_hits]]
    assert fisher_p_value(hits, count, other_hits, other_count) == pytest.approx(fisher_exact(table).pvalue, abs=1e-9)


def test_a_slice_that_is_worse_is_called_so():
    rows = np.arange(300) < 60
    right = np.where(rows, np.arange(300) % 2 == 0, np.arange(300) % 20 != 0)
    bad, whole = measure_slices({"bad": rows, "all": np.ones(300, dtype=bool)}, right)
    assert bad.is_worse
    assert bad.share_right.value == 0.5
    assert bad.difference.high < 0
    assert whole.difference is None
    assert not whole.is_worse


def test_holms_correction_counts_every_slice_that_is_tested():
    random = np.random.default_rng(0)
    right = random.random(400) < 0.8
    slices = {str(number): random.random(400) < 0.3 for number in range(20)}
    scores = measure_slices(slices, right)
    smallest = min(scores, key=lambda item: item.p_value)
    assert smallest.adjusted_p_value == pytest.approx(min(20 * smallest.p_value, 1))


def test_few_texts_are_measured_and_not_tested():
    rows = np.arange(100) < 5
    (few,) = measure_slices({"few": rows}, ~rows)
    assert few.num_texts == 5
    assert few.share_right.value == 0
    assert few.p_value is None
    assert not few.is_worse


def test_a_slice_without_texts_is_left_out():
    assert measure_slices({"none": np.zeros(10, dtype=bool)}, np.ones(10, dtype=bool)) == ()
