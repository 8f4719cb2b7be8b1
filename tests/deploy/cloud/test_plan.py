"""Plans without an account: what would be made, the files to review, and choices that exclude each other."""

from __future__ import annotations

import json
import re

import pytest

from textwright.core import artifact as artifacts
from textwright.deploy.cloud import templates
from textwright.deploy.cloud.common import DeployRequest
from textwright.deploy.cloud.plan import StackPlan, compare
from textwright.deploy.cloud.settings import DeploymentSettings
from textwright.deploy.cloud.stack import StackState
from textwright.deploy.names import name_for
from textwright.deploy.package.settings import ImageSettings
from textwright.deploy.targets.aws_lambda import FunctionSettings, LambdaDeployer
from textwright.deploy.targets.ec2 import Ec2Deployer, Ec2Settings, server_template
from textwright.errors import CloudAccessError, NotFoundError, SettingsError


def deploy(artifact, deployment, settings, image=None):
    deployer = Ec2Deployer() if isinstance(settings, Ec2Settings) else LambdaDeployer()
    request = DeployRequest(artifacts.read(artifact), deployment, settings, image or ImageSettings(), lambda _: None)
    return deployer.apply(request) if deployment.apply else deployer.plan(request)


@pytest.fixture
def plan(tiny_artifact, tmp_path):
    def make(settings, **deployment):
        return deploy(tiny_artifact, DeploymentSettings(out=tmp_path / "review", **deployment), settings)

    return make


def test_a_plan_without_an_account_lists_everything_and_says_so(plan):
    made = plan(FunctionSettings())
    assert {item.action for item in made.changes} == {"create"}
    assert "no AWS credentials" in made.notes[0]
    assert json.loads(json.dumps(made.to_json()))["changes"][0]["action"] == "create"


@pytest.mark.parametrize("settings", [FunctionSettings(), Ec2Settings()])
@pytest.mark.parametrize("model", ["20news", f"{'a' * 39}-b", "отзывы (1)", "a" * 200])
def test_any_model_can_be_deployed_whatever_its_name(make_artifact, tmp_path, settings, model):
    made = deploy(make_artifact(model), DeploymentSettings(out=tmp_path / "review"), settings)
    assert made.name == name_for("deployment", model)
    assert re.fullmatch(r"[A-Za-z0-9 _.:/=+\-@]{1,256}", made.model)
    assert made.model.endswith("/fp32")


@pytest.mark.parametrize("profile", ["single", "balanced"])
def test_the_files_to_review_are_those_that_are_applied(plan, profile):
    made = plan(Ec2Settings(profile=profile))
    names = {path.name: path for path in made.files}
    assert names["server.yaml"].read_text() == server_template(profile)
    assert names["user-data.sh"].read_text() == templates.read("user-data.sh")
    assert "pull-one-repository.json" in names
    given = {item["ParameterKey"] for item in json.loads(names["server.parameters.json"].read_text())}
    assert given <= set(templates.parse(names["server.yaml"].read_text())["Parameters"])


def test_an_open_server_is_told(plan):
    notes = " ".join(plan(Ec2Settings()).notes)
    assert "everybody on the internet may ask" in notes
    assert "--apply asks for a choice" in notes
    assert "unencrypted" in notes
    assert "(--public)" in plan(Ec2Settings(public=True)).notes[1]
    guarded = Ec2Settings(allow_from="192.0.2.0/24", certificate="arn:aws:acm:x", domain="api.example.org")
    assert len(plan(guarded).notes) == 1


def test_servers_are_open_to_all_only_if_somebody_says_so(plan):
    with pytest.raises(SettingsError, match="everybody on the internet could ask"):
        plan(Ec2Settings(), apply=True)
    for settings in (
        Ec2Settings(public=True),
        Ec2Settings(api_keys_secret="k"),
        Ec2Settings(allow_from="192.0.2.0/24"),
    ):
        with pytest.raises(CloudAccessError, match="no AWS credentials"):
            plan(settings, apply=True)


