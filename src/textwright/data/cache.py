"""Where Textwright keeps what it fetched; called by :mod:`textwright.data.assets` and ``textwright doctor``."""

from __future__ import annotations

import os
from pathlib import Path


def cache_dir() -> Path:
    """Find the folder of all caches.

    Returns:
        ``$TEXTWRIGHT_CACHE``, else ``$XDG_CACHE_HOME/textwright``, else ``~/.cache/textwright``; it need not exist.
    """
    explicit = os.environ.get("TEXTWRIGHT_CACHE")
    if explicit:
        return Path(explicit).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "textwright"
