"""The page and the JSON of a search that nobody had to run."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from textwright.errors import ConstraintError
from textwright.evaluate.intervals import Interval
from textwright.model_search.choice import Finalist, choose, front
from textwright.model_search.report import AutoReport, HeldOutResult
from textwright.model_search.settings import AutoSettings
from textwright.model_search.trials import FinishedModel, SearchStep, StepKind, Trial, TrialStatus

NAMES = {
    "linear": (0.775, 0.6, 36_000.0, 3.5),
    "bow-glove": (0.80, 0.06, 150_000.0, 0.9),
    "bow-glove-from-bert+r-drop": (0.815, 0.06, 150_000.0, 1.2),
    "bert+r-drop": (0.868, 8.3, 96.0, 91.6),
    "bert+r-drop@openvino-bf16": (0.867, 2.2, 500.0, 115.0),
    "bow-glove-then-bert+r-drop-openvino-bf16": (0.866, 0.1, 1_400.0, 116.0),
}


def make_report(settings: AutoSettings | None = None, source: str = "reviews.csv") -> AutoReport:
    settings = settings or AutoSettings()
    finalists = []
    for name, (score, latency_ms, texts_per_second, mb) in NAMES.items():
        family = "bow-glove+bert" if "then" in name else name.partition("+")[0].partition("-from")[0]
        model = FinishedModel(name, name, name, "fp32", family, score, score, latency_ms / 1000, int(mb * 1e6))
        finalists.append(Finalist(model, latency_ms, texts_per_second, 2.9))
    names = front(finalists)
    finalists = [item.marked(is_on_front=item.name in names) for item in finalists]
    choice = choose(finalists, settings.constraints, 0.005, "accuracy")
    step = SearchStep(StepKind.TRAIN, "bert", "all texts", "bert")
    trials = (
        Trial(
            SearchStep(StepKind.PROBE, "bert-on-528", "528 texts", "bert", size=528), TrialStatus.DONE, 40.0, 528, 0.8
        ),
        Trial(step, TrialStatus.STOPPED, 300.0, 8_454, 0.856, (finalists[3].model,)),
        Trial(replace(step, name="cnn-glove"), TrialStatus.FAILED, 1.0, reason="glove <b>cannot</b> be fetched"),
    )
    test = HeldOutResult(1_057, {"accuracy": Interval(0.868, 0.85, 0.886)}, 0.504, "0123456789ab", 116_000_000)
    return AutoReport(
        source=source,
        task="single-label",
        num_labels=2,
        num_examples={"train": 8_454, "validation": 1_057, "test": 1_057},
        primary_metric="accuracy",
        metric="accuracy",
        settings=settings,
        seconds=1_700.0,
        trials=trials,
        finalists=finalists,
        choice=choice,
        test=test if choice.chosen else None,
        curves={"bert": ((528, 0.80), (2_112, 0.83), (8_454, 0.856)), "linear": ((528, 0.66), (8_454, 0.775))},
        advice=("More time would try bert+epochs-3 (bert with 3 epochs, about 7 min).",),
        warnings=("3 texts are twice there",),
        machine={"cpu": "a processor", "cores": 2, "system": "Linux", "python": "3.11"},
        versions={"textwright": "0.1.0"},
    )


def test_the_page_says_the_choice_the_front_and_why() -> None:
    page = make_report(source="<script>").to_html()
    assert "<script>" not in page
    assert "&lt;b&gt;cannot" in page
    assert "taken, front" in page
    assert "bow-glove-then-bert+r-drop-openvino-bf16 is taken: accuracy 86.6\u00a0%" in page
    assert page.count("<svg") == 4  # two plots, each for screens and for phones
    assert "More time would try bert+epochs-3" in page


def test_the_json_is_complete_and_plain() -> None:
    content = json.loads(json.dumps(make_report().to_json(), allow_nan=False))
    assert content["choice"]["chosen"].startswith("bow-glove-then")
    assert content["trials"][1]["status"] == "stopped"
    assert content["settings"]["budget_minutes"] == 30


def test_a_page_of_nothing_shipped_says_by_how_much() -> None:
    report = make_report(AutoSettings(max_latency_ms=0.05, min_accuracy=80))
    page = report.to_html()
    assert "nothing is shipped" in page
    assert "nearest" in page
    with pytest.raises(ConstraintError, match=r"1\.2 times the 0\.05 allowed.*--budget-minutes"):
        report.raise_unless_shipped()


def test_a_bound_that_the_test_texts_do_not_confirm_is_said() -> None:
    report = make_report(AutoSettings(min_accuracy=86.6))
    low = replace(report.test, metrics={"accuracy": Interval(0.86, 0.84, 0.88)})  # type: ignore[type-var]
    assert "0.6 points below --min-accuracy 86.6" in " ".join(replace(report, test=low).measured)
