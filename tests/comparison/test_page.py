"""The page is one safe file that opens offline and shows every row."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree as ET

from compared import make_board, make_row

from textwright.report.page import duration

HOSTILE = '<script>alert(1)</script>"&{{ 7 * 7 }}'
CURVE = [(100, 0.6), (1000, 0.7)]
ROWS = (
    make_row("bert", 0.86, latency_ms=9, tied=None, curve=CURVE),
    make_row("bow", 0.85, latency_ms=0.1, tied=True, curve=CURVE),
    make_row("majority", 0.5, latency_ms=0.001, curve=[(100, 0.5), (1000, 0.5)], is_baseline=True),
)


def test_every_row_stands_there_with_its_numbers_and_verdict() -> None:
    page = make_board(*ROWS).to_html()
    for expected in (
        "86.0\u00a0%",
        "± 0.4",
        "84.0 to 88.0\u00a0%",
        "not distinguishable from best (p\u00a0=\u00a00.400)",
        "below best",
        "9 ms",
    ):
        assert expected in page
    assert page.count("<svg") == 4  # two plots, each for screens and for phones
    for drawn in re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL):
        ET.fromstring(drawn.replace("xlink:href", "href"))  # noqa: S314  drawn by us
        assert "var(--series-1)" in drawn


def test_the_same_table_gives_the_same_page() -> None:
    assert make_board(*ROWS).to_html() == make_board(*ROWS).to_html()


def test_the_page_asks_no_host_and_runs_nothing() -> None:
    page = make_board(*ROWS).to_html()
    assert "http" not in re.sub(r'http-equiv|xmlns(:\w+)?="[^"]*"', "", page)
    assert "<script" not in page
    assert "default-src 'none'" in page


def test_names_of_others_are_never_markup() -> None:
    board = make_board(replace(ROWS[0], name=HOSTILE, summary=HOSTILE), ROWS[1])
    page = replace(board, data={**board.data, "source": HOSTILE}, advice=(HOSTILE,)).to_html()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "{{ 7 * 7 }}" in page


def test_a_table_without_curves_and_speeds_has_no_plots() -> None:
    assert "<svg" not in make_board(replace(ROWS[0], speed=None, curve=())).to_html()


def test_many_rows_fit_the_colors() -> None:
    page = make_board(*(make_row(f"row{n}", 0.8 - n / 100, curve=CURVE) for n in range(12))).to_html()
    assert page.count("row11") >= 3


def test_times_are_said_as_people_say_them() -> None:
    assert [duration(seconds) for seconds in (0.008, 12.4, 200, 7600)] == ["8 ms", "12 s", "3 min", "2.1 h"]
