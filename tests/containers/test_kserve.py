"""The manifest for KServe in the docs: its container is valid Kubernetes, and its probe asks for a route there is."""

from __future__ import annotations

import re
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from starlette.testclient import TestClient

from textwright.runtime.loading import load
from textwright.server.app import create_app
from textwright.server.settings import ServeSettings

pytestmark = pytest.mark.containers
PAGE = Path(__file__).parents[2] / "docs" / "operations" / "bulk-scoring.md"


def test_the_container_is_valid_and_its_probe_is_a_route(tiny_artifact):
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    service, runtime = yaml.safe_load_all(block)
    assert service["spec"]["predictor"]["model"]["runtime"] == runtime["metadata"]["name"]
    assert service["spec"]["predictor"]["model"]["protocolVersion"] in runtime["spec"]["protocolVersions"]
    names = {item["name"] for item in runtime["spec"]["supportedModelFormats"]}
    assert service["spec"]["predictor"]["model"]["modelFormat"]["name"] in names
    containers = runtime["spec"]["containers"]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": containers}}
    kubernetes_validate.validate(pod, "1.33", strict=True)
    (container,) = containers
    assert container["name"] == "kserve-container"
    with TestClient(create_app(load(tiny_artifact), ServeSettings())) as client:
        assert client.get(container["readinessProbe"]["httpGet"]["path"]).status_code == 200
