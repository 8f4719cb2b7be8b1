"""The function's wire is the server's: same readings, same refusals, same answers."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import textwright
from textwright import wire as documented
from textwright.errors import RequestError
from textwright.runtime.predictor import Prediction
from textwright.serverless import wire

LEAF = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
VALUE = LEAF | st.lists(LEAF, max_size=3) | st.dictionaries(st.text(max_size=3), LEAF, max_size=2)
NAME = st.sampled_from(["text", "texts", "model", "explain", "top_k", "txt"])
BODY = st.dictionaries(NAME, VALUE, max_size=3) | VALUE


def reading(parse, body):
    """Tell what a parser makes of a body; the words of a syntax error are the parser's own."""
    try:
        asked = parse(body)
    except RequestError as error:
        return error.code, None if error.code == "request-syntax" else str(error)
    texts = asked.texts if isinstance(asked, wire.Asked) else asked.all_texts
    return texts, asked.top_k


@given(BODY)
def test_arbitrary_json_is_read_alike(content):
    body = json.dumps(content).encode()
    assert reading(wire.parse_request, body) == reading(documented.parse_request, body)


@given(st.binary(max_size=40) | st.text(max_size=40).map(str.encode))
def test_arbitrary_bytes_are_refused_alike(body):
    assert reading(wire.parse_request, body) == reading(documented.parse_request, body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'{"text": "half',
        b'{"text": "a\xff"}',
        b'{"text": "a\x00"}',
        rb'{"text": "\ud800"}',
        rb'{"text": "\ud83d\ude00"}',
        rb'{"texts": ["a", "\udc00 alone"]}',
        rb'{"\ud800": "a"}',
        b"[" * 100_000,
        b'{"text": NaN}',
        b'{"text": ' + b"9" * 5000 + b"}",
        '{"text": "a"}'.encode("utf-16"),
        "\ufeff".encode() + b'{"text": "a"}',
        b'{"text": "a", "text": "b"}',
        b'{"texts": [1, "a", 2]}',
        b'{"text": "a", "texts": ["b"]}',
        b"{}",
    ],
)
def test_edges_are_read_alike(body):
    assert reading(wire.parse_request, body) == reading(documented.parse_request, body)


def test_answers_are_the_same_document(tiny_artifact):
    predictor = textwright.load(tiny_artifact)
    identity = wire.identity_of(predictor)
    predictions = [
        Prediction("good", ("good",), {"bad": 1e-7, "good": 0.75}, truncated=False),
        Prediction(None, (), {"bad": 0.25, "naïve 🙂": 0.25}, truncated=True),
    ]
    ours = json.loads(wire.encode_response(identity, predictions))
    theirs = json.loads(documented.encode_response(documented.ModelIdentity(**identity), predictions))
    assert ours == theirs
