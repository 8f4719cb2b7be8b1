"""Who trains is told which texts of the data others will see."""

from __future__ import annotations

import pytest

from textwright.core.artifact import read
from textwright.display.training import _example_line


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"example_texts": ['Llegó "roto"', "ok"]}, (r'"Llegó \"roto\"", "ok"', "validation split", "--example-text")),
        ({"example_texts": ["mine"], "example_text": "mine"}, ('"mine"', "no text of the data is stored")),
        ({}, ("no example is stored", "--example-text")),
    ],
)
def test_the_note_names_the_texts_and_the_flag(make_artifact, data, words):
    said = _example_line(read(make_artifact("said", data=data)).manifest)
    assert [word for word in words if word not in said] == []
