"""Shares of requests: right over many keys, and the same model for the same key, everywhere and always."""

from __future__ import annotations

import json
import subprocess
import sys
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textwright.errors import SettingsError
from textwright.server.registry.traffic_split import TrafficSplit

KEYS = [f"customer {number}".encode() for number in range(4_000)]
shares = st.integers(1, 99)


@given(shares)
def test_each_model_has_its_share_within_binomial_bounds(percent):
    split = TrafficSplit.parse(f"old={100 - percent},new={percent}")
    num_new = sum(split.choose(key) == "new" for key in KEYS)
    p, num = percent / 100, len(KEYS)
    # 99 shares are tried: each may miss its bound once in a million fixed sets of keys.
    assert abs(num_new - p * num) <= NormalDist().inv_cdf(1 - 5e-7) * (num * p * (1 - p)) ** 0.5 + 1


@given(shares, shares)
def test_whoever_has_the_candidate_keeps_it_when_its_share_grows(one, other):
    low, high = sorted((one, other))
    before, after = (TrafficSplit.parse(f"old={100 - percent},new={percent}") for percent in (low, high))
    assert all(after.choose(key) == "new" for key in KEYS[:500] if before.choose(key) == "new")


@given(st.binary(max_size=40))
def test_an_equal_key_has_the_same_model(key):
    first, second = (TrafficSplit.parse("a=50,b=30,c=20") for _ in range(2))
    assert first.choose(key) == second.choose(key)


def test_another_process_chooses_alike():
    program = (
        "import json; from textwright.server.registry.traffic_split import TrafficSplit; "
        "split = TrafficSplit.parse('a=50,b=30,c=20'); "
        "print(json.dumps([split.choose(f'customer {number}'.encode()) for number in range(200)]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    split = TrafficSplit.parse("a=50,b=30,c=20")
    assert json.loads(done.stdout) == [split.choose(key) for key in KEYS[:200]]


def test_what_a_key_has_is_fixed_for_ever():
    """A change of the hash would move customers from one model to the other at an upgrade."""
    split = TrafficSplit.parse("old=50,new=50")
    assert [split.choose(key) for key in KEYS[:8]] == ["new", "old", "old", "old", "new", "old", "old", "new"]


def test_another_candidate_is_met_by_other_keys():
    first, second = TrafficSplit.parse("old=90,new=10"), TrafficSplit.parse("old=90,newer=10")
    both = sum(first.choose(key) == "new" and second.choose(key) == "newer" for key in KEYS)
    assert both < 0.03 * len(KEYS)


@pytest.mark.parametrize(("text", "name"), [("a=100,b=0", "a"), ("a=0,b=100", "b")])
def test_all_or_nothing(text, name):
    split = TrafficSplit.parse(text)
    assert {split.choose(key) for key in KEYS[:500]} == {name}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("old=100", "name two"),
        ("old=90,new=20", "are 110 together"),
        ("old=90,old=10", "stands there twice"),
        ("old=90,new", "'new' is not NAME=PERCENT"),
        ("old=90,new=ten", "'ten' is no share"),
        ("old=101,new=-1", "no share from 0 to 100"),
        ("old=nan,new=10", "no share"),
        ("", "is not NAME=PERCENT"),
    ],
)
def test_other_forms_are_refused_with_an_example(text, reason):
    with pytest.raises(SettingsError, match=reason) as caught:
        TrafficSplit.parse(text)
    assert "for example --split old=90,new=10" in str(caught.value)
