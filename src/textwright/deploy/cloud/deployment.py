"""What is known of one deployment: its stacks, by name, and what they say. Nothing is remembered on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from textwright.deploy.cloud.address import Address
from textwright.deploy.cloud.session import Cloud
from textwright.deploy.cloud.stack import Stack, StackState
from textwright.errors import NotFoundError

PREFIX = "textwright-"
NAME_TAG, TARGET_TAG, MODEL_TAG = "textwright:name", "textwright:target", "textwright:model"


@dataclass(frozen=True, slots=True)
class Deployment:
    """The two stacks of a deployment, whether or not they exist.

    Args:
        cloud: The account.
        name: Name of the deployment.
        main: What answers.
        image_store: The repository of images.
        zip_store: The bucket of zips.
    """

    cloud: Cloud
    name: str
    main: Stack
    image_store: Stack
    zip_store: Stack

    def store(self, package: str) -> Stack:
        """Tell the store of a kind of package."""
        return self.image_store if package == "image" else self.zip_store

    def state(self) -> StackState:
        """Look at what answers.

        Raises:
            NotFoundError: If there is no such deployment; names those that there are.
        """
        found = self.main.state()
        if found is None:
            known = ", ".join(sorted(names(self.cloud))) or "none"
            raise NotFoundError(
                f"there is no deployment {self.name!r} in region {self.cloud.region}; there are: {known}. Another "
                "region is named by --region"
            )
        return found


def deployment(cloud: Cloud, name: str, *, poll_s: float = 2.0) -> Deployment:
    """Name a deployment's stacks."""
    stacks = [Stack(cloud, f"{PREFIX}{name}{part}", poll_s=poll_s) for part in ("", "-images", "-zips")]
    return Deployment(cloud, name, *stacks)


def names(cloud: Cloud) -> Iterator[str]:
    """List the deployments of the region."""
    for stack in cloud.pages("cloudformation", "describe_stacks", "Stacks"):
        tags = {item["Key"]: item["Value"] for item in stack.get("Tags", [])}
        if TARGET_TAG in tags and stack["StackName"] == PREFIX + tags.get(NAME_TAG, ""):
            yield tags[NAME_TAG]


def address_of(cloud: Cloud, state: StackState) -> Address:
    """Tell the public address of what answers; requests are signed where IAM guards it."""
    is_iam = state.parameters.get("Auth") == "iam"
    balancer = state.outputs.get("LoadBalancer") if state.parameters.get("Domain") else None
    return Address(state.outputs["Address"], connect_to=balancer, signed_by=cloud if is_iam else None)
