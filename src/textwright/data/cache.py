"""Where Textwright keeps what it fetched; called by :mod:`textwright.data.assets` and ``textwright doctor``."""

from __future__ import annotations

import os
from pathlib import Path

from textwright.errors import SettingsError


def cache_dir() -> Path:
    """Find the folder of all caches.

    Returns:
        ``$TEXTWRIGHT_CACHE``, else ``$XDG_CACHE_HOME/textwright``, else ``~/.cache/textwright``; it need not exist.

    Raises:
        SettingsError: If the user has no home folder, and neither variable says where to go instead.
    """
    explicit = os.environ.get("TEXTWRIGHT_CACHE")
    try:
        if explicit:
            return Path(explicit).expanduser()
        return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "textwright"
    except RuntimeError as error:
        raise SettingsError(
            "this user has no home folder for what is fetched; set TEXTWRIGHT_CACHE to a folder that it can write to"
        ) from error
