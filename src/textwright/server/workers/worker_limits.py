"""What each of several workers gets of the machine and of the limits."""

from __future__ import annotations

from textwright.runtime.cores import num_cores
from textwright.server.settings import ServeSettings


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
