"""The wire: what is read, what is refused in words, and that the quick writer keeps to the schema."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textwright.errors import RequestError, RequestSyntaxError
from textwright.runtime.predictor import Prediction
from textwright.wire import ModelIdentity, PredictResponse, encode_response, parse_request

MODEL = ModelIdentity(name="tiny", version="0123456789ab", family="bow", variant="fp32", task="single-label")
TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXT)
def test_one_text_is_read_as_it_was_sent(text):
    assert parse_request(json.dumps({"text": text}).encode()).all_texts == [text]


@given(st.lists(TEXT, min_size=1))
def test_many_texts_are_read_in_order(texts):
    assert parse_request(json.dumps({"texts": texts}, ensure_ascii=False).encode()).all_texts == texts


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "EOF"),
        (b'{"text": "half', "EOF"),
        (b"text=good", "expected"),
        (b'{"text": "a\xff"}', "unicode"),
        (b'{"text": "a\x00"}', "control character"),
        (rb'{"text": "\ud800"}', "hex escape"),
        (rb'{"text": "\udc00 alone"}', "surrogate"),
        (b"[" * 100_000, "recursion limit"),
        ('{"text": "a"}'.encode("utf-16"), "expected value"),
    ],
)
def test_what_is_not_json_is_refused_with_an_example(body, says):
    with pytest.raises(RequestSyntaxError, match=says) as caught:
        parse_request(body)
    assert '{"text": ' in str(caught.value)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("null", "the body must be an object, not null"),
        ("[]", "the body must be an object, not an array"),
        ('"good"', "the body must be an object, not a string"),
        ('{"text": 1}', '"text" must be a string, not a number'),
        ('{"text": NaN}', '"text" must be a string, not a number'),
        ('{"text": null}', '"text" must be a string, not null'),
        ('{"text": ["good"]}', '"text" must be a string, not an array'),
        ('{"texts": "good"}', '"texts" must be an array of strings, not a string'),
        ('{"texts": ["good", true]}', '"texts"[1] must be a string, not a boolean'),
        ('{"texts": ["good", {"text": "a"}]}', '"texts"[1] must be a string, not an object'),
        ('{"texts": []}', '"texts" is empty; give at least one text'),
        ('{"txt": "good"}', '"txt" is not a field of this request; give "text" or "texts"'),
    ],
)
def test_what_has_another_shape_is_refused_in_a_sentence(body, sentence):
    with pytest.raises(RequestError) as caught:
        parse_request(body.encode())
    assert str(caught.value) == sentence


@pytest.mark.parametrize("body", [b"{}", b'{"text": "a", "texts": ["b"]}'])
def test_exactly_one_of_text_and_texts_is_asked_for(body):
    with pytest.raises(RequestError, match='either "text" or "texts", exactly one'):
        parse_request(body)


def test_a_long_unknown_field_is_not_repeated():
    with pytest.raises(RequestError) as caught:
        parse_request(json.dumps({"x" * 10_000: 1}).encode())
    assert len(str(caught.value)) < 200


def test_only_the_first_of_many_wrong_texts_is_looked_at():
    with pytest.raises(RequestError, match=r'"texts"\[0\]'):
        parse_request(json.dumps({"texts": list(range(100_000))}).encode())


def test_the_quick_writer_keeps_to_the_schema():
    predictions = [
        Prediction("good", ("good",), {"bad": 0.25, "good": 0.75}, truncated=False),
        Prediction(None, (), {"bad": 0.25, "good": 0.25}, truncated=True),
    ]
    response = PredictResponse.model_validate_json(encode_response(MODEL, predictions))
    assert response.model == MODEL
    for sent, said in zip(response.predictions, predictions, strict=True):
        assert (sent.label, tuple(sent.labels), sent.truncated) == (said.label, said.labels, said.truncated)
        assert (sent.probabilities, sent.confidence) == (said.probabilities, said.confidence)
