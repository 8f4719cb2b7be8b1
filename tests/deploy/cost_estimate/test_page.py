"""The page is one safe file that opens offline and shows every size, the arithmetic and the assumptions."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from textwright.deploy.cost_estimate.break_even import find_break_even
from textwright.deploy.cost_estimate.choices import Sizes
from textwright.deploy.cost_estimate.report import CostReport
from textwright.deploy.cost_estimate.settings import CostSettings
from textwright.deploy.prices import packaged_prices
from textwright.deploy.targets import cost_models


@pytest.fixture
def make_report(measured):
    """Return a function that makes a report; keywords are settings."""

    def make(requests_per_day=50_000.0, name="tiny", **values: object) -> CostReport:
        settings, prices, seen = CostSettings(**values), packaged_prices(), replace(measured, name=name)
        sizes = Sizes(seen, settings, prices, cost_models())
        choices, break_even = sizes.at(requests_per_day), find_break_even(sizes)
        return CostReport(seen, requests_per_day, settings, prices, choices, break_even, sizes.titles)

    return make


def test_every_size_stands_there_with_its_dollars(make_report):
    report = make_report()
    page = report.to_html().replace("\N{NO-BREAK SPACE}", " ")
    for choice in report.choices:
        assert choice.size in page
        assert f"${choice.estimate.usd_per_month:,.2f}" in page
    assert "730 hours" in page
    assert "will not do: needs 300 MB" in page
    assert report.prices.as_of.isoformat() in page
    for line in report.assumptions:
        assert line.split(";")[0].replace("'", "&#39;") in page


def test_the_plot_names_the_break_even_point(make_report):
    page = make_report(instance_types=("t3.small",)).to_html()
    for_screens, for_phones = re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL)
    for drawn in (for_screens, for_phones):
        ET.fromstring(drawn.replace("xlink:href", "href"))  # noqa: S314  drawn by us
        assert "break-even:" in drawn
        assert "var(--series-1)" in drawn


def test_a_page_without_a_size_that_will_do_has_no_plot(make_report):
    page = make_report(memory_mb=(128,), instance_types=("t3.micro",)).to_html()
    assert "<svg" not in page
    assert "No size will do" in page


@pytest.mark.parametrize("requests_per_day", [0.5, 1e12])
def test_traffic_beyond_the_grid_is_drawn_too(make_report, requests_per_day):
    assert "<svg" in make_report(requests_per_day).to_html()


def test_the_page_asks_no_host_runs_nothing_and_escapes_names(make_report):
    page = make_report(name="<script>alert(1)</script>").to_html()
    assert "http" not in re.sub(r'http-equiv|xmlns(:\w+)?="[^"]*"', "", page)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert page == make_report(name="<script>alert(1)</script>").to_html()
