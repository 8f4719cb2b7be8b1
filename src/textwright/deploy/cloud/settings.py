"""How an artifact is deployed; each setting is defined here and nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from textwright.config import Settings
from textwright.deploy.created import Profile
from textwright.deploy.names import DEPLOYMENT_PATTERN, MAX_DEPLOYMENT_CHARS


class PlaceSettings(Settings):
    """Which deployment, where."""

    name: Annotated[str | None, Field(pattern=DEPLOYMENT_PATTERN, max_length=MAX_DEPLOYMENT_CHARS)] = None
    """Name of the deployment: lower-case letters and digits, single hyphens between; absent: from the model's name."""
    region: str | None = None
    """Region of AWS, for example eu-central-1; absent: that of the AWS configuration."""
    out: Path | None = None
    """Folder for the templates, the start-up script and the policies; absent: deploy/NAME."""
    apply: bool = False
    """Do it; without, the plan is printed and nothing on AWS is touched."""


class WatchSettings(Settings):
    """Who may ask, what is kept and who is told."""

    api_keys_secret: str | None = None
    """Name or ARN of the secret (Secrets Manager) that holds a file of API keys: names and hashes. Absent: no keys."""
    log_days: Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096] = 30
    """Days that the log is kept."""
    alarm_email: str | None = None
    """Who is told of alarms; absent: nobody."""
    watch_minutes: Annotated[int, Field(ge=0, le=180)] = 5
    """Minutes in which an alarm undoes an update."""
    requests_per_day: Annotated[float, Field(gt=0)] = 10_000
    """Traffic that the estimate of costs is made for."""


class Ec2Settings(WatchSettings):
    """The servers."""

    profile: Profile = "balanced"
    """balanced: two instances or more behind a load balancer. single: one instance, for small budgets."""
    instance_type: str = "t3.small"
    """Size of an instance; x86_64."""
    min_instances: Annotated[int, Field(ge=1)] = 2
    """Fewest instances (balanced)."""
    max_instances: Annotated[int, Field(ge=2)] = 6
    """Most instances (balanced)."""
    cpu_percent: Annotated[int, Field(ge=5, le=95)] = 60
    """Processor use that scaling keeps to (balanced)."""
    requests_per_minute: Annotated[int, Field(ge=1)] = 3000
    """Requests a minute and instance that scaling keeps to (balanced)."""
    certificate: str | None = None
    """ARN of a certificate of ACM in the region: the address then speaks HTTPS alone (balanced)."""
    domain: str | None = None
    """The certificate's name, which you point to the load balancer."""
    public: bool = False
    """Let everybody ask without a key; --apply takes this, --api-keys-secret or a narrower --allow-from."""
    allow_from: Annotated[str, Field(pattern=r"^[0-9.]{7,15}/[0-9]{1,2}$")] = "0.0.0.0/0"
    """IPv4 addresses that may ask; 0.0.0.0/0 is everybody."""
    vpc: str | None = None
    """Network to run in; absent: the region's default one."""
    subnets: tuple[str, ...] = ()
    """Public subnets, in two zones for balanced; absent: the network's default ones."""


class FunctionSettings(WatchSettings):
    """The function."""

    package: Literal["zip", "image"] = "zip"
    """zip: for the managed runtimes, no container engine needed. image: for models too large for a zip."""
    memory_mb: Annotated[int, Field(ge=128, le=10_240)] = 1769
    """Memory; processor time grows with it, 1769 MB is one core."""
    function_timeout_s: Annotated[int, Field(ge=1, le=900)] = 30
    """Seconds after which a request is cut off."""
    auth: Literal["iam", "key", "open"] = "iam"
    """Who may ask: those whom IAM allows, those with an API key, or everybody."""
    base_path: Annotated[str, Field(pattern=r"^(/[A-Za-z0-9._~-]+)*$")] = ""
    """Path before the routes, for a custom domain's API mapping or a load balancer's rule, such as /sentiment."""
    snap_start: bool = False
    """Start instances from a snapshot of an initialised one (zip)."""
    provisioned_concurrency: Annotated[int, Field(ge=0)] = 0
    """Instances that are kept initialised; they cost by the hour."""
    reserved_concurrency: Annotated[int | None, Field(ge=0)] = None
    """Most instances at once, taken from the account's quota; absent: no bound of its own."""
    keep_failed_events: bool = False
    """A queue for asynchronous events that failed; requests through the address need none."""
    request_ms: Annotated[float, Field(gt=0)] = 30
    """Time of a request, for the estimate of costs alone; `textwright cost` measures it."""
    shift_percent: Annotated[int, Field(ge=0, le=99)] = 10
    """Share of the traffic that a new version gets first, while alarms are watched; 0 moves all of it at once."""
