"""The canvas of all plots."""

from __future__ import annotations

import re

from textwright.report.svg import FULL_WIDTH, legend, page_svg, svg_of, svgs_of


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


def test_a_plot_is_drawn_once_and_laid_out_for_each_size():
    calls = []
    sizes = [(6.4, 3.6), (5.0, 3.6)]
    wide, narrow = svgs_of("caption", sizes, lambda axes: calls.append(axes.plot([1, 2], label="rises")))
    assert len(calls) == 1
    assert 'viewBox="0 0 460.8 259.2"' in wide
    assert 'viewBox="0 0 360 259.2"' in narrow
    ids = [set(re.findall(r' id="([^"]+)"', svg)) for svg in (wide, narrow)]
    assert ids[0]
    assert not ids[0] & ids[1], "a page holds both"
    assert all('aria-labelledby="caption"' in svg for svg in (wide, narrow))
    assert wide == svg_of("caption", sizes[0], lambda axes: axes.plot([1, 2], label="rises"))


def test_a_label_longer_than_the_drawing_is_wrapped():
    label = "true reply put first, of 20 (upper bar) and of 100 (lower bar)"
    wide, narrow = svgs_of("caption", [(8.0, 3.0), (3.0, 3.0)], lambda axes: axes.set_xlabel(label))
    assert f">{label}<" in wide
    assert f">{label}<" not in narrow
    assert "(lower bar)" in narrow


def test_a_wide_plot_has_a_drawing_for_phones_whose_legend_fits():
    names = ("Lambda: 1,769 MB, 5.89 dollars at 100,000 a day", "EC2: t3.small, 22.82 dollars at 100,000 a day")

    def draw(axes):
        for name in names:
            axes.plot([1, 2], label=name)
        legend(axes)

    drawings = page_svg("caption", (FULL_WIDTH, 3.6), draw).split("</svg>")[:2]
    assert ["only-wide" in svg for svg in drawings] == [True, False]
    assert ["only-narrow" in svg for svg in drawings] == [False, True]
    rows = [{re.search(rf'y="([\d.]+)"[^>]*>{name}', svg)[1] for name in names} for svg in drawings]
    assert [len(places) for places in rows] == [1, 2], "one beside the other, one above the other"
    assert page_svg("caption", (5.0, 3.6), draw) == svg_of("caption", (5.0, 3.6), draw)
