"""What a person sees: the documentation and the evaluation report, offline, wide and narrow."""

from __future__ import annotations

import numpy as np
import pytest

import textwright
from textwright.data.dataset import Examples
from textwright.evaluate.measure import evaluate

pytestmark = pytest.mark.browser

SIZES = [(1200, 900), (400, 800)]
SCHEMES = ["light", "dark"]


def assert_fits(watched, width):
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= width, "the page scrolls sideways"


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_documentation_works_offline(open_page, served, width, height):
    watched = open_page(f"{served}/docs", allowed=served, width=width, height=height)
    watched.page.get_by_text("/v1/predict").first.wait_for()
    assert_fits(watched, width)
    assert watched.faults == []


def test_the_documentation_asks_for_a_key_and_sends_it(open_page, served_with_keys):
    watched = open_page(f"{served_with_keys}/docs", allowed=served_with_keys)
    key = watched.page.get_by_label("API key")
    key.fill("wrong")
    key.press("Enter")
    watched.page.get_by_text("does not know this key").wait_for()
    key.fill("secret")
    key.press("Enter")
    predict = watched.page.locator("article").filter(has_text="/v1/predict").first
    predict.get_by_role("button", name="Send").click()
    predict.get_by_text("Status 200").wait_for()
    command = predict.locator("details pre").first.text_content()
    assert f'{served_with_keys}/v1/predict -H "x-api-key: $KEY"' in command
    assert all("401" in fault for fault in watched.faults)


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_report_opens_from_a_file(open_page, tiny_artifact, tmp_path, width, height, scheme):
    texts = ["good film", "bad film", "great <script>alert(1)</script>", "awful", "the good", "a bad good"] * 5
    evaluation = evaluate(textwright.load(tiny_artifact), Examples(texts, np.array([1, 0, 1, 0, 0, 1] * 5)))
    evaluation.write_html(tmp_path / "report.html")
    address = (tmp_path / "report.html").as_uri()
    watched = open_page(address, allowed=address, width=width, height=height, scheme=scheme)
    assert watched.page.locator("svg").count() >= 4
    boxes = watched.page.locator("svg").evaluate_all("all => all.map(one => one.getBoundingClientRect().width)")
    assert min(boxes) > 100
    assert_fits(watched, width)
    assert watched.faults == []
