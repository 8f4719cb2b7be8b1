"""The dashboard asks for metrics and labels that the server has, and shows each metric somewhere."""

from __future__ import annotations

import json
import re
from importlib import resources

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

import textwright
from textwright.server.app import create_app
from textwright.server.registry.model_spec import ModelSpec
from textwright.server.registry.registry import ModelRegistry
from textwright.server.settings import ServeSettings

TEMPLATES = resources.files("textwright.deploy.package") / "templates"
DASHBOARD = json.loads((TEMPLATES / "grafana-dashboard.json").read_text(encoding="utf-8"))
QUERIES = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
VARIABLES = [item["query"]["query"] for item in DASHBOARD["templating"]["list"] if item["type"] == "query"]


@pytest.fixture
def client(tiny_cascade, tiny_artifact, tmp_path):
    """A server that has every metric: of stages, of a split, and of records."""
    settings = ServeSettings(split="old=100,new=0", shadow="new", shadow_max_texts=1, record=tmp_path / "records")
    models = [
        ModelSpec(path, name).serve(textwright.load(path, num_threads=1), settings)
        for name, path in (("old", tiny_cascade), ("new", tiny_artifact))
    ]
    with TestClient(create_app(ModelRegistry(models), settings)) as client:
        yield client


@pytest.fixture
def samples(client):
    """Sample name -> its labels, after requests of each kind."""
    client.post("/v1/predict", json={"texts": ["good", "bad " * 17]})
    client.get("/unknown")
    client.app.state.recorder.close()
    client.get("/healthz")  # metrics are written after an answer is sent, and before the next one
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {sample.name: set(sample.labels) for family in families for sample in family.samples}


@pytest.mark.parametrize("query", QUERIES + VARIABLES)
def test_every_query_names_metrics_and_labels_that_exist(samples, query):
    names = re.findall(r"textwright_\w+", query)
    assert names
    labels = set().union(*(samples[name] for name in names))
    selectors = re.findall(r'(\w+)(?:=~|!~|!=|=)"', query)
    groups = [label.strip() for group in re.findall(r"(?:by|on) \(([^)]*)\)", query) for label in group.split(",")]
    assert set(selectors) | set(groups) <= labels


def test_every_metric_is_shown(samples):
    names = re.findall(r"textwright_\w+", " ".join(QUERIES))
    asked = {re.sub(r"_(bucket|sum|count)$", "", name) for name in names}
    told = {re.sub(r"_(bucket|sum|count|created)$", "", name) for name in samples}
    assert {re.sub("_total$", "", name) for name in asked} == {re.sub("_total$", "", name) for name in told}


def test_panels_lie_beside_each_other():
    cells = [
        (x, y)
        for panel in DASHBOARD["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
