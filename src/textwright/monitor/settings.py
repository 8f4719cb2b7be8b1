"""How records are compared with the reference; each setting is defined here and nowhere else."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from textwright.config import Settings


class MonitorSettings(Settings):
    """Which records to read, and when to call a difference an alarm."""

    last_hours: Annotated[float | None, Field(gt=0)] = None
    """Read the records of so many hours before now; absent: all."""
    max_texts: Annotated[int, Field(ge=100)] = 50_000
    """Compare at most so many texts; of more, evenly spaced ones."""
    alarm_level: Annotated[float, Field(gt=0, lt=1)] = 0.01
    """Probability of an alarm where nothing has changed, of all tests of one run together (Holm)."""
    min_effect: Annotated[float, Field(ge=0, lt=1)] = 0.05
    """Smallest difference that is an alarm, as a share of the texts; many texts show differences that do not matter."""
    min_accuracy: Annotated[float | None, Field(gt=0, le=1)] = None
    """An alarm if the expected accuracy is below this with its whole interval; absent: accuracy raises no alarm."""
