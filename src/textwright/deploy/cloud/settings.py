"""How an artifact is deployed, wherever to; what is particular to a target stands with it in ``deploy.targets``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from textwright.config import Settings
from textwright.deploy.names import DEPLOYMENT_PATTERN, MAX_DEPLOYMENT_CHARS


class DeploymentSettings(Settings):
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
