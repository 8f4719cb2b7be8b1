"""One form of a share."""

from __future__ import annotations

from textwright.core.percent import percent


def test_a_share_has_one_decimal_and_a_space():
    assert percent(0.6429) == "64.3 %"
    assert percent(1) == "100.0 %"
    assert percent(0.5, digits=0) == "50 %"
