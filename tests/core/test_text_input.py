"""Every iterable of strings is read once and in order; what iterates over something else is refused with the cure."""

from __future__ import annotations

import array
from collections import OrderedDict, deque
from types import SimpleNamespace

import numpy as np
import pytest

from textwright.core.text_input import describe_bad_item, list_of_texts
from textwright.errors import TextError

TEXTS = ["a good film", "an awful film"]


class Series:
    """What polars' Series has that matters here."""

    ndim = 1

    def __iter__(self):
        return iter(TEXTS)


class ColumnNames:
    """A table of ``datasets``: it iterates over rows."""

    column_names = ("review", "stars")

    def __iter__(self):
        return iter([{"review": TEXTS[0]}])


@pytest.mark.parametrize(
    "texts",
    [
        TEXTS,
        tuple(TEXTS),
        deque(TEXTS),
        (text for text in TEXTS),
        iter(TEXTS),
        map(str, TEXTS),
        dict(enumerate(TEXTS)).values(),
        dict.fromkeys(TEXTS).keys(),
        np.array(TEXTS),
        np.array(TEXTS, dtype=object),
        Series(),
    ],
    ids=lambda texts: type(texts).__name__,
)
def test_an_iterable_of_strings_is_read_in_order(texts):
    items = list_of_texts(texts)
    assert list(items) == TEXTS
    assert all(isinstance(item, str) for item in items)


def test_lists_are_not_copied():
    assert list_of_texts(TEXTS) is TEXTS


@pytest.mark.parametrize(
    ("texts", "cure"),
    [
        ("a good film", r"\[text\]"),
        (b"a good film", r"decode"),
        (bytearray(b"film"), r"decode"),
        ({"a": "b"}, r"list\(texts\.values\(\)\)"),
        (OrderedDict(a="b"), r"mapping \(OrderedDict\)"),
        ({"a"}, r"sorted\(texts\)"),
        (frozenset("ab"), r"sorted\(texts\)"),
        (SimpleNamespace(columns=["text", "label"]), r'give one column: df\["text"\]$'),
        (SimpleNamespace(columns=["review", "stars"]), r"it has 'review', 'stars'$"),
        (SimpleNamespace(columns=list("abcdefg")), r"'e', \.\.\.$"),
        (SimpleNamespace(columns=[]), r"it has none"),
        (ColumnNames(), r"table \(ColumnNames\).*it has 'review', 'stars'"),
        (np.array([TEXTS]), r"2 dimensions.*ravel"),
        (np.array("film"), r"0 dimensions"),
        (7, r"type int"),
        (None, r"type NoneType"),
    ],
)
def test_what_is_no_sequence_of_texts_is_refused_with_the_cure(texts, cure):
    with pytest.raises(TextError, match=cure):
        list_of_texts(texts)


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (None, "text 3 is missing"),
        (float("nan"), "text 3 is missing"),
        (np.float64("nan"), "text 3 is missing"),
        (b"film", "decode"),
        (["film"], "flat list"),
        ({"text": "film"}, r"item\['text'\]"),
        (3, "text 3 is of type int"),
        (array.array("i"), "text 3 is of type array"),
    ],
)
def test_an_item_that_is_no_string_is_named_with_the_cure(item, message):
    with pytest.raises(TextError, match=message):
        raise TextError(describe_bad_item(3, item))


def test_containers_of_pandas():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"text": TEXTS, "label": [1, 0]})
    assert list_of_texts(frame["text"]) == TEXTS
    assert list_of_texts(frame.set_index("text").index) == TEXTS
    with pytest.raises(TextError, match=r'df\["text"\]'):
        list_of_texts(frame)
    assert "missing" in describe_bad_item(0, pandas.NA)
    assert "missing" in describe_bad_item(0, pandas.Series(["a", None], dtype="string")[1])


def test_containers_of_polars():
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"text": TEXTS})
    assert list_of_texts(frame["text"]) == TEXTS
    with pytest.raises(TextError, match=r'df\["text"\]'):
        list_of_texts(frame)
