"""What the templates of ``deploy.cloud`` create beside what computes, as far as it is paid for by the month.

Callers: the plans of ``deploy`` and ``deploy.sizing``, so that both price the same. A test counts the same things in
each template, and that every type of resource there is either counted or known to cost nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from textwright.api.record import METRICS

Profile: TypeAlias = Literal["balanced", "single"]
ALARMS_OF_A_SCALING_POLICY: Final = 2
"""Target tracking makes one alarm to scale out and one to scale in."""
METRICS_OF_DETAILED_MONITORING: Final = 7
"""Metrics that an instance sends each minute; each costs as much as one of one's own."""
LAMBDA_LOG_BYTES: Final = 300
"""Lambda's own three lines (START, END, REPORT) for each request."""
FUNCTION_LOG_BYTES: Final = 800
"""Our own line for a request with its metrics."""


@dataclass(frozen=True, slots=True)
class Created:
    """What is created once, or with each instance.

    Args:
        num_alarms: CloudWatch alarms, those of scaling policies included.
        num_metrics: CloudWatch metrics of one's own: of the log's filter, and those that a function's log carries.
        disk_gib: Disk of each instance.
        has_detailed_monitoring: Whether each instance sends its metrics each minute.
        secret_reads_per_hour: How often each instance reads the secret of API keys, if there is one.
    """

    num_alarms: int
    num_metrics: int
    disk_gib: float = 0.0
    has_detailed_monitoring: bool = False
    secret_reads_per_hour: float = 0.0


FUNCTION: Final = Created(num_alarms=3, num_metrics=1 + len(METRICS))
SERVERS: Final[dict[Profile, Created]] = {
    "single": Created(2, 1, disk_gib=8, has_detailed_monitoring=True, secret_reads_per_hour=12),
    "balanced": Created(
        2 + 2 * ALARMS_OF_A_SCALING_POLICY, 1, disk_gib=8, has_detailed_monitoring=True, secret_reads_per_hour=12
    ),
}
