"""One model that was trained in Python from a table in memory; no test changes it."""

from __future__ import annotations

import pandas as pd
import pytest
from quick_training import QUICK
from tiny_families import ROWS

import textwright as tw


@pytest.fixture(scope="session")
def reviews() -> pd.DataFrame:
    return pd.DataFrame(ROWS["binary"]())


@pytest.fixture(scope="session")
def trained(reviews) -> tw.Model:
    return tw.train(reviews, **QUICK)
