"""Parameters of a test that ``make test`` leaves to ``.ci/slow``: further kinds of model, seconds each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest


def slow_unless(is_quick: Callable[[Any], bool], values: Iterable[Any]) -> list[Any]:
    """Mark the values of a parameter as slow.

    Args:
        is_quick: Whether a value stays in ``make test``.
        values: All values.
    """
    return [value if is_quick(value) else pytest.param(value, marks=pytest.mark.slow) for value in values]
