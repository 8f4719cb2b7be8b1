"""Columns and tables of Arrow as texts: a column is read, a table is refused with the cure."""

from __future__ import annotations

import pyarrow as pa
import pytest

from textwright.core.text_input import list_of_texts
from textwright.errors import TextError

TEXTS = ["a good film", "an awful film"]


@pytest.mark.parametrize(
    "texts",
    [pa.array(TEXTS), pa.chunked_array([[TEXTS[0]], [TEXTS[1]]]), pa.table({"text": TEXTS})["text"]],
    ids=["array", "chunked array", "column"],
)
def test_a_column_is_read_in_order(texts):
    items = list_of_texts(texts)
    assert list(items) == TEXTS
    assert all(isinstance(item, str) for item in items)


def test_a_table_is_refused_with_the_cure():
    with pytest.raises(TextError, match=r'table \(Table\); give one column: df\["text"\]$'):
        list_of_texts(pa.table({"text": TEXTS}))
