"""What the templates promise, resource by resource: no emulator of AWS looks at these."""

from __future__ import annotations

import json

import pytest

from textwright.deploy.cloud import templates
from textwright.deploy.cloud.templates import resolve
from textwright.deploy.targets.ec2 import server_template

COMMON = {"Name": "demo", "Image": "r/textwright/demo@sha256:1", "RepositoryName": "textwright/demo", "Vpc": "vpc-1"}
SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:keys-abcdef"


def server(profile, **parameters):
    values = {**COMMON, "Subnets": "subnet-a,subnet-b", **parameters}
    return resolve(templates.parse(server_template(profile)), values)


def function(**parameters):
    values = {"Name": "demo", "CodeBucket": "b", "CodeKey": "k", **parameters}
    return resolve(templates.parse(templates.read("function.yaml")), values)


def statements(resources):
    for item in resources.values():
        for policy in item.get("Properties", {}).get("Policies", []):
            yield from policy["PolicyDocument"]["Statement"]


@pytest.mark.parametrize("profile", ["single", "balanced"])
def test_a_server_may_do_no_more_than_it_must(profile):
    allowed = {}
    for statement in statements(server(profile, ApiKeysSecret=SECRET)["Resources"]):
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        allowed.update(dict.fromkeys(actions, json.dumps(statement["Resource"])))
    assert set(allowed) == {
        "ecr:GetAuthorizationToken",
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "cloudformation:SignalResource",
        "secretsmanager:GetSecretValue",
        "ssm:UpdateInstanceInformation",
        "ssmmessages:CreateControlChannel",
        "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel",
        "ssmmessages:OpenDataChannel",
    }
    assert allowed["ecr:BatchGetImage"].endswith(':repository/textwright/demo"}')
    assert allowed["logs:PutLogEvents"] == '{"Fn::GetAtt": ["LogGroup", "Arn"]}'
    assert allowed["secretsmanager:GetSecretValue"] == f'"{SECRET}"'
    assert {action for action, resource in allowed.items() if resource == '"*"'} == {
        "ecr:GetAuthorizationToken",
        *(action for action in allowed if action.startswith("ssm")),
    }


@pytest.mark.parametrize("profile", ["single", "balanced"])
def test_without_keys_no_secret_may_be_read(profile):
    assert "secretsmanager" not in json.dumps(list(statements(server(profile)["Resources"])))


@pytest.mark.parametrize("profile", ["single", "balanced"])
def test_an_instance_is_closed(profile):
    resources = server(profile)["Resources"]
    data = resources["LaunchTemplate"]["Properties"]["LaunchTemplateData"]
    assert data["MetadataOptions"] == {"HttpTokens": "required", "HttpPutResponseHopLimit": 1}
    assert all(item["Ebs"]["Encrypted"] for item in data["BlockDeviceMappings"])
    assert all(item["Ebs"]["DeleteOnTermination"] for item in data["BlockDeviceMappings"])
    assert all(item["DeleteOnTermination"] for item in data["NetworkInterfaces"])
    assert "KeyName" not in data
    rules = [rule for item in resources.values() for rule in item.get("Properties", {}).get("SecurityGroupIngress", [])]
    assert 22 not in {port for rule in rules for port in range(rule["FromPort"], rule["ToPort"] + 1)}
    assert resources["ServerGroup"]["Properties"]["SecurityGroupEgress"][0]["ToPort"] == 443


def test_servers_behind_a_load_balancer_are_reached_through_it_alone():
    resources = server("balanced", AllowFrom="192.0.2.0/24")["Resources"]
    (rule,) = resources["ServerGroup"]["Properties"]["SecurityGroupIngress"]
    assert rule["SourceSecurityGroupId"] == {"Ref": "LoadBalancerGroup"}
    outer = resources["LoadBalancerGroup"]["Properties"]["SecurityGroupIngress"]
    assert {item["CidrIp"] for item in outer} == {"192.0.2.0/24"}


