"""The sources of the battery: labeled files that differ in what breaks defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from battery_sources.constructed import CONSTRUCTED
from battery_sources.real import REAL
from battery_sources.source import BatterySource

SOURCES: Final[Mapping[str, BatterySource]] = {source.name: source for source in (*REAL, *CONSTRUCTED)}
"""Name -> source: the real ones, then the constructed ones."""
