"""Every report is values as JSON and a page in the one frame."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import ClassVar

import pytest

from textwright.config import Settings
from textwright.core.files import exclusive_folder
from textwright.errors import SettingsError
from textwright.report.base import Report


class Bound(Settings):
    points: float = 0.5


@dataclass(frozen=True, slots=True)
class Part:
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Result(Report):
    NAME: ClassVar[str] = "result"

    parts: Mapping[str, Part]
    settings: Bound
    remark: str | None = None


def test_values_of_any_depth_become_json(tmp_path: Path) -> None:
    result = Result({"first": Part((1, 2))}, Bound())
    path = result.json_path(tmp_path)
    result.write_json(path)
    assert path.name == "result.json"
    assert json.loads(path.read_text()) == result.to_json()
    assert result.to_json() == {"parts": {"first": {"counts": [1, 2]}}, "settings": {"points": 0.5}, "remark": None}


def test_what_json_cannot_say_leaves_the_old_file(tmp_path: Path) -> None:
    path = Result.json_path(tmp_path)
    path.write_text("old")
    with pytest.raises(ValueError, match="not JSON compliant"):
        Result({}, Bound.model_construct(points=0.5), float("nan")).write_json(path)
    assert path.read_text() == "old"


@pytest.mark.parametrize("name", ["cascade", "cost", "evaluation", "leaderboard", "optimization"])
def test_every_page_has_the_one_frame(name: str) -> None:
    template = (files("textwright.report") / "templates" / f"{name}.html.j2").read_text()
    assert template.startswith('{% extends "base.html.j2" %}')
    assert not [tag for tag in ("<!doctype", "<html", "<style", "<script", "<footer") if tag in template]


@pytest.mark.parametrize(
    ("out", "page", "values"),
    [
        ("build", "build/result.html", "build/result.json"),
        ("cost.html", "cost.html", "cost.json"),
        ("build.v2", "build.v2/result.html", "build.v2/result.json"),
        ("old.json", "old.json/result.html", "old.json/result.json"),
    ],
)
def test_a_report_goes_into_a_folder_or_is_the_page_that_was_named(
    tmp_path: Path, out: str, page: str, values: str
) -> None:
    (tmp_path / "old.json").mkdir()
    assert Result.html_path(tmp_path / out) == tmp_path / page
    assert Result.json_path(tmp_path / out) == tmp_path / values


@pytest.mark.parametrize("name", ["cost.json", "cost.PDF"])
def test_a_report_is_no_other_kind_of_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match=r"give a name that ends in \.html, or a folder"):
        Result.html_path(tmp_path / name)


def test_a_folder_of_work_is_not_made_under_the_name_of_a_file(tmp_path: Path) -> None:
    said = r"auto\.html: this is the name of a file, and a folder is made here"
    with pytest.raises(SettingsError, match=said), exclusive_folder(tmp_path / "auto.html"):
        pass
    assert not (tmp_path / "auto.html").exists()
