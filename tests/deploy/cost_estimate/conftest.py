"""What a request was measured to take, in numbers that are easy to reckon with."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from textwright.deploy.cost_estimate.choices import Sizes
from textwright.deploy.cost_estimate.measure import FunctionLoad, Measured, ServerLoad
from textwright.deploy.cost_estimate.settings import CostSettings
from textwright.deploy.prices import packaged_prices
from textwright.deploy.targets import cost_models

MB = 2**20


@pytest.fixture
def measured() -> Measured:
    """Ten milliseconds in the server, eight in the function."""
    server = ServerLoad(0.010, 300 * MB, 200, 600, 340, 400)
    function = FunctionLoad(0.5, 0.008, 240 * MB, 800, 400)
    return Measured("tiny", "v1", "fp32", 1, 32, 32.0, server, function, {"cpu": "a processor"})


@pytest.fixture
def sizes(measured) -> Callable[..., Sizes]:
    """Return a function that lays out every size; keywords are settings."""

    def make(**settings: object) -> Sizes:
        return Sizes(measured, CostSettings(**settings), packaged_prices(), cost_models())

    return make
