"""The canvas of all plots."""

from __future__ import annotations

import re

from textwright.report.svg import svg_of


def labels(draw):
    return re.findall(r"<text [^>]*>([^<]*)</text>", svg_of("caption", (4.0, 3.0), draw))


def test_a_logarithmic_axis_has_numbers_and_no_formulas():
    def draw(axes):
        axes.plot([0.1, 1000], [1, 2])
        axes.set_xscale("log")

    found = labels(draw)
    assert {"0.1", "1", "10", "100", "1,000"} <= set(found)
    assert not [text for text in found if "$" in text]


def test_labels_that_a_plot_chose_stay():
    def draw(axes):
        axes.plot([1, 100], [1, 2])
        axes.set_xscale("log")
        axes.set_xticks([1, 100], ["one", "a hundred"])

    assert {"one", "a hundred"} <= set(labels(draw))


def test_a_label_with_dollars_is_text():
    assert "$_$" in labels(lambda axes: axes.set_xlabel("$_$"))
