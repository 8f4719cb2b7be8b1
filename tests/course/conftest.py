"""The tools of the course are imported from ``course/``; ``make course-setup`` installs what they need."""

from __future__ import annotations

import os
import sys
from pathlib import Path

COURSE = Path(__file__).parents[2] / "course"
sys.path.insert(0, str(COURSE))
os.environ.setdefault("JUPYTER_PLATFORM_DIRS", "1")
