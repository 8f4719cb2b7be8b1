"""What measuring returns shows itself: as the command prints it, as HTML without scripts, as a plot to save."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

import textwright as tw
from textwright.cli.main import run
from textwright.errors import SettingsError

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def measured(trained):
    return trained.evaluate()


def test_it_prints_what_the_command_prints(trained, reviews, tmp_path, capsys):
    source = tmp_path / "reviews.csv"
    reviews.to_csv(source, index=False)
    trained.evaluate(source).show()
    shown = capsys.readouterr().out
    assert run(["evaluate", str(trained.save(tmp_path / "run")), str(source)]) == 0
    assert shown.partition("\n")[2] == capsys.readouterr().out


def test_a_notebook_shows_metrics_and_confusion_matrix(measured, trained):
    for html in (measured._repr_html_(), trained._repr_html_()):
        assert "Accuracy" in html
        assert "95 % interval" in html
    assert '<svg class="plot"' in measured._repr_html_()
    assert "<script" not in measured._repr_html_()


def test_what_comes_from_outside_is_escaped(make_artifact, tmp_path):
    from textwright.core.labels import Labels, Task

    labels = Labels((HOSTILE, "b"), Task.SINGLE_LABEL)
    model = tw.load(make_artifact("hostile", labels=labels))
    data = ([f"{HOSTILE} good {number}" for number in range(6)], [HOSTILE, "b"] * 3)
    for html in (model._repr_html_(), model.evaluate(data)._repr_html_()):
        assert HOSTILE not in html
        assert "&lt;script&gt;" in html


def test_a_plot_is_saved_as_a_file_that_stands_by_itself(measured, tmp_path):
    measured.plot().save(tmp_path / "confusion.svg")
    root = ET.parse(tmp_path / "confusion.svg").getroot()  # noqa: S314  our own
    assert root.tag.endswith("svg")
    assert "--ink" in (tmp_path / "confusion.svg").read_text()
    assert "<svg" in measured.plot()._repr_html_()


def test_every_figure_of_the_report_can_be_drawn_alone(measured):
    assert 'aria-labelledby="roc"' in measured.plot("roc").svg
    with pytest.raises(SettingsError, match="there are confusion, precision_recall, roc"):
        measured.plot("pie")


def test_the_report_is_the_commands(measured, tmp_path):
    measured.save_report(tmp_path / "report.html")
    assert "Evaluation report" in (tmp_path / "report.html").read_text()


def test_it_is_an_evaluation_with_its_rows(measured):
    assert isinstance(measured, tw.Evaluation)
    assert measured.to_json()["selection"] == measured.selection
