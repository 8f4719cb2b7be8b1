"""What browsers are told: no sniffing, no keeping, and no other site's page may ask unless it is named."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from textwright.server.app import create_app
from textwright.server.settings import ServeSettings

SITE = "https://example.org"


@pytest.mark.parametrize("path", ["/", "/docs", "/v1/model", "/unknown", "/metrics"])
def test_every_answer_carries_the_safety_headers_once(client, path):
    headers = client.get(path).headers
    assert headers.get_list("x-content-type-options") == ["nosniff"]
    assert headers.get_list("cache-control") == ["no-store"]
    assert headers.get_list("referrer-policy") == ["no-referrer"]
    assert "server" not in headers


def preflight(client, origin):
    headers = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
    }
    return client.options("/v1/predict", headers=headers)


def test_other_sites_are_not_let_in_by_default(client):
    assert "access-control-allow-origin" not in preflight(client, SITE).headers
    answer = client.post("/v1/predict", json={"text": "good"}, headers={"origin": SITE})
    assert "access-control-allow-origin" not in answer.headers


def test_only_the_sites_that_are_named_are_let_in(predictor):
    with TestClient(create_app(predictor, ServeSettings(cors_origins=(SITE,)))) as client:
        asked = preflight(client, SITE)
        assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (200, SITE)
        answer = client.post("/v1/predict", json={"text": "good"}, headers={"origin": SITE})
        assert answer.headers["access-control-allow-origin"] == SITE
        assert "access-control-allow-origin" not in preflight(client, "https://other.example").headers
