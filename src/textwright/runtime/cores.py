"""How many cores this process may use; called by the workers of a server and by bulk scoring."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_CPUS: Final = Path("/sys/devices/system/cpu")


def num_cores() -> int:
    """Count the physical cores that this process may use; where the system does not tell, the logical ones."""
    usable = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    return len({_core_of(cpu) for cpu in usable})


def _core_of(cpu: int) -> tuple[str, str]:
    folder = _CPUS / f"cpu{cpu}" / "topology"
    try:
        return (folder / "physical_package_id").read_text(), (folder / "core_id").read_text()
    except OSError:
        return "", str(cpu)
