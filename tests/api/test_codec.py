"""The native protocol in JSON: what is read, what is refused in words, and that the quick writer writes JSON."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from textwright.api.codec import encode_json, encode_predictions
from textwright.api.protocols import native
from textwright.api.schemas import ModelIdentity, PredictResponse
from textwright.api.validation import RequestLimits
from textwright.errors import RequestError, RequestLimitError, RequestSyntaxError
from textwright.runtime.predictor import TextPrediction

MODEL = ModelIdentity(name="tiny", version="0123456789ab", family="bow", variant="fp32", task="single-label")
LIMITS = RequestLimits(max_texts=1_000, max_text_chars=100_000, max_body_bytes=4_000_000)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def parse_request(body):
    return native.parse({"content-type": "application/json"}, body, LIMITS)


@given(TEXT)
def test_one_text_is_read_as_it_was_sent(text):
    assert parse_request(json.dumps({"text": text}).encode()).texts == [text]


@given(st.lists(TEXT, min_size=1))
def test_many_texts_are_read_in_order(texts):
    assert parse_request(json.dumps({"texts": texts}, ensure_ascii=False).encode()).texts == texts


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "expecting value"),
        (b'{"text": "half', "unterminated string"),
        (b"text=good", "expecting value at line 1 column 1"),
        (b'{"text": "a\xff"}', "unicode"),
        (b'{"text": "a\x00"}', "control character"),
        (rb'{"text": "\ud800"}', "surrogate"),
        (rb'{"text": "\udc00 alone"}', "surrogate"),
        (rb'{"texts": ["a", "\udc00 alone"]}', "surrogate"),
        (rb'{"\ud800": "a"}', "surrogate"),
        (b"[" * 10_000, "recursion limit"),
        (b'{"text": ' + b"9" * 5000 + b"}", "out of range"),
        ("\ufeff".encode() + b'{"text": "a"}', "expecting value"),
        ('{"text": "a"}'.encode("utf-16"), "unicode"),
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


def test_the_first_of_many_wrong_texts_is_named():
    with pytest.raises(RequestError, match=r'"texts"\[1\]'):
        parse_request(json.dumps({"texts": ["a", *range(900)]}).encode())


def test_far_more_values_than_a_request_has_are_refused_before_they_are_parsed():
    with pytest.raises(RequestLimitError, match="more than 20096 values"):
        parse_request(json.dumps({"texts": list(range(100_000))}).encode())


@given(st.binary(max_size=40))
def test_arbitrary_bytes_are_read_or_refused(body):
    with contextlib.suppress(RequestError):
        assert parse_request(body).texts


LABEL = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
PROBABILITIES = st.dictionaries(LABEL, st.floats(0, 1), min_size=1, max_size=4)


@given(PROBABILITIES, st.booleans(), st.sampled_from([None, "fast"]), st.sampled_from([None, 1, 9]))
def test_the_quick_writer_writes_what_a_json_writer_does(probabilities, truncated, stage, top_k):
    name = next(iter(probabilities))
    item = TextPrediction(name, tuple(probabilities), probabilities, truncated, stage)
    best = sorted(probabilities.items(), key=lambda pair: -pair[1])[:top_k]
    row = {
        "label": name,
        "labels": list(probabilities),
        "confidence": item.confidence,
        "probabilities": probabilities if top_k is None else dict(best),
        "truncated": truncated,
        **({"stage": stage} if stage else {}),
    }
    head = encode_json(MODEL).decode()
    assert encode_predictions(head, [item, item], top_k=top_k) == encode_json(
        {"model": MODEL, "predictions": [row] * 2}
    )
    explained = encode_predictions(head, [item], [{"label": name}], top_k=top_k)
    assert explained == encode_json({"model": MODEL, "predictions": [{**row, "explanation": {"label": name}}]})


def test_the_quick_writer_keeps_to_the_schema():
    predictions = [
        TextPrediction("good", ("good",), {"bad": 0.25, "good": 0.75}, truncated=False),
        TextPrediction(None, (), {"bad": 0.25, "good": 0.25}, truncated=True),
    ]
    response = TypeAdapter(PredictResponse).validate_json(encode_predictions(encode_json(MODEL).decode(), predictions))
    assert response.model == MODEL
    for sent, said in zip(response.predictions, predictions, strict=True):
        assert (sent.label, tuple(sent.labels), sent.truncated) == (said.label, said.labels, said.truncated)
        assert (sent.probabilities, sent.confidence) == (said.probabilities, said.confidence)
