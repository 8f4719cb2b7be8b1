"""Events that hold no request: nothing is lost, since an error makes Lambda keep them; messages of SQS on request."""

from __future__ import annotations

import json

import pytest
from lambda_events import Context

from textwright.errors import RequestError, SettingsError

SECRET = "w0rd-nobody-may-log"
ARN = "arn:aws:sqs:eu-central-1:123456789012:texts"
SNS = {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": SECRET}}]}
S3 = {"Records": [{"eventSource": "aws:s3", "s3": {"object": {"key": SECRET}}}]}
EVENT_BRIDGE = {"version": "0", "detail-type": "x", "source": "mine", "detail": {"text": SECRET}}


def sqs(*bodies, arn=ARN):
    """Make an event of a queue; message number n has the id "m<n>"."""
    records = [
        {"messageId": f"m{number}", "body": body, "eventSource": "aws:sqs", "eventSourceARN": arn}
        for number, body in enumerate(bodies)
    ]
    return {"Records": records}


def text(value):
    return json.dumps({"text": value})


def failed(answer):
    return [item["itemIdentifier"] for item in answer["batchItemFailures"]]


@pytest.fixture
def queue_handler(make_handler):
    return make_handler(queue_answers="log", max_texts=5, max_text_chars=1000)


@pytest.mark.parametrize("setting", ["refuse", "log"])
@pytest.mark.parametrize(
    "event",
    [
        None,
        [],
        SECRET,
        7,
        {},
        {"text": SECRET},
        {"Records": []},
        {"Records": [SECRET]},
        {"Records": [{"eventSource": SECRET}]},
        {"version": "2.0", "requestContext": SECRET},
        SNS,
        S3,
        EVENT_BRIDGE,
        {"Records": [*sqs(text("good"))["Records"], *SNS["Records"]]},
    ],
    ids=range(14),
)
def test_what_nobody_would_read_the_answer_of_raises(make_handler, lines, event, setting):
    handler = make_handler(queue_answers=setting)
    with pytest.raises(RequestError, match=r"Function URL|left in the queue") as raised:
        handler(event, Context())
    assert SECRET not in str(raised.value)
    (line,) = lines()
    assert (line["status"], line["code"], line["refused"]) == (422, "request", 1)
    assert SECRET not in json.dumps(line)


@pytest.mark.parametrize(("event", "source"), [(SNS, "aws:sns"), (S3, "aws:s3")])
def test_the_source_is_named(handler, event, source):
    with pytest.raises(RequestError, match=f"the event is of {source}, so nobody"):
        handler(event, Context())


def test_messages_stay_in_the_queue_unless_the_settings_say_where_predictions_go(handler):
    with pytest.raises(RequestError, match="set TEXTWRIGHT_LAMBDA_QUEUE_ANSWERS=log"):
        handler(sqs(text("good")), Context())


def test_each_message_is_predicted_into_the_log(queue_handler, lines):
    body = json.dumps({"texts": ["good", "bad"]})
    assert queue_handler(sqs(text(f"good {SECRET}"), body), Context()) == {"batchItemFailures": []}
    found = [(line["id"], line["index"], line["label"]) for line in lines() if line["event"] == "prediction"]
    assert found == [("m0", 0, "positive"), ("m1", 0, "positive"), ("m1", 1, "negative")]
    requests = [(line["id"], line["status"], line["num_texts"]) for line in lines() if line["event"] == "request"]
    assert requests == [("m0", 200, 1), ("m1", 200, 2)]
    assert SECRET not in json.dumps(lines())


def test_only_the_messages_that_failed_come_again(queue_handler, lines):
    bodies = [text("good"), "{", text("bad"), json.dumps({"texts": ["a"] * 6}), json.dumps({"text": 1}), ""]
    assert failed(queue_handler(sqs(*bodies), Context())) == ["m1", "m3", "m4", "m5"]
    labels = [line["label"] for line in lines() if line["event"] == "prediction"]
    assert labels == ["positive", "negative"]


def test_messages_for_which_no_time_is_left_come_again(queue_handler):
    assert failed(queue_handler(sqs(text("good"), text("bad")), Context(left_ms=200))) == ["m0", "m1"]


def test_a_message_without_a_body_comes_again(queue_handler):
    event = sqs(text("good"), text("bad"))
    del event["Records"][0]["body"]
    assert failed(queue_handler(event, Context())) == ["m0"]


def test_a_first_in_first_out_queue_keeps_its_order(queue_handler, lines):
    event = sqs(text("good"), "{", text("bad"), arn=f"{ARN}.fifo")
    assert failed(queue_handler(event, Context())) == ["m1", "m2"]
    assert [line["id"] for line in lines() if line["event"] == "prediction"] == ["m0"]


def test_another_word_for_what_becomes_of_messages_stops_the_start(make_handler):
    with pytest.raises(SettingsError, match="TEXTWRIGHT_LAMBDA_QUEUE_ANSWERS is 'send'; it must be refuse or log"):
        make_handler(queue_answers="send")
