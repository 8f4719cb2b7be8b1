"""What an estimate is for, and what it assumes; each setting is defined here and nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from textwright.config import Settings


class CostSettings(Settings):
    """The shape of the traffic, the sizes to compare, and the assumptions between this machine and theirs."""

    texts_per_request: Annotated[int, Field(ge=1, le=1000)] = 1
    """Texts in each request; each is one prediction."""
    tokens: Annotated[int, Field(ge=1, le=8192)] = 32
    """Tokens of each text, as this model counts them; a review of one sentence has about 30."""
    peak_factor: Annotated[float, Field(ge=1, le=1000, allow_inf_nan=False)] = 3.0
    """The busiest moments against the mean of the month; EC2 must have instances for them, Lambda has them anyway."""
    utilization: Annotated[float, Field(gt=0, le=1)] = 0.6
    """Share of an instance's vCPUs that may be busy at the busiest moments; the rest keeps the queue short."""
    min_instances: Annotated[int, Field(ge=1, le=100)] = 1
    """Fewest instances of EC2; two or more stand behind a load balancer, which is counted."""
    vcpu_speed: Annotated[float, Field(gt=0, le=10)] = 1.0
    """Speed of one vCPU of AWS against one core of this machine; 1 takes them to be alike."""
    instance_types: Annotated[tuple[str, ...], Field(min_length=1)] = (
        "t3.small",
        "t3.medium",
        "c7a.medium",
        "c7a.large",
        "c7i.large",
        "c7i.xlarge",
        "m7i.large",
    )
    """Instance types of EC2 to compare; the price table knows them."""
    memory_mb: Annotated[tuple[int, ...], Field(min_length=1)] = (256, 512, 1024, 1769, 3008)
    """Memory sizes of Lambda to compare."""
    max_latency_ms: Annotated[float, Field(gt=0)] | None = None
    """Maximum milliseconds that a warm request may take in a Lambda function; sizes that are slower are not chosen."""
    cold_share: Annotated[float, Field(ge=0, le=1)] = 0.01
    """Share of the requests that start a new instance of the Lambda function."""
    overhead_ms: Annotated[float, Field(ge=0, le=1000)] = 1.0
    """Milliseconds of one vCPU that Lambda's own runtime is taken to need around each request."""
    snapstart: bool = False
    """Count SnapStart: snapshots and restores are paid for, and init is not."""
    provisioned: Annotated[int, Field(ge=0, le=10_000)] = 0
    """Provisioned concurrency of the Lambda function."""
    free_allowance: bool = False
    """Take off what an account gets free each month, if nothing else of the account uses it."""
    prices: Path | None = None
    """A price table of one's own, in the form of textwright/deploy/prices.toml; absent: refreshed prices, else ours."""
    region: str | None = None
    """Region whose refreshed prices count; absent: us-east-1."""
    measured: Path | None = None
    """The cost.json of an earlier run, made on the machine that counts; absent: measured here."""
    measure_s: Annotated[float, Field(ge=0.2, le=600)] = 3.0
    """Processor seconds for which server and function are each measured."""
    variant: str | None = None
    """Graph of the artifact ("fp32", "int8"); absent: the artifact's default."""
