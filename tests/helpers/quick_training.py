"""Keywords of ``textwright.train`` for tests that ask nothing of the model."""

from __future__ import annotations

from typing import Any, Final

QUICK: Final[dict[str, Any]] = {"family": "linear", "strength": 1.0, "baselines": False, "verbose": False}
