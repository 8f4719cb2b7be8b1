"""The battery's runner, its bars and its drawing, on tiny sources."""

import json

import pytest

import battery
from battery_baseline import TunedLinear
from battery_checks import check
from battery_figure import draw
from battery_sources import SOURCES
from tables import TABLES
from textwright.comparison.baselines import MajorityBaseline
from textwright.comparison.families import FamilyCandidate
from textwright.errors import DataError
from textwright.training.run import resolve_settings
from textwright.training.settings import TrainSettings


def quick_bow():
    """Return the row of ``bow``, trained for two short epochs."""
    training = TrainSettings(family="bow", num_epochs=2, min_steps=0)
    return FamilyCandidate("bow", *resolve_settings(training, {}))


class Broken(MajorityBaseline):
    """A row that ends with an error."""

    def run(self, job, progress):  # noqa: ARG002  the form of Candidate
        raise DataError("no such text")


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    bench = battery.Bench(SOURCES["fifty"], tmp_path_factory.mktemp("fifty"), 0.4)
    return bench, bench.run([MajorityBaseline(), TunedLinear(), Broken(name="broken"), quick_bow()], 1)


def row(value, high=0.6):
    metric = {"value": value, "high": high, "low": 0.4, "deviation": None}
    return {"metrics": {"accuracy": metric, "macro_f1": metric}}


def source(rows, num_train=500, language="English"):
    return {"primary_metric": "accuracy", "language": language, "num_examples": {"train": num_train}, "rows": rows}


def test_families_are_measured_beside_the_baseline(found):
    _, content = found
    assert content["rows"]["tuned tf-idf"]["metrics"]["accuracy"]["value"] > 0.8
    assert set(content["rows"]["bow"]["metrics"]) == {"accuracy", "macro_f1", "log_loss", "calibration_error"}
    assert content["ceiling"] > 0.9
    assert not content["is_real"]


@pytest.mark.parametrize("name", ["tags", "japanese"])
def test_bow_trains_on_a_tiny_form(name, tmp_path):
    bench = battery.Bench(SOURCES[name], tmp_path, 0.03)
    assert "metrics" in bench.run([quick_bow()], 1)["rows"]["bow"]


def test_a_row_that_fails_is_told_and_the_next_one_runs(found):
    _, content = found
    assert content["rows"]["broken"] == {"failed": "DataError: no such text"}
    assert content["rows"]["bow"]["train_s"] > 0


def test_a_finished_run_is_taken_up_and_a_forgotten_one_is_not(found, monkeypatch):
    bench, content = found
    monkeypatch.setattr(TunedLinear, "run", Broken.run)
    assert bench.run([TunedLinear()], 1)["rows"]["tuned tf-idf"] == content["rows"]["tuned tf-idf"]
    bench.forget(["tuned tf-idf"])
    assert "failed" in bench.run([TunedLinear()], 1)["rows"]["tuned tf-idf"]


def test_results_of_several_calls_are_merged(found, tmp_path, monkeypatch):
    monkeypatch.setattr(battery, "RESULTS", tmp_path)
    monkeypatch.setattr("_common.RESULTS", tmp_path)
    _, content = found
    battery.merge("battery", "fifty", {**content, "rows": {"bow": row(0.7)}})
    battery.merge("battery", "fifty", {**content, "rows": {"linear": row(0.8)}})
    merged = json.loads((tmp_path / "battery.json").read_text(encoding="utf-8"))
    assert list(merged["sources"]["fifty"]["rows"]) == ["bow", "linear"]


def test_each_bar_names_the_sources_that_miss_it():
    rows = {"majority": row(0.5), "tuned tf-idf": row(0.8), "linear": row(0.79), "bow": row(0.78), "bert": row(0.55)}
    checks = check({"sources": {"reviews": source(rows), "small": source({**rows, "bow": row(0.6)}, num_train=40)}})
    misses = {one.bar.split()[0] + str(number): one.misses for number, one in enumerate(checks)}
    assert misses["linear0"] == (
        "reviews: -1.0 points, macro-F1 -1.0",
        "small: -1.0 points, macro-F1 -1.0",
    )
    assert misses["bow1"] == ()
    assert misses["bow2"] == ("accuracy: -11.00 points over 2 sources", "macro-F1: -11.00 points over 2 sources")
    assert checks[3].num_rows == 0
    assert [miss for miss in misses["every6"] if miss.startswith("reviews")] == [
        "reviews: bert 55.0, majority up to 60.0"
    ]


def test_vectors_of_english_words_are_held_to_english_alone():
    rows = {"majority": row(0.5), "tuned tf-idf": row(0.8), "bow-glove": row(0.5)}
    bars = {one.bar: one for one in check({"sources": {"reviews": source(rows, language="Thai")}})}
    assert all(not one.num_rows for bar, one in bars.items() if bar.startswith("bow-glove"))


def test_the_drawing_and_the_table_show_what_was_measured(found, tmp_path, monkeypatch):
    _, content = found
    sources = {"fifty": content, "other": {**content, "is_real": True, "ceiling": None}}
    draw(sources, tmp_path / "battery.png")
    assert (tmp_path / "battery.png").read_bytes().startswith(b"\x89PNG")
    monkeypatch.setitem(TABLES["battery"].__globals__, "_read", lambda _: {"sources": sources})
    head, _, first, _ = TABLES["battery"]().splitlines()
    assert "`bow`" in head
    assert first.startswith("| fifty | 18, 2 | English |")
    assert "| failed |" in first
