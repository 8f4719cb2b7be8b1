"""How many texts are scored at once, by whom, and what is written; each setting is defined here and nowhere else."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from textwright.config import Settings


class ScoreSettings(Settings):
    """What is written, and who computes it."""

    format: Literal["parquet", "jsonl", "csv", "tsv"] | None = None
    """Format of the output; absent: that of each input file."""
    top_k: Annotated[int, Field(ge=1)] | None = None
    """Labels whose probabilities are written, the most probable first; absent: one column for each label."""
    variant: str | None = None
    """Graph of the artifact to run ("fp32", "int8"); absent: the artifact's default."""
    fragment_rows: Annotated[int, Field(ge=1)] | None = None
    """Most rows of one output file; what is lost when the command is killed is at most one such file per process.

    Absent: a 64th of all rows, but 1,024 at least and 65,536 at most."""
    engine: Literal["local", "ray"] = "local"
    """local: processes of this machine; ray: actors of a Ray cluster, started here unless --address names one."""
    workers: Annotated[int, Field(ge=1)] | None = None
    """Processes or actors, each of one thread; absent: one per physical core, with Ray one less than the cluster's."""
    address: str | None = None
    """Address of a Ray cluster: "auto", "HOST:6379" or "ray://HOST:10001"."""
    instance_type: str | None = None
    """Instance type of EC2 by whose price the cost of a million texts is told; the price table knows it."""
    hourly_usd: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """Dollars that an hour of this machine costs, or of the whole cluster; in place of --instance-type."""
