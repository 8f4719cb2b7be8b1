"""Everything that a deployment could leave behind, by name."""

from __future__ import annotations

_LISTS = {
    "cloudformation": ("list_stacks", {}, "StackSummaries", "StackName"),
    "lambda": ("list_functions", {}, "Functions", "FunctionName"),
    "iam": ("list_roles", {}, "Roles", "RoleName"),
    "logs": ("describe_log_groups", {}, "logGroups", "logGroupName"),
    "s3": ("list_buckets", {}, "Buckets", "Name"),
    "ecr": ("describe_repositories", {}, "repositories", "repositoryName"),
    "cloudwatch": ("describe_alarms", {}, "MetricAlarms", "AlarmName"),
    "sns": ("list_topics", {}, "Topics", "TopicArn"),
    "sqs": ("list_queues", {}, "QueueUrls", None),
    "elbv2": ("describe_load_balancers", {}, "LoadBalancers", "LoadBalancerName"),
    "autoscaling": ("describe_auto_scaling_groups", {}, "AutoScalingGroups", "AutoScalingGroupName"),
}
_EC2 = {
    "describe_security_groups": ("SecurityGroups", "GroupId"),
    "describe_launch_templates": ("LaunchTemplates", "LaunchTemplateId"),
    "describe_addresses": ("Addresses", "AllocationId"),
    "describe_volumes": ("Volumes", "VolumeId"),
    "describe_network_interfaces": ("NetworkInterfaces", "NetworkInterfaceId"),
}


def inventory(aws):
    """List what there is.

    Args:
        aws: Makes a client of a service.

    Returns:
        Kind -> sorted names; stacks and instances that are gone are left out.
    """
    found = {}
    for service, (operation, arguments, key, name) in _LISTS.items():
        items = getattr(aws(service), operation)(**arguments).get(key, [])
        found[service] = sorted(item[name] if name else item for item in items if _is_there(item))
    for operation, (key, name) in _EC2.items():
        found[operation] = sorted(item[name] for item in getattr(aws("ec2"), operation)()[key])
    instances = [item for group in aws("ec2").describe_instances()["Reservations"] for item in group["Instances"]]
    found["instances"] = sorted(item["InstanceId"] for item in instances if item["State"]["Name"] != "terminated")
    found["profiles"] = sorted(
        item["InstanceProfileName"] for item in aws("iam").list_instance_profiles()["InstanceProfiles"]
    )
    found["targets"] = sorted(item["TargetGroupName"] for item in aws("elbv2").describe_target_groups()["TargetGroups"])
    return found


def _is_there(item):
    return not isinstance(item, dict) or item.get("StackStatus") != "DELETE_COMPLETE"
