"""Resource types that moto's CloudFormation ignores, made through moto's own API of their services."""

from __future__ import annotations

import boto3
from moto.cloudformation import parsing
from moto.s3 import models as s3
from moto.core.common_models import CloudFormationModel


def client(service, region="eu-central-1"):
    return boto3.client(service, region_name=region)


class Made(CloudFormationModel):
    """A resource that was made by a call."""

    kind = ""

    def __init__(self, name, properties):
        self.name, self.properties = name, properties
        self.attributes = {}

    @classmethod
    def cloudformation_name_type(cls):
        return None

    @classmethod
    def cloudformation_type(cls):
        return cls.kind

    @classmethod
    def has_cfn_attr(cls, attr):
        return True

    @classmethod
    def create_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
        made = cls(resource_name, cloudformation_json.get("Properties", {}))
        made.json = cloudformation_json
        made.make(made.properties)
        return made

    @classmethod
    def update_from_cloudformation_json(
        cls, original_resource, new_resource_name, cloudformation_json, *args, **kwargs
    ):
        original_resource.json = cloudformation_json
        original_resource.change(cloudformation_json.get("Properties", {}))
        original_resource.properties = cloudformation_json.get("Properties", {})
        return original_resource

    @classmethod
    def delete_from_cloudformation_json(cls, *args, **kwargs):
        raise AssertionError("the resource itself is deleted")

    @property
    def physical_resource_id(self):
        return self.name

    def get_cfn_attribute(self, attribute_name):
        return self.attributes[attribute_name]

    def make(self, properties):
        raise NotImplementedError

    def change(self, properties):
        self.make(properties)

    def remove(self):
        raise NotImplementedError

    def delete(self, account_id=None, region_name=None):
        self.remove()


class Alarm(Made):
    kind = "AWS::CloudWatch::Alarm"

    def make(self, properties):
        client("cloudwatch").put_metric_alarm(AlarmName=self.name, **properties)
        found = client("cloudwatch").describe_alarms(AlarmNames=[self.name])["MetricAlarms"]
        self.attributes["Arn"] = found[0]["AlarmArn"]

    def remove(self):
        client("cloudwatch").delete_alarms(AlarmNames=[self.name])


class MetricFilter(Made):
    kind = "AWS::Logs::MetricFilter"

    def make(self, properties):
        shapes = [
            {key[0].lower() + key[1:]: value for key, value in item.items()}
            for item in properties["MetricTransformations"]
        ]
        client("logs").put_metric_filter(
            logGroupName=properties["LogGroupName"],
            filterName=self.name,
            filterPattern=properties["FilterPattern"],
            metricTransformations=shapes,
        )

    def remove(self):
        client("logs").delete_metric_filter(logGroupName=self.properties["LogGroupName"], filterName=self.name)


class BucketPolicy(Made):
    kind = "AWS::S3::BucketPolicy"

    def make(self, properties):
        import json

        client("s3").put_bucket_policy(Bucket=properties["Bucket"], Policy=json.dumps(properties["PolicyDocument"]))

    def remove(self):
        client("s3").delete_bucket_policy(Bucket=self.properties["Bucket"])


class ScalingPolicy(Made):
    kind = "AWS::AutoScaling::ScalingPolicy"

    def make(self, properties):
        client("autoscaling").put_scaling_policy(PolicyName=self.name, **properties)

    def remove(self):
        client("autoscaling").delete_policy(
            PolicyName=self.name, AutoScalingGroupName=self.properties["AutoScalingGroupName"]
        )


class EventInvokeConfig(Made):
    kind = "AWS::Lambda::EventInvokeConfig"

    def make(self, properties):
        client("lambda").put_function_event_invoke_config(
            FunctionName=properties["FunctionName"],
            MaximumRetryAttempts=properties["MaximumRetryAttempts"],
            DestinationConfig=properties["DestinationConfig"],
        )

    def remove(self):
        client("lambda").delete_function_event_invoke_config(FunctionName=self.properties["FunctionName"])


class AddressAssociation(Made):
    kind = "AWS::EC2::EIPAssociation"

    def make(self, properties):
        found = client("ec2").associate_address(**properties, AllowReassociation=True)
        self.name = found["AssociationId"]

    def remove(self):
        client("ec2").disassociate_address(AssociationId=self.name)


def install(work):
    """Make ours known beside moto's, which finds its own by their base class."""
    # The policy refuses connections without TLS, and the emulator has none: it is kept to be looked at, not obeyed.
    s3.FakeBucket.get_permission = lambda *_: None
    known = parsing.get_model_list()

    def both():
        return [item for item in known if item is not Made] + Made.__subclasses__()

    kinds = {item.cloudformation_type(): item for item in both()}
    names = {item.cloudformation_type(): item.cloudformation_name_type() for item in both()}
    parsing.get_model_list = both
    parsing.get_model_map = lambda: kinds
    parsing.get_name_type_map = lambda: names
    _bucket()


def _bucket():
    """Do what moto leaves out of a bucket."""
    create = s3.FakeBucket.create_from_cloudformation_json.__func__

    def created(cls, resource_name, cloudformation_json, account_id, region_name, **keywords):
        made = create(cls, resource_name, cloudformation_json, account_id, region_name, **keywords)
        properties = cloudformation_json["Properties"]
        client("s3").put_public_access_block(
            Bucket=made.name, PublicAccessBlockConfiguration=properties["PublicAccessBlockConfiguration"]
        )
        client("s3").put_bucket_versioning(
            Bucket=made.name, VersioningConfiguration=properties["VersioningConfiguration"]
        )
        return made

    s3.FakeBucket.create_from_cloudformation_json = classmethod(created)
