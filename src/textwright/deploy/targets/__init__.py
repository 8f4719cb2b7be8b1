"""Where an artifact can run. A further target is one file here and one row in :data:`TARGETS`.

The command line, the estimate of costs and the reference iterate over the table. It can be imported without the extras
that a target needs (boto3, jinja2, yaml); those are imported when something is made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from textwright.config import Settings
from textwright.data.did_you_mean import did_you_mean
from textwright.deploy import OnStep
from textwright.deploy.cloud.common import Deployed, DeployRequest
from textwright.deploy.cloud.lifecycle import Rollback, Status
from textwright.deploy.cloud.plan import DeploymentPlan
from textwright.deploy.cost_estimate.choices import CostModel
from textwright.deploy.package.packaging import PackageFormat
from textwright.deploy.targets import aws_lambda, docker, ec2
from textwright.errors import NotFoundError, TextwrightError


class Deployment(Protocol):
    """Something that was deployed."""

    def status(self) -> Status:
        """Look at it."""

    def logs(self, *, minutes: float, follow: bool) -> Iterator[str]:
        """Read its log, oldest line first; with ``follow`` go on with new lines, without end."""

    def plan_rollback(self) -> Rollback:
        """Say what a rollback would do.

        Raises:
            NotFoundError: If there is nothing to go back to.
        """

    def rollback(self, report: OnStep) -> object:
        """Let what answered before answer again."""

    def plan_destroy(self) -> Sequence[tuple[str, str, str]]:
        """List what would be removed: where it is, its type and its name."""

    def destroy(self, report: OnStep) -> int:
        """Remove everything and return the number of resources."""


class Deployer(Protocol):
    """How a target is deployed to."""

    @property
    def extra(self) -> str:
        """The extra of the package that this needs."""

    @property
    def settings(self) -> type[Settings]:
        """The target's own choices; each field is a flag of ``textwright deploy NAME``."""

    @property
    def group(self) -> str:
        """Heading of those flags in the help."""

    @property
    def help(self) -> str:
        """What ``textwright deploy NAME`` does, with an example."""

    def plan(self, request: DeployRequest[Any]) -> DeploymentPlan:
        """Say what would be made and what would change; nothing is touched."""

    def apply(self, request: DeployRequest[Any]) -> Deployed:
        """Deploy, and check what was deployed against the golden examples."""

    def find(self, name: str, region: str | None) -> Deployment | None:
        """Find a deployment by its name; None if it is one of another target.

        Raises:
            NotFoundError: If there is none of that name; names those that there are.
        """


class Target(Protocol):
    """A place where an artifact can run."""

    @property
    def name(self) -> str:
        """As the command line, tags and plans call it."""

    @property
    def formats(self) -> Sequence[PackageFormat]:
        """How an artifact is packaged for it: values of ``textwright package --target``."""

    @property
    def costs(self) -> CostModel | None:
        """What it costs; None if nobody sends a bill."""

    @property
    def deployer(self) -> Deployer | None:
        """How it is deployed to; None if it takes its packages without us."""


TARGETS: Final[dict[str, Target]] = {
    "docker": docker.TARGET,
    "aws_lambda": aws_lambda.TARGET,
    "ec2": ec2.TARGET,
}
"""The order is that of the rows of an estimate."""


def package_formats() -> Mapping[str, PackageFormat]:
    """Return every way to package an artifact, by its name."""
    return {form.name: form for target in TARGETS.values() for form in target.formats}


def find_format(name: str) -> PackageFormat:
    """Find a way to package an artifact.

    Args:
        name: As typed after ``--target``.

    Raises:
        NotFoundError: Names the nearest, or lists those that there are.
    """
    formats = package_formats()
    if name in formats:
        return formats[name]
    raise NotFoundError(f"no package target {name!r}{did_you_mean(name, formats)}")


def cost_models() -> list[CostModel]:
    """Return what each target costs that sends a bill."""
    return [target.costs for target in TARGETS.values() if target.costs is not None]


def deployers() -> Mapping[str, Deployer]:
    """Return how each target is deployed to that can be, by the target's name."""
    return {target.name: target.deployer for target in TARGETS.values() if target.deployer is not None}


def find_deployment(name: str, region: str | None) -> Deployment:
    """Find a deployment among those of all targets.

    Args:
        name: Its name.
        region: Region of AWS; None takes that of the AWS configuration.

    Raises:
        TextwrightError: What kept the first target from finding it, if no target has it.
    """
    errors: list[TextwrightError] = []
    for deployer in deployers().values():
        try:
            deployment = deployer.find(name, region)
        except TextwrightError as error:
            errors.append(error)
        else:
            if deployment is not None:
                return deployment
    raise errors[0] if errors else NotFoundError(f"the deployment {name!r} is of a target that is not known here")