def test_a_group_replaces_one_at_a_time_and_only_by_healthy_ones():
    group = server("balanced", MinInstances="3")["Resources"]["Group"]
    rolling = group["UpdatePolicy"]["AutoScalingRollingUpdate"]
    assert rolling["WaitOnResourceSignals"] is True
    assert (rolling["MinInstancesInService"], rolling["MaxBatchSize"]) == ("3", 1)
    assert group["CreationPolicy"]["ResourceSignal"]["Count"] == "3"
    assert group["Properties"]["HealthCheckType"] == "ELB"
    assert len(group["Properties"]["VPCZoneIdentifier"]) == 2


def test_it_scales_on_processors_and_on_requests():
    resources = server("balanced", CpuPercent="50", RequestsPerMinute="900")["Resources"]
    tracked = {
        item["Properties"]["TargetTrackingConfiguration"]["PredefinedMetricSpecification"][
            "PredefinedMetricType"
        ]: item["Properties"]["TargetTrackingConfiguration"]["TargetValue"]
        for item in resources.values()
        if item["Type"] == "AWS::AutoScaling::ScalingPolicy"
    }
    assert tracked == {"ASGAverageCPUUtilization": "50", "ALBRequestCountPerTarget": "900"}


def test_a_certificate_leaves_http_only_to_redirect():
    resources = server("balanced", Certificate="arn:aws:acm:x", Domain="api.example.org")["Resources"]
    assert resources["HttpListener"]["Properties"]["DefaultActions"][0]["Type"] == "redirect"
    assert resources["HttpsListener"]["Properties"]["SslPolicy"].startswith("ELBSecurityPolicy-TLS13-1-2")
    assert "HttpsListener" not in server("balanced")["Resources"]


def test_a_single_instance_gets_the_address_only_when_it_is_healthy():
    resources = server("single")["Resources"]
    assert resources["Instance"]["CreationPolicy"]["ResourceSignal"]["Count"] == 1
    assert resources["PublicAddressOfInstance"]["Properties"]["InstanceId"] == {"Ref": "Instance"}
    kinds = {item["Type"] for item in resources.values()}
    assert not {kind for kind in kinds if "ElasticLoadBalancing" in kind or "AutoScaling" in kind}


@pytest.mark.parametrize("profile", ["single", "balanced"])
def test_the_start_up_script_stands_in_the_template_as_it_is_and_holds_no_secret(profile):
    data = server(profile, ApiKeysSecret=SECRET)["Resources"]["LaunchTemplate"]["Properties"]["LaunchTemplateData"]
    head, body = data["UserData"]["Fn::Base64"]["Fn::Join"][1]
    assert body == templates.read("user-data.sh")
    assert len(body) + len(json.dumps(head)) < 16_384, "EC2 takes no longer scripts"
    assert f"SECRET='{SECRET}'" in head["Fn::Sub"]


def test_a_function_may_write_its_log_and_nothing_else():
    (statement,) = statements(function()["Resources"])
    assert statement["Resource"] == {"Fn::GetAtt": ["LogGroup", "Arn"]}
    actions = {
        action
        for item in statements(function(KeepFailedEvents="true")["Resources"])
        for action in [item["Action"]]
        if isinstance(action, str)
    }
    assert actions == {"sqs:SendMessage"}


def test_nothing_has_an_address_before_a_version_is_live():
    kinds = {item["Type"] for item in function()["Resources"].values()}
    assert not kinds & {"AWS::Lambda::Url", "AWS::Lambda::Alias", "AWS::Lambda::Permission"}
    live = function(LiveVersion="1")["Resources"]
    assert live["Url"]["Properties"]["AuthType"] == "AWS_IAM"
    assert "UrlPermission" not in live, "IAM decides"


