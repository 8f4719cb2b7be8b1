"""The dashboard asks for metrics that the server really has."""

from __future__ import annotations

import json
import re

import pytest
from starlette.testclient import TestClient

import textwright
from textwright.deploy.package.dashboard import PANELS, dashboard
from textwright.server.app import create_app
from textwright.server.settings import ServeSettings

METRIC = re.compile(r"textwright_\w+")
QUERIES = [query for panel in PANELS for query in panel.queries.values()]


@pytest.fixture
def names(tiny_artifact):
    """The names of the samples that a server which was asked well and badly shows."""
    app = create_app(textwright.load(tiny_artifact, num_threads=1), ServeSettings())
    with TestClient(app) as client:
        client.post("/v1/predict", json={"texts": ["good", "bad"]})
        client.post("/v1/predict", json={"text": 1})
        lines = client.get("/metrics").text.splitlines()
    return {METRIC.match(line).group() for line in lines if METRIC.match(line)}


def test_every_metric_is_one_of_the_servers(names):
    asked = {name for query in QUERIES for name in METRIC.findall(query)}
    assert len(asked) > 8
    assert asked <= names


def test_it_is_what_grafana_provisions():
    content = json.loads(dashboard())
    assert [panel["title"] for panel in content["panels"]] == [panel.title for panel in PANELS]
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in content["panels"]]
    assert len(set(places)) == len(PANELS)
    assert {panel["datasource"]["uid"] for panel in content["panels"]} == {"prometheus"}
