"""Instances whose start-up script really runs; the registry that images really go to."""

from __future__ import annotations

import base64
import os
import subprocess
from pathlib import Path

import requests
from moto.autoscaling import models as groups
from moto.ec2.models.elastic_ip_addresses import ElasticAddress
from moto.ecr import models as ecr
from moto.elbv2 import models as elbv2

from emulator import engine
from emulator.types import Made, client

WORK = REGISTRY = None
# What the script writes into /etc and /usr/local stays in the rehearsal's folder.
_OVERLAID = """set -e
mount --types overlay overlay --options lowerdir=/etc,upperdir=etc/new,workdir=etc/work /etc
mount --types overlay overlay --options lowerdir=/usr/local,upperdir=local/new,workdir=local/work /usr/local
exec bash -x user-data"""
SHIMS = Path(__file__).parent / "shims"
RUNS = {}


def install(work, registry):
    global WORK, REGISTRY
    WORK, REGISTRY = work, registry
    _registry()
    _balancer()
    _group()
    # Where the real container of the rehearsal answers.
    ElasticAddress.physical_resource_id = property(lambda _: f"127.0.0.1:{os.environ['SERVER_PORT']}")
    ElasticAddress.delete = lambda self, account_id, region_name: client("ec2").release_address(
        AllocationId=self.allocation_id
    )


def _registry():
    original = ecr.Repository.__init__

    def init(self, *args, **keywords):
        original(self, *args, **keywords)
        self.uri = f"{REGISTRY}/{self.name}"

    ecr.Repository.__init__ = init

    def describe_images(self, repository_name, registry_id=None, image_ids=None, *args, **keywords):
        tag = (image_ids or [{}])[0].get("imageTag")
        accept = "application/vnd.docker.distribution.manifest.v2+json"
        found = requests.head(
            f"http://{REGISTRY}/v2/{repository_name}/manifests/{tag}", headers={"accept": accept}, timeout=10
        )
        if found.status_code == 200:
            return [_Image(repository_name, tag, found.headers["docker-content-digest"])]
        raise ecr.ImageNotFoundException(image_id=str(image_ids), repository_name=repository_name, registry_id="1")

    ecr.ECRBackend.describe_images = describe_images


class _Image:
    """An image as moto's answers read it."""

    def __init__(self, repository, tag, digest):
        self.registry_id, self.repository_name = "123456789012", repository
        self.image_digest, self.image_tags = digest, [tag]


def _balancer():
    balancer, group = elbv2.FakeLoadBalancer, elbv2.FakeTargetGroup
    original = balancer.get_cfn_attribute

    def attribute(self, name):
        if name == "LoadBalancerFullName":
            return self.arn.partition("loadbalancer/")[2]
        if name == "DNSName":
            # Where the real container of the rehearsal answers.
            return f"127.0.0.1:{os.environ['SERVER_PORT']}"
        return original(self, name)

    balancer.get_cfn_attribute = attribute
    group.has_cfn_attr = classmethod(lambda cls, name: True)
    group.get_cfn_attribute = lambda self, name: self.arn.rpartition(":")[2]
    # moto has no way to delete these two with their stack.
    group.delete = lambda self, *_: client("elbv2").delete_target_group(TargetGroupArn=self.arn)
    elbv2.FakeListener.delete = lambda self, *_: client("elbv2").delete_listener(ListenerArn=self.arn)


def _group():
    """A group's first instance runs its script for real; the others are taken for the same."""
    kind = groups.FakeAutoScalingGroup
    create, update = kind.create_from_cloudformation_json.__func__, kind.update_from_cloudformation_json.__func__

    def created(cls, resource_name, cloudformation_json, account_id, region_name, **keywords):
        properties = cloudformation_json["Properties"]
        _boot(properties["LaunchTemplate"], "Group", resource_name)
        return create(cls, resource_name, cloudformation_json, account_id, region_name, **keywords)

    def updated(cls, original_resource, new_resource_name, cloudformation_json, account_id, region_name):
        _boot(cloudformation_json["Properties"]["LaunchTemplate"], "Group", original_resource.name)
        backend = groups.autoscaling_backends[account_id][region_name]
        template = cloudformation_json["Properties"]["LaunchTemplate"]
        client("autoscaling").update_auto_scaling_group(
            AutoScalingGroupName=original_resource.name,
            LaunchTemplate=template,
            MinSize=int(cloudformation_json["Properties"]["MinSize"]),
            MaxSize=int(cloudformation_json["Properties"]["MaxSize"]),
        )
        return backend.autoscaling_groups[original_resource.name]

    del update
    kind.create_from_cloudformation_json = classmethod(created)
    kind.update_from_cloudformation_json = classmethod(updated)
    delete = kind.delete

    def deleted(self, account_id, region_name):
        _end(self.name)
        interfaces = _interfaces([state.instance.id for state in self.instance_states])
        delete(self, account_id, region_name)
        _delete_interfaces(interfaces)

    kind.delete = deleted


