"""The shares of a rollout are in the words of ``serve --split``."""

from __future__ import annotations

import pytest

from textwright.deploy.targets.aws_lambda import FunctionSettings
from textwright.errors import SettingsError


def test_a_tenth_goes_to_a_new_version_unless_said_otherwise():
    assert FunctionSettings().new_share == 10
    assert FunctionSettings(split="new=25,live=75").new_share == 25
    assert FunctionSettings(split="live=0,new=100").new_share == 100


@pytest.mark.parametrize(
    ("split", "words"),
    [
        ("10", "is not NAME=PERCENT"),
        ("live=90,new=20", "are 110 together"),
        ("old=90,new=10", "name live, which answers now"),
        ("live=50,new=30,other=20", "names live, new, other"),
        ("live=110,new=-10", "-10"),
    ],
)
def test_other_shares_are_refused_in_words(split, words):
    with pytest.raises(SettingsError, match=words):
        FunctionSettings.parse({"split": split}, source="deploy lambda")