def test_a_public_address_has_both_permissions_and_only_through_the_address():
    live = function(LiveVersion="1", Auth="open")["Resources"]
    assert live["Url"]["Properties"]["AuthType"] == "NONE"
    assert live["UrlPermission"]["Properties"]["FunctionUrlAuthType"] == "NONE"
    assert live["InvokePermission"]["Properties"]["InvokedViaFunctionUrl"] is True


def test_a_shift_weighs_the_new_version():
    live = function(LiveVersion="1", NewVersion="2", NewWeight="0.1")["Resources"]["Live"]["Properties"]
    assert live["FunctionVersion"] == "1"
    assert live["RoutingConfig"]["AdditionalVersionWeights"] == [{"FunctionVersion": "2", "FunctionWeight": "0.1"}]
    assert "RoutingConfig" not in function(LiveVersion="1")["Resources"]["Live"]["Properties"]


def test_the_choices_of_a_function():
    properties = function(UseSnapStart="true", ReservedConcurrency="7")["Resources"]["Function"]["Properties"]
    assert properties["SnapStart"] == {"ApplyOn": "PublishedVersions"}
    assert properties["ReservedConcurrentExecutions"] == "7"
    assert properties["Architectures"] == ["x86_64"]
    live = function(LiveVersion="1", ProvisionedConcurrency="2")["Resources"]["Live"]["Properties"]
    assert live["ProvisionedConcurrencyConfig"] == {"ProvisionedConcurrentExecutions": "2"}
    image = function(Image="r@sha256:1", CodeBucket="", CodeKey="")["Resources"]["Function"]["Properties"]
    assert (image["PackageType"], image["Code"]) == ("Image", {"ImageUri": "r@sha256:1"})
    assert not {"Runtime", "Handler"} & set(image)


def test_a_base_path_reaches_the_function():
    def variables(**values):
        return function(**values)["Resources"]["Function"]["Properties"]["Environment"]["Variables"]

    assert variables(BasePath="/sentiment")["TEXTWRIGHT_LAMBDA_BASE_PATH"] == "/sentiment"
    assert "TEXTWRIGHT_LAMBDA_BASE_PATH" not in variables()


def test_a_function_names_the_version_of_its_secret():
    def reference(version):
        values = {"Auth": "key", "ApiKeysSecret": SECRET, "ApiKeysVersion": version}
        environment = function(**values)["Resources"]["Function"]["Properties"]["Environment"]
        return environment["Variables"]["TEXTWRIGHT_LAMBDA_API_KEYS"]

    assert reference("v1") == f"{{{{resolve:secretsmanager:{SECRET}:SecretString:::v1}}}}"
    assert reference("v2") != reference("v1"), "CloudFormation sees no change otherwise"


def test_logs_end_and_go_with_the_stack():
    for resources in (function(LogDays="7")["Resources"], server("single", LogDays="7")["Resources"]):
        assert resources["LogGroup"]["Properties"]["RetentionInDays"] == "7"
        assert resources["LogGroup"]["DeletionPolicy"] == "Delete"


def test_every_alarm_tells_somebody_when_there_is_somebody():
    for make in (function, lambda **given: server("single", **given), lambda **given: server("balanced", **given)):
        alarms = [item for item in make(AlarmEmail="me@example.org")["Resources"].values() if "Alarm" in item["Type"]]
        assert alarms
        assert all(item["Properties"]["AlarmActions"] == [{"Ref": "AlarmTopic"}] for item in alarms)
        silent = [item for item in make()["Resources"].values() if "Alarm" in item["Type"]]
        assert not any("AlarmActions" in item["Properties"] for item in silent)


def test_every_waiver_has_a_reason():
    for text in (
        *map(server_template, ("single", "balanced")),
        *map(templates.read, ("function.yaml", "store-zip.yaml", "store-image.yaml")),
    ):
        for item in templates.parse(text)["Resources"].values():
            for waiver in item.get("Metadata", {}).get("checkov", {}).get("skip", []):
                assert len(waiver["comment"]) > 30
