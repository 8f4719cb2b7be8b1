"""Names for each target, against the grammar that the target itself publishes."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textwright.deploy.cloud import templates
from textwright.deploy.cloud.settings import DeploymentSettings
from textwright.deploy.names import name_for, tag_value_for
from textwright.deploy.targets.ec2 import server_template

MODELS = st.one_of(st.text(max_size=120), st.from_regex(r"[0-9a-zA-Z._ -]{1,120}", fullmatch=True))
REPOSITORY = re.compile(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*")
"""OCI Distribution Specification: one component of a repository's name."""
ECR = re.compile(r"(?=.{2,256}$)((?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*)")
SERVICE = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
"""Kubernetes: DNS-1035 label, which a Service's name is."""
SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
STACK = re.compile(r"[a-zA-Z][-a-zA-Z0-9]{0,127}")
FUNCTION = re.compile(r"[a-zA-Z0-9-_]{1,64}")
LOG_GROUP = re.compile(r"[.\-_/#A-Za-z0-9]{1,512}")
METRIC_NAMESPACE = re.compile(r"[0-9A-Za-z._/#: -]{1,255}")


@given(MODELS)
def test_an_image_is_named_as_registries_allow(model):
    name = name_for("image", model)
    assert REPOSITORY.fullmatch(name)
    assert len(name) <= 50


@given(MODELS)
def test_what_runs_in_a_cluster_is_named_as_kubernetes_allows(model):
    name = name_for("kubernetes", model)
    assert SERVICE.fullmatch(name)
    assert SUBDOMAIN.fullmatch(name)
    assert LABEL_VALUE.fullmatch(name)
    assert len(name) <= 63 - len("-7d4b9c6f5d-x2x2x"), "a pod's name is a label too"


@given(MODELS)
def test_a_deployment_is_named_as_aws_allows_for_all_that_bears_its_name(model):
    name = name_for("deployment", model)
    assert DeploymentSettings(name=name).name == name
    assert ECR.fullmatch(f"textwright/{name}")
    assert FUNCTION.fullmatch(f"textwright-{name}")
    assert LOG_GROUP.fullmatch(f"/textwright/{name}")
    assert METRIC_NAMESPACE.fullmatch(f"Textwright/{name}")
    assert all(STACK.fullmatch(f"textwright-{name}{part}") for part in ("", "-images", "-zips"))
    assert len(name) <= 40


@pytest.mark.parametrize("template", ["function.yaml", "store-image.yaml", "server.yaml.j2"])
@given(model=MODELS)
def test_each_template_takes_the_name_of_a_deployment(template, model):
    slot = SLOTS[template]
    name = name_for("deployment", model)
    assert re.fullmatch(slot["AllowedPattern"], name)
    assert len(name) <= slot["MaxLength"]


@pytest.mark.parametrize(
    ("model", "image", "kubernetes", "deployment"),
    [
        ("20news", "20news", "model-20news", "model-20news"),
        ("Movie Reviews_bow", "movie-reviews-bow", "movie-reviews-bow", "movie-reviews-bow"),
        ("...", "textwright", "textwright", "textwright"),
        ("отзывы", "textwright", "textwright", "textwright"),
        (f"{'a' * 49}-b", "a" * 49, "a" * 49, "a" * 40),
        (f"{'a' * 39}-b", f"{'a' * 39}-b", f"{'a' * 39}-b", "a" * 39),
    ],
)
def test_names_of_models_that_people_have(model, image, kubernetes, deployment):
    assert [name_for(target, model) for target in ("image", "kubernetes", "deployment")] == [
        image,
        kubernetes,
        deployment,
    ]


@given(MODELS)
def test_a_tag_takes_any_model(model):
    value = tag_value_for(model)
    assert re.fullmatch(r"[A-Za-z0-9 _.:/=+\-@]{0,256}", value)
    assert tag_value_for(value) == value


@pytest.mark.parametrize("name", ["20news", "demo-", "a--b", "Demo", "a" * 41, ""])
def test_a_name_that_would_be_refused_by_aws_is_refused_before(name):
    with pytest.raises(ValueError, match="name"):
        DeploymentSettings(name=name)


def _slot(template: str) -> dict[str, object]:
    text = server_template("single") if template.startswith("server") else templates.read(template)
    return templates.parse(text)["Parameters"]["Name"]


SLOTS = {name: _slot(name) for name in ("function.yaml", "store-image.yaml", "server.yaml.j2")}
