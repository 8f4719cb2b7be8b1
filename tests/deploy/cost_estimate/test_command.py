"""``textwright cost`` as its user types it."""

from __future__ import annotations

import json

import pytest

from textwright.cli.main import run

ASKED = ["--requests-per-day", "50000"]
QUICK = ["--measure-s", "0.2", "--tokens", "6"]


@pytest.fixture(scope="module")
def artifact(make_artifact):
    return make_artifact("tiny")


@pytest.fixture(scope="module")
def earlier(artifact, tmp_path_factory):
    """Measure the tiny artifact for real, once; return the folder with its report."""
    out = tmp_path_factory.mktemp("cost") / "earlier"
    assert run(["cost", str(artifact), *ASKED, *QUICK, "--out", str(out)]) == 0
    return out


def test_measures_prices_and_writes_report_and_page(earlier):
    assert sorted(path.name for path in earlier.iterdir()) == ["cost.html", "cost.json"]
    report = json.loads((earlier / "cost.json").read_text())
    assert report["measured"]["server"]["cpu_s"] > 0
    assert {choice["target"] for choice in report["choices"]} == {"EC2", "Lambda"}
    assert "cheaper" in report["break_even"]["words"]


def test_an_earlier_measurement_gives_other_traffics_without_measuring(artifact, earlier, capsys):
    words = ["cost", str(artifact), "--measured", str(earlier), "--tokens", "6"]
    assert run([*words, "--requests-per-day", "1000", "--json"]) == 0
    low = json.loads(capsys.readouterr().out)
    assert low["measured"] == json.loads((earlier / "cost.json").read_text())["measured"]
    assert run([*words, "--requests-per-day", "1000000"]) == 0
    said = capsys.readouterr()
    assert "1,769" in said.out
    assert "excluded: taxes" in said.err
    assert f"next: textwright package {artifact} --target" in said.err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--requests-per-day", "0"], 3, "--requests-per-day is 0; it must be more than 0"),
        (["--requests-per-day", "-5"], 3, "--requests-per-day is -5; it must be more than 0"),
        (["--requests-per-day", "nan"], 3, "--requests-per-day is nan; it must be more than 0"),
        ([], 3, "textwright cost ARTIFACT --requests-per-day 50000"),
        ([*ASKED, "--utilization", "0"], 2, "utilization: input should be greater than 0"),
        ([*ASKED, "--peak-factor", "0.5"], 2, "peak_factor: input should be greater than or equal to 1"),
        ([*ASKED, "--instance-types", "t9.small"], 3, "no instance type 't9.small'; it has t3.micro"),
        ([*ASKED, "--memory-mb", "64"], 3, "a function's memory in MB is 64; it must be 128 to 10240"),
        ([*ASKED, "--prices", "absent.toml"], 3, "there is no price table absent.toml"),
        ([*ASKED, "--measured", "absent.json"], 3, "there is no absent.json"),
        ([*ASKED, "--variant", "int9"], 3, "int9"),
    ],
)
def test_bad_input_is_said_in_words(artifact, capsys, words, code, said):
    assert run(["cost", str(artifact), *words]) == code
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


def test_a_measurement_of_something_else_is_refused(artifact, earlier, tmp_path, capsys):
    words = ["cost", str(artifact), *ASKED, "--measured"]
    assert run([*words, str(earlier), "--texts-per-request", "4", "--tokens", "6"]) == 3
    assert "measured with --texts-per-request 1, asked is 4" in capsys.readouterr().err
    assert run([*words, str(earlier)]) == 3
    assert "measured with --tokens 6, asked is 32" in capsys.readouterr().err
    report = json.loads((earlier / "cost.json").read_text())
    other = tmp_path / "other.json"
    for change, said in (
        ({"version": "0" * 12}, "measured with version 000000000000"),
        ({"server": {"cpu_s": "fast"}}, "server.cpu_s"),
    ):
        other.write_text(json.dumps({**report, "measured": {**report["measured"], **change}}))
        assert run([*words, str(other), "--tokens", "6"]) == 3
        assert said in capsys.readouterr().err
    other.write_text("no json")
    assert run([*words, str(other)]) == 3
    assert "is no cost.json of an earlier run" in capsys.readouterr().err


def test_an_absent_artifact_is_said(tmp_path, capsys):
    assert run(["cost", str(tmp_path / "none"), *ASKED]) == 3
    assert "none" in capsys.readouterr().err
