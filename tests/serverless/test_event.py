"""Each source's event asks the same, and is answered in its own form."""

from __future__ import annotations

import base64
import json

import pytest
from lambda_events import Context, function_url, load_balancer, rest_api

from textwright.errors import SettingsError

BODY = json.dumps({"text": "a good film"})


@pytest.mark.parametrize(
    "event",
    [
        function_url(BODY),
        function_url(BODY, is_base64=True),
        function_url(BODY, path="/prod/v1/predict", stage="prod"),
        rest_api(BODY),
        load_balancer(BODY),
        load_balancer(BODY, is_multi=True),
    ],
    ids=["url", "url-base64", "http-api-stage", "rest-api", "balancer", "balancer-multi"],
)
def test_every_source_gets_the_same_answer(handler, event):
    answer = handler(event, Context())
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"])["predictions"][0]["label"] == "positive"
    assert json.loads(json.dumps(answer)) == answer


def test_a_load_balancer_reads_the_description_and_the_headers_it_asked_for(handler):
    single, multi = handler(load_balancer(BODY)), handler(load_balancer(BODY, is_multi=True))
    assert single["statusDescription"] == multi["statusDescription"] == "200 OK"
    assert single["headers"]["content-type"] == "application/json"
    assert multi["multiValueHeaders"]["content-type"] == ["application/json"]
    assert "headers" not in multi


def test_a_path_that_only_begins_like_the_stage_keeps_its_name(handler):
    assert handler(function_url(method="GET", path="/health", stage="heal"), Context())["statusCode"] == 404


@pytest.mark.parametrize("path", ["/sentiment/v1/predict", "/v1/predict"])
@pytest.mark.parametrize(
    "make",
    [
        function_url,
        lambda body, path: function_url(body, path=f"/prod{path}", stage="prod"),
        rest_api,
        load_balancer,
    ],
    ids=["url", "http-api-stage", "rest-api", "balancer"],
)
def test_the_base_path_of_a_custom_domain_or_a_rule_is_taken_off(make_handler, make, path):
    handler = make_handler(base_path="/sentiment")
    assert handler(make(BODY, path=path), Context())["statusCode"] == 200


def test_a_path_that_only_begins_like_the_base_path_keeps_its_name(make_handler):
    handler = make_handler(base_path="/heal")
    assert handler(function_url(method="GET", path="/healthz"), Context())["statusCode"] == 200
    assert handler(function_url(method="GET", path="/heal/healthz"), Context())["statusCode"] == 200
    assert handler(function_url(method="GET", path="/healhealthz"), Context())["statusCode"] == 404


@pytest.mark.parametrize("path", ["sentiment", "/sentiment/", "/"])
def test_a_base_path_that_is_none_stops_the_start(make_handler, path):
    with pytest.raises(SettingsError, match="TEXTWRIGHT_LAMBDA_BASE_PATH"):
        make_handler(base_path=path)


def test_a_body_that_only_says_it_is_base64_is_refused(handler):
    event = function_url("*no base64*") | {"isBase64Encoded": True}
    assert json.loads(handler(event)["body"])["code"] == "request-syntax"


@pytest.mark.parametrize("is_base64", [False, True])
def test_a_body_beyond_the_limit_is_refused(handler, is_base64):
    fits, over = "x" * 10_000, "x" * 10_001
    assert json.loads(handler(function_url(fits, is_base64=is_base64))["body"])["code"] == "request-syntax"
    answer = handler(function_url(over, is_base64=is_base64))
    assert answer["statusCode"] == 413
    assert "TEXTWRIGHT_LAMBDA_MAX_BODY_BYTES" in json.loads(answer["body"])["detail"]


def test_bytes_that_are_no_unicode_are_refused(handler):
    event = function_url("") | {"body": base64.b64encode(b'{"text": "\xff"}').decode(), "isBase64Encoded": True}
    assert json.loads(handler(event)["body"])["code"] == "request-syntax"
