"""What each of several workers gets of the machine and of the limits."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from textwright.server.settings import ServeSettings

_CPUS: Final = Path("/sys/devices/system/cpu")


def per_worker(settings: ServeSettings) -> ServeSettings:
    """Divide threads, queue and connections among the workers.

    Args:
        settings: Those of the whole server.

    Returns:
        Those of one worker; each has one thread, and room for one text, at least.
    """
    workers = settings.workers
    return settings.model_copy(
        update={
            "num_threads": max((settings.num_threads or num_cores()) // workers, 1),
            "max_queue_texts": max(settings.max_queue_texts // workers, 1),
            "max_queue_tokens": max(settings.max_queue_tokens // workers, 1),
            "shadow_max_texts": max(settings.shadow_max_texts // workers, 1),
            "max_connections": max(settings.max_connections // workers, 1),
        }
    )


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
