"""What a run leaves for ``booktools``: the profile that ran, its claims, its exercises. Written by the last cell."""

from __future__ import annotations

import json
import os
from pathlib import Path

from bookkit.claims import all_claims
from bookkit.exercises import outcomes
from bookkit.profiles import REPORT, profile


def write() -> None:
    """Write the report to ``$TEXTWRIGHT_COURSE_REPORT``."""
    content = {"profile": profile(), "claims": all_claims(), "exercises": outcomes()}
    Path(os.environ[REPORT]).write_text(json.dumps(content), encoding="utf-8")
