"""What is priced is what the templates create: counted in each template, with every choice switched on."""

from __future__ import annotations

import io
import re

import pytest

from textwright.api.record import METRICS, RequestRecord
from textwright.deploy.cloud import templates
from textwright.deploy.cloud.templates import resolve
from textwright.deploy.cost_estimate.plans import METRICS_OF_DETAILED_MONITORING
from textwright.deploy.targets import aws_lambda, ec2
from textwright.deploy.targets.aws_lambda import FUNCTION_LOG_BYTES, FunctionSettings, LambdaDeployer
from textwright.deploy.targets.ec2 import ALARMS_OF_A_SCALING_POLICY, Ec2Deployer, Ec2Settings, server_template
from textwright.serverless.logs import Log

COUNTED = {
    "AWS::AutoScaling::AutoScalingGroup",
    "AWS::AutoScaling::ScalingPolicy",
    "AWS::CloudWatch::Alarm",
    "AWS::EC2::EIP",
    "AWS::EC2::Instance",
    "AWS::EC2::LaunchTemplate",
    "AWS::ECR::Repository",
    "AWS::ElasticLoadBalancingV2::LoadBalancer",
    "AWS::Lambda::Alias",
    "AWS::Lambda::Function",
    "AWS::Logs::LogGroup",
    "AWS::Logs::MetricFilter",
    "AWS::S3::Bucket",
}
COST_NOTHING = {
    "AWS::EC2::EIPAssociation",
    "AWS::EC2::SecurityGroup",
    "AWS::ElasticLoadBalancingV2::Listener",
    "AWS::ElasticLoadBalancingV2::TargetGroup",
    "AWS::IAM::InstanceProfile",
    "AWS::IAM::Role",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::Permission",
    "AWS::Lambda::Url",
    "AWS::S3::BucketPolicy",
    # By the request, and a failed event or an alarm is rare.
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
}


def resources(text, **parameters):
    return list(resolve(templates.parse(text), {"Name": "demo", **parameters})["Resources"].values())


def function(**parameters):
    return resources(templates.read("function.yaml"), LiveVersion="1", **parameters)


def server(profile, **parameters):
    return resources(server_template(profile), Subnets="a,b", **parameters)


EVERYTHING = {
    "function": function(
        Auth="key", ApiKeysSecret="arn", ApiKeysVersion="v", KeepFailedEvents="true", AlarmEmail="me@example.org"
    ),
    "single": server("single", AlarmEmail="me@example.org"),
    "balanced": server("balanced", AlarmEmail="me@example.org", Certificate="arn", Domain="api.example.org"),
    "store-zip": resources(templates.read("store-zip.yaml")),
    "store-image": resources(templates.read("store-image.yaml")),
}


def num_alarms(items):
    own = sum(item["Type"] == "AWS::CloudWatch::Alarm" for item in items)
    tracking = [item for item in items if item["Type"] == "AWS::AutoScaling::ScalingPolicy"]
    assert all(item["Properties"]["PolicyType"] == "TargetTrackingScaling" for item in tracking)
    return own + ALARMS_OF_A_SCALING_POLICY * len(tracking)


def num_filter_metrics(items):
    filters = [item["Properties"] for item in items if item["Type"] == "AWS::Logs::MetricFilter"]
    assert not any("Dimensions" in shape for item in filters for shape in item["MetricTransformations"])
    return sum(len(item["MetricTransformations"]) for item in filters)


@pytest.mark.parametrize("template", EVERYTHING)
def test_every_type_of_resource_is_counted_or_costs_nothing(template):
    assert {item["Type"] for item in EVERYTHING[template]} <= COUNTED | COST_NOTHING


@pytest.mark.parametrize("profile", ["single", "balanced"])
def test_what_is_counted_for_servers_is_in_their_template(profile):
    items, created = EVERYTHING[profile], ec2.CREATED[profile]
    assert (created.num_alarms, created.num_metrics) == (num_alarms(items), num_filter_metrics(items))
    (launched,) = [item["Properties"]["LaunchTemplateData"] for item in items if "LaunchTemplateData" in str(item)]
    assert created.has_detailed_monitoring == launched["Monitoring"]["Enabled"]
    assert created.disk_gib == sum(item["Ebs"]["VolumeSize"] for item in launched["BlockDeviceMappings"])
    (minutes,) = re.findall(r"OnUnitActiveSec=(\d+)min", templates.read("user-data.sh"))
    assert created.secret_reads_per_hour == 60 / int(minutes)


def test_what_is_counted_for_a_function_is_in_its_template_and_in_its_log():
    stream = io.StringIO()
    record = RequestRecord("8f5f2c1e-0000-0000-0000-000000000000", "POST", "reviews@0123456789ab", cold_start=0)
    record.path, record.status, record.num_texts, record.num_tokens, record.truncated = "/v1/predict", 200, 1, 32, 0
    record.tokenize_ms, record.infer_ms, record.total_ms = 0.123, 12.345, 12.999
    Log(stream).request(record, "reviews")
    assert aws_lambda.CREATED.num_alarms == num_alarms(EVERYTHING["function"])
    assert aws_lambda.CREATED.num_metrics == num_filter_metrics(EVERYTHING["function"]) + len(METRICS)
    assert all(f'"Name":"{name}"' in stream.getvalue() for name in METRICS)
    assert len(stream.getvalue()) == pytest.approx(FUNCTION_LOG_BYTES, rel=0.1)


def line(lines, name):
    (found,) = [it for it in lines if f"  {name}: " in it]
    return float(found.split()[0]), found


def test_the_plan_of_a_function_counts_all_metrics():
    lines = LambdaDeployer().costs(FunctionSettings(), None)
    assert line(lines, "metrics")[0] == pytest.approx(0.30 * (1 + len(METRICS)))
    assert line(lines, "alarms")[0] == pytest.approx(0.30)


@pytest.mark.parametrize(("profile", "instances", "alarms"), [("single", 1, 2), ("balanced", 2, 6)])
def test_the_plan_of_servers_counts_detailed_monitoring_and_alarms(profile, instances, alarms):
    lines = Ec2Deployer().costs(Ec2Settings(profile=profile, api_keys_secret="keys"), None)
    monitoring, words = line(lines, "detailed monitoring")
    assert monitoring == pytest.approx(0.30 * METRICS_OF_DETAILED_MONITORING * instances)
    assert f"{7 * instances} metrics" in words
    assert line(lines, "alarms")[0] == pytest.approx(0.10 * alarms)
    assert line(lines, "secrets, read")[0] == pytest.approx(0.05 * 12 * 730 * instances / 1e4, abs=0.005)
