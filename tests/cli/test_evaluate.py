"""``textwright evaluate`` as it is typed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from textwright.cli.main import run

CSV = 'text,label\ngood,positive\n"bad [film]",negative\n"a [bold]good[/bold] film",negative\ngreat,positive\n'


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "reviews.csv"
    path.write_text(CSV)
    return path


def test_json_is_one_object_with_the_metrics(
    tiny_artifact: Path, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["evaluate", str(tiny_artifact), str(source), "--json"]) == 0
    printed = capsys.readouterr()
    content = json.loads(printed.out)
    assert content["metrics"]["accuracy"]["value"] == 0.75
    assert set(content["metrics"]["accuracy"]) == {"value", "low", "high"}
    assert content["rows"].startswith("all 4 rows of")
    assert "measuring all 4 rows of" in printed.err


def test_people_see_metrics_labels_and_mistakes(
    tiny_artifact: Path, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["evaluate", str(tiny_artifact), str(source)]) == 0
    printed = capsys.readouterr()
    for expected in ("Accuracy", "75.0 %", "all rows (4 texts)", "negative", "as trained", "a [bold]good[/bold] film"):
        assert expected in printed.out
    assert "next:" in printed.err


@pytest.mark.parametrize(
    ("temperature", "rows"),
    [(1.0002, ["1.000 (as trained and as served)"]), (2.0, ["1 (as trained)", "2.000 (as served)"])],
)
def test_a_temperature_of_about_one_is_one_row(
    temperature: float,
    rows: list[str],
    make_artifact: Callable[..., Path],
    source: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["evaluate", str(make_artifact(temperature=temperature)), str(source)]) == 0
    printed = capsys.readouterr().out
    assert [line.strip().partition(")")[0] + ")" for line in printed.splitlines() if "(as " in line] == rows


def test_a_file_of_one_label_is_called_so(
    tiny_artifact: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "top.csv").write_text("text,label\ngood,positive\ngreat,positive\n")
    report = tmp_path / "report.html"
    assert run(["evaluate", str(tiny_artifact), str(tmp_path / "top.csv"), "--report", str(report)]) == 0
    assert "! all 2 texts are labeled 'positive'" in capsys.readouterr().out
    assert "all 2 texts are labeled" in report.read_text()


def test_quiet_says_the_result_alone(tiny_artifact: Path, source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", str(tiny_artifact), str(source), "--quiet"]) == 0
    printed = capsys.readouterr()
    assert "Accuracy" in printed.out
    assert printed.err == ""


def test_the_report_is_written_where_it_is_asked_for(tiny_artifact: Path, source: Path, tmp_path: Path) -> None:
    report = tmp_path / "out" / "report.html"
    assert run(["evaluate", str(tiny_artifact), str(source), "--report", str(report), "--quiet"]) == 0
    assert "a [bold]good[/bold] film" in report.read_text(encoding="utf-8")


def test_data_flags_reach_the_source(tiny_artifact: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "two.tsv"
    path.write_text("first\tsecond\tstars\ngood\tbad\tpositive\n")
    flags = ["--text-column", "second", "--label-column", "stars", "--json"]
    assert run(["evaluate", str(tiny_artifact), str(path), *flags]) == 0
    assert json.loads(capsys.readouterr().out)["metrics"]["accuracy"]["value"] == 0.0


@pytest.mark.parametrize(
    ("rows", "flags", "expected"),
    [
        ("text,label\ngood,so-so\n", (), "line 2"),
        ("text,label\n", (), "reviews.csv"),
        ("", (), "reviews.csv"),
        (CSV, ("--split", "test"), "--split all"),
        (CSV, ("--variant", "int8"), "this artifact has fp32"),
        (CSV, ("--report", "page.json"), "ends in .html"),
    ],
)
def test_refusals_are_one_sentence(
    tiny_artifact: Path,
    source: Path,
    capsys: pytest.CaptureFixture[str],
    rows: str,
    flags: tuple[str, ...],
    expected: str,
) -> None:
    source.write_text(rows)
    assert run(["evaluate", str(tiny_artifact), str(source), *flags]) not in (0, 1)
    printed = capsys.readouterr().err
    assert expected in printed
    assert "Traceback" not in printed


def test_a_model_that_is_no_better_than_the_most_frequent_label_is_not_advised(
    tiny_artifact: Path, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = "".join(f"{text},{label}\n" for text, label in (("good", "positive"), ("awful", "negative")) * 20)
    better = tmp_path / "better.csv"
    better.write_text(f"text,label\n{rows}")
    for path, advised in ((source, f"textwright data check {source}"), (better, f"textwright serve {tiny_artifact}")):
        report = tmp_path / "pages" / "evaluation.html"
        assert run(["evaluate", str(tiny_artifact), str(path), "--report", str(report.parent)]) == 0
        printed = capsys.readouterr()
        assert f"next: {advised}" in " ".join(printed.err.split())
        standing = "not distinguishable from the most frequent label (50.0 %)"
        assert (standing in " ".join(printed.out.split()).lower()) is (path == source)
        page = report.read_text().replace("\N{NO-BREAK SPACE}", " ")
        assert (standing in page.lower()) is (path == source)
    assert run(["evaluate", str(tiny_artifact), str(source), "--report", "report.pdf"]) == 3
    assert "a report is a page; give a name that ends in .html, or a folder" in capsys.readouterr().err