def test_a_plan_says_what_a_month_costs_and_how_it_comes_about(plan):
    costs = plan(Ec2Settings(profile="single", requests_per_day=1000)).costs
    assert "at 1,000 requests a day" in costs[0]
    assert any("t3.small x 730 hours x $0.0208" in line for line in costs)
    assert any("excluded" in line for line in costs)
    assert any("GB-seconds" in line for line in plan(FunctionSettings()).costs)
    assert "no estimate" in plan(Ec2Settings(instance_type="x9.large")).costs[0]


def test_to_apply_an_account_is_needed(plan):
    with pytest.raises(CloudAccessError, match="no AWS credentials"):
        plan(FunctionSettings(), apply=True)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (FunctionSettings(snap_start=True, package="image"), "no snapshots of images"),
        (FunctionSettings(snap_start=True, provisioned_concurrency=1), "exclude each other"),
        (FunctionSettings(auth="key"), "needs --api-keys-secret"),
        (FunctionSettings(auth="open", api_keys_secret="keys"), "--auth key asks for the keys"),
        (Ec2Settings(profile="single", certificate="arn", domain="x"), "belong to a load balancer"),
        (Ec2Settings(public=True, api_keys_secret="keys"), "--public and --api-keys-secret exclude each other"),
        (Ec2Settings(certificate="arn"), "go together"),
        (Ec2Settings(min_instances=7), "--min-instances 7 is more than --max-instances 6"),
        (Ec2Settings(instance_type="t4g.small"), "arm64"),
        (Ec2Settings(instance_type="c7gn.large"), "arm64"),
    ],
)
def test_choices_that_exclude_each_other(plan, settings, words):
    with pytest.raises(SettingsError, match=words):
        plan(settings)


def test_a_variant_that_is_not_there(tiny_artifact):
    with pytest.raises(NotFoundError, match="int4"):
        deploy(tiny_artifact, DeploymentSettings(), FunctionSettings(), ImageSettings(variant="int4"))


class Standing:
    """A stack that is there."""

    def __init__(self, template):
        self._template = template

    def template(self):
        return self._template


def test_another_version_of_the_secret_changes_the_function():
    template = templates.read("function.yaml")
    values = {"Name": "demo", "CodeBucket": "b", "CodeKey": "k", "ApiKeysSecret": "arn:keys", "ApiKeysVersion": "v1"}
    there = StackState("id", "textwright-demo", "CREATE_COMPLETE", parameters=values)
    wanted = StackPlan(Standing(template), "function.yaml", template, {**values, "ApiKeysVersion": "v2"})
    changed = {item.resource: item.fields for item in compare(wanted, there) if item.action != "keep"}
    assert changed == {"Function": ("Environment.Variables.TEXTWRIGHT_LAMBDA_API_KEYS",)}


def test_only_what_differs_changes():
    template = templates.read("function.yaml")
    values = {"Name": "demo", "CodeBucket": "b", "CodeKey": "old.zip", "LogDays": "30"}
    there = StackState("id", "textwright-demo", "CREATE_COMPLETE", parameters=values)
    wanted = StackPlan(
        Standing(template), "function.yaml", template, {**values, "CodeKey": "new.zip", "LiveVersion": "1"}
    )
    found = {item.resource: item for item in compare(wanted, there)}
    assert found["Function"].fields == ("Code.S3Key",)
    assert found["Live"].action == found["Url"].action == "create"
    assert {item.action for name, item in found.items() if name not in {"Function", "Live", "Url"}} == {"keep"}
    back = StackPlan(Standing(template), "function.yaml", template, values)
    live = StackState("id", "textwright-demo", "CREATE_COMPLETE", parameters=dict(wanted.parameters))
    assert {item.resource for item in compare(back, live) if item.action == "remove"} == {"Live", "Url"}