def _boot(template, resource, owner):
    """Run a launch template's script as an instance would, and wait for its word."""
    found = client("ec2").describe_launch_template_versions(
        LaunchTemplateId=template["LaunchTemplateId"], Versions=[str(template["Version"])]
    )
    data = found["LaunchTemplateVersions"][0]["LaunchTemplateData"]
    script = base64.b64decode(data["UserData"]).decode()
    instance = f"i-{os.urandom(8).hex()}"
    home = WORK / "machines" / instance
    for part in ("etc", "local"):
        (home / part / "new").mkdir(parents=True)
        (home / part / "work").mkdir()
    (home / "user-data").write_text(script)
    environment = {
        **{key: value for key, value in os.environ.items() if key.startswith("AWS_")},
        "PATH": f"{SHIMS}:{Path(os.sys.executable).parent}:{os.defpath}",
        "DOCKER_HOST": os.environ["DOCKER_HOST"],
        "REHEARSAL_INSTANCE": instance,
        "REHEARSAL_HOME": str(home),
        "REHEARSAL_PORT": os.environ["SERVER_PORT"],
    }
    # The machine before gives its port away: this one machine plays all of them.
    for other in list(RUNS):
        _end(other)
    with (home / "log").open("w") as log:
        done = subprocess.run(
            ["unshare", "--mount", "bash", "-c", _OVERLAID],
            env=environment,
            stdout=log,
            stderr=log,
            cwd=home,
            check=False,
        )
    RUNS[owner] = (instance, environment)
    word = engine.SIGNALS.get((resource, instance))
    if word != "SUCCESS":
        _end(owner)
        raise ValueError(f"Received {word or 'no'} signal from {instance} (exit status {done.returncode})")


def _end(owner):
    if owner in RUNS:
        instance, environment = RUNS.pop(owner)
        name = f"textwright-{instance}"
        subprocess.run(["/usr/bin/docker", "rm", "--force", name], env=environment, check=False, capture_output=True)


class Instance(Made):
    """Of a launch template; another version of it makes another instance, as CloudFormation replaces it."""

    kind = "AWS::EC2::Instance"

    def make(self, properties):
        template = properties["LaunchTemplate"]
        made = client("ec2").run_instances(LaunchTemplate=template, MinCount=1, MaxCount=1)["Instances"][0]
        new, old = made["InstanceId"], self.name if self.name.startswith("i-") else None
        try:
            _boot(template, "Instance", "single")
        except ValueError:
            _terminate(new)
            raise
        self.name = new
        if old:
            _terminate(old)

    def remove(self):
        _end("single")
        _terminate(self.name)


def _terminate(instance):
    interfaces = _interfaces([instance])
    client("ec2").terminate_instances(InstanceIds=[instance])
    _delete_interfaces(interfaces)


def _interfaces(instances):
    """Name the network interfaces that end with their instances: the template marks them so, and moto does not look."""
    if not instances:
        return set()
    ec2 = client("ec2")
    filters = [{"Name": "attachment.instance-id", "Values": instances}]
    found = ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
    described = ec2.describe_instances(InstanceIds=instances)["Reservations"]
    own = [part for each in described for item in each["Instances"] for part in item.get("NetworkInterfaces", [])]
    return {item["NetworkInterfaceId"] for item in [*found, *own]}


def _delete_interfaces(names):
    ec2 = client("ec2")
    left = {item["NetworkInterfaceId"] for item in ec2.describe_network_interfaces()["NetworkInterfaces"]}
    for name in sorted(names & left):
        ec2.delete_network_interface(NetworkInterfaceId=name)
