"""The short way answers as the router would: the same function, the same problems, the same document."""

from __future__ import annotations

import pytest

from textwright.server.http.fast_route import FastRoutes

BODY = {"text": "a good film"}


def essence(answer):
    headers = {name: value for name, value in answer.headers.items() if name not in {"x-request-id", "server-timing"}}
    body = {name: value for name, value in answer.json().items() if name != "request_id"}
    return answer.status_code, headers, body


@pytest.mark.parametrize("body", [BODY, {"text": 1}, {"texts": ["a"] * 6}])
def test_both_ways_give_the_same_answer(client, monkeypatch, body):
    short = client.post("/v1/predict", json=body)
    monkeypatch.setattr(client.app.middleware_stack._app, "_endpoints", {})
    assert essence(client.post("/v1/predict", json=body)) == essence(short)


def test_the_short_way_leads_to_addresses_of_the_document(client):
    document = client.get("/openapi.json").json()
    for method, path in client.app.middleware_stack._app._endpoints:
        assert method.lower() in document["paths"][path]


def test_other_methods_take_the_long_way(client):
    assert client.get("/v1/predict").status_code == 405


def test_the_short_way_is_in_place(client):
    assert isinstance(client.app.middleware_stack._app, FastRoutes)
