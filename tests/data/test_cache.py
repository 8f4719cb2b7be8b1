"""Where fetched files go, also for a user without a home folder, as in a container with another uid."""

from __future__ import annotations

import pwd
from pathlib import Path

import pytest

from textwright.core.files import expand_home
from textwright.data.cache import cache_dir
from textwright.environment import diagnose
from textwright.errors import SettingsError


@pytest.fixture
def no_home(monkeypatch):
    def unknown(_uid):
        raise KeyError("getpwuid(): uid not found")

    for name in ("HOME", "TEXTWRIGHT_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)


def test_a_user_without_a_home_is_told_what_to_set(no_home, monkeypatch, tmp_path):
    with pytest.raises(SettingsError, match="set TEXTWRIGHT_CACHE to a folder"):
        cache_dir()
    assert "set TEXTWRIGHT_CACHE" in diagnose().sections["caches"]["assets"]
    assert expand_home("~/reviews.csv") == Path("~/reviews.csv")
    monkeypatch.setenv("TEXTWRIGHT_CACHE", str(tmp_path))
    assert cache_dir() == tmp_path


def test_a_home_of_nobody_stays_as_it_was_typed():
    assert expand_home("~no-such-user/reviews.csv") == Path("~no-such-user/reviews.csv")
