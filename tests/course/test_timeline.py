"""The timeline says what the lessons measured, and nothing that somebody typed."""

from __future__ import annotations

import re
import tomllib

import pytest

from bookkit import timelines
from booktools import timeline_page
from booktools.lessons import all_lessons
from booktools.site import index_of

SPECIFIED = tomllib.loads(timelines.ROWS.read_text(encoding="utf-8"))["rows"]
CLAIMS = timelines.committed_claims()
ROWS = timelines.rows(CLAIMS)


def test_no_measured_number_is_typed():
    words = [re.sub(r"\{.*?\}", "", one["read"]) + one["name"] for one in SPECIFIED]
    assert re.findall(r"\d+\.\d+|\d ?%", " ".join(words)) == []


def test_rows_are_in_the_order_of_the_years():
    years = [one["year"] for one in SPECIFIED]
    assert years == sorted(years)


def test_a_row_without_a_result_is_left_out():
    assert len(timelines.rows({})) == 0
    claims = {"01.ladder_tfidf": {"value": 0.657, "text": "65.7%"}}
    (row,) = timelines.rows(claims)
    assert (row.name, row.accuracy, row.printed, row.weights, row.probes) == ("TF-IDF", 0.657, "65.7%", "", {})


@pytest.mark.parametrize("one", SPECIFIED, ids=lambda one: one["name"])
def test_a_row_whose_lesson_is_measured_is_complete(one):
    if one["accuracy"] not in CLAIMS:
        pytest.skip("its lesson has no result yet")
    (row,) = [row for row in ROWS if row.name == one["name"]]
    assert row.printed
    assert bool(row.weights) is ("weights" in one)
    assert "{" not in row.read
    assert set(row.probes) == set(one.get("probes", {}))
    assert set(row.probes.values()) <= {"✓", "✗"}


@pytest.mark.parametrize(
    ("value", "bound", "mark"),
    [
        (0.9, {"at_most": 0.99}, "✓"),
        (1.0, {"at_most": 0.99}, "✗"),
        (3, {"at_least": 2}, "✓"),
        (1, {"at_least": 2}, "✗"),
    ],
)
def test_a_bound_makes_a_check_mark(value, bound, mark):
    claims = {"12.some": {"value": value, "text": str(value)}}
    assert timelines._mark({"claim": "12.some", **bound}, claims) == mark


def test_the_page_and_the_front_page_show_every_row():
    lessons = all_lessons()
    page, front = timeline_page.page(ROWS, lessons), index_of(lessons, ROWS)
    for row in ROWS:
        assert f"| **{row.printed}** |" in page
        assert f"[{row.name}]({row.source})" in page
        assert row.name in front
    assert "(timeline.md)" in front
    assert "<!-- timeline -->" in index_of(lessons)
