"""From two artifacts to one: the bound is kept, the report says all, and what cannot be is refused in words."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from batch_dependent import batch_dependent
from rule_source import write_source

import textwright
from textwright.cli.main import run
from textwright.core import artifact as artifacts
from textwright.core.artifact import Variant
from textwright.core.callbacks import Callback
from textwright.data.load import load_dataset
from textwright.data.settings import DataSettings
from textwright.errors import DataError, NoGainError, SettingsError
from textwright.optimize.cascade import make
from textwright.optimize.cascade.assemble import CascadePlan, write_cascade
from textwright.optimize.cascade.make import make_cascade
from textwright.optimize.cascade.outcome import Outcome
from textwright.optimize.cascade.pair import open_pair
from textwright.optimize.cascade.settings import CascadeSettings
from textwright.optimize.optimization import optimize
from textwright.optimize.settings import OptimizeSettings

GOOD, BAD = ("good", "great", "fine", "moving"), ("bad", "awful", "dull", "flat")
EASY = CascadeSettings(max_drop=2)


class Watch(Callback):
    def __init__(self):
        self.stages = []

    def on_stage_begin(self, stage):
        self.stages.append(stage)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return write_source(tmp_path_factory.mktemp("source") / "rows.jsonl", 2_400)


@pytest.fixture(scope="module")
def data(source):
    fingerprint = load_dataset(source).fingerprint
    return {"source": source, "fingerprint": fingerprint, "settings": DataSettings().model_dump(mode="json")}


def words(good, bad, count=400):
    return {f"w{index}": (0.2 * (index % 7 - 3), 0.0) for index in range(count)} | {
        **dict.fromkeys(good, (-20.0, 20.0)),
        **dict.fromkeys(bad, (20.0, -20.0)),
    }


@pytest.fixture(scope="module")
def fast(make_artifact, data):
    """Return a model that knows half of the words, and says so."""
    return make_artifact("half", words=words(GOOD[:2], BAD[:2]), data=data)


@pytest.fixture(scope="module")
def strong(make_artifact, data):
    """Return a model that knows every word, and takes its time: each token goes through large products."""
    return make_artifact("whole", words=words(GOOD, BAD), data=data, num_slow_layers=24)


@pytest.fixture(scope="module")
def done(fast, strong, source, tmp_path_factory):
    out, watch = tmp_path_factory.mktemp("cascade") / "out", Watch()
    return make_cascade(fast, strong, source, out, EASY, DataSettings(), [watch]), out, watch


def test_the_fast_model_answers_what_it_knows_and_nothing_is_lost(done):
    outcome, out, watch = done
    assert outcome.verdict.share_escalated == pytest.approx(0.5, abs=0.1)
    assert outcome.verdict.accuracy["cascade"].value == outcome.verdict.accuracy["strong"].value == 1.0
    assert outcome.verdict.accuracy["fast"].value < 0.9
    assert (outcome.verdict.drop.value, outcome.verdict.agreement, outcome.verdict.p_value) == (0.0, 100.0, 1.0)
    assert outcome.gain > 1.3
    assert len(watch.stages) >= 3
    found = textwright.load(out).predict(["w1 a good w2", "w1 a moving w2"])
    assert [(item.label, item.stage) for item in found] == [("positive", "fast"), ("positive", "strong")]


def test_a_cascade_whose_answers_depend_on_the_batch_is_refused(fast, strong, source, tmp_path):
    old = artifacts.read(fast)
    contents = {name: (fast / name).read_bytes() for name in old.files} | {artifacts.GOLDEN: b""}
    contents["model.onnx"] = batch_dependent(contents["model.onnx"])
    dependent = artifacts.write(tmp_path / "dependent", old.manifest, contents).path
    settings = EASY.model_copy(update={"max_drop": 100})
    with pytest.raises(NoGainError, match=r"fp32\+fp32 is not batch-invariant: .* --strong-variant .*"):
        make_cascade(dependent, strong, source, tmp_path / "out", settings, DataSettings(), [Watch()])


def test_the_artifact_says_what_it_is_and_holds_the_curve(done, fast, strong):
    outcome, out, _ = done
    found = artifacts.read(out)
    manifest, (first, second) = found.manifest, found.stages
    assert manifest.variant(None).batch_invariance == outcome.batch_invariance.to_manifest()
    assert outcome.batch_invariance.is_invariant
    assert (manifest.name, manifest.family, manifest.default_variant) == ("whole-cascade", "bow+bow", "fp32+fp32")
    models = {item["name"]: item["model"] for item in json.loads((found.path / "cascade.json").read_text())["stages"]}
    assert models == {
        "fast": f"half@{artifacts.read(fast).version}",
        "strong": f"whole@{artifacts.read(strong).version}",
    }
    assert manifest.variants["fp32+fp32"].metrics["accuracy"]["value"] == 1.0
    curve = json.loads((found.path / "cascade.json").read_text())
    assert curve["point"]["min_confidence"] == first.min_confidence == outcome.point.min_confidence
    assert curve["curve"][0]["share_escalated"] == 1.0
    assert second.min_confidence == 0.0
    assert "cascade of two stages" in (found.path / "README.md").read_text()


def test_a_strong_stage_that_is_no_better_is_said(done):
    outcome, _, _ = done
    assert outcome.advice == ""
    accuracy = {**outcome.verdict.accuracy, "strong": outcome.verdict.accuracy["fast"]}
    alike = replace(outcome, verdict=replace(outcome.verdict, accuracy=accuracy))
    assert "whole is no better than half" in alike.advice
    accuracy["fast"] = outcome.verdict.accuracy["strong"]
    worse = replace(outcome, verdict=replace(outcome.verdict, accuracy=accuracy))
    assert "whole is worse than half" in worse.advice
    assert worse.advice.endswith("against 100.0 %): serve half alone")


def test_the_report_says_everything(done):
    outcome, out, _ = done
    content = json.loads(Outcome.json_path(out).read_text())
    assert content["verdict"]["accuracy"]["cascade"]["value"] == 1.0
    assert content["speed"]["cascade"]["throughput_gain"] == outcome.gain
    page = Outcome.html_path(out).read_text()
    assert "<script" not in page
    assert "<svg" in page
    assert "at most 2 points lost, with a confidence of 95\u00a0%" in page


@pytest.mark.slow
def test_a_floor_and_a_budget_choose_other_points(done, fast, strong, source, tmp_path, monkeypatch):
    outcome, _, _ = done
    low = make_cascade(
        fast, strong, source, tmp_path / "low", CascadeSettings(min_accuracy=80), DataSettings(), [Watch()]
    )
    assert low.point.share_escalated < outcome.point.share_escalated
    assert low.point.accuracy >= 0.8
    budget = (outcome.speed["fast"].mean_ms + outcome.speed["strong"].mean_ms) / 2
    # The machine may be quicker now than when the budget was measured.
    monkeypatch.setattr(make, "compare_speed", lambda *_args, **_settings: outcome.speed)
    within = make_cascade(
        fast, strong, source, tmp_path / "budget", CascadeSettings(max_latency_ms=budget), DataSettings(), [Watch()]
    )
    assert 0 < within.point.share_escalated < 0.8


def test_a_budget_that_no_model_or_each_keeps_is_refused(done, fast, strong, source, tmp_path):
    for budget, reason in ((1e-6, "the fast model alone takes"), (1e6, "serve it alone")):
        with pytest.raises(NoGainError, match=reason):
            make_cascade(
                fast, strong, source, tmp_path / "o", CascadeSettings(max_latency_ms=budget), DataSettings(), [Watch()]
            )
    assert not (tmp_path / "o").exists()


def test_a_fast_model_that_is_not_faster_is_refused(fast, strong, source, tmp_path):
    with pytest.raises(NoGainError, match="which is no gain"):
        make_cascade(strong, fast, source, tmp_path / "o", CascadeSettings(max_drop=100), DataSettings(), [Watch()])
    assert not (tmp_path / "o").exists()


def test_few_texts_keep_the_bound_as_measured_and_say_which_they_can_show(make_artifact, tmp_path, capsys):
    source = write_source(tmp_path / "few.jsonl", 300)
    data = {"source": source, "fingerprint": load_dataset(source).fingerprint, "settings": {}}
    half = make_artifact("half", words=words(GOOD[:2], BAD[:2]), data=data)
    whole = make_artifact("whole", words=words(GOOD, BAD), data=data, num_slow_layers=24)
    out = tmp_path / "out"
    outcome = make_cascade(half, whole, source, out, CascadeSettings(), DataSettings(), [Watch()])
    assert (outcome.num_texts, outcome.verdict.num_texts) == (30, 30)
    assert "no cross-validation: the artifact does not say how it was trained" in outcome.gate_texts
    assert outcome.bound == (
        "at most 0.3 points lost as measured, and at most 9.50 with a confidence of 95 %: 30 texts can show no less"
    )
    assert outcome.point.accuracy == 1.0
    assert min(outcome.verdict.drop_bound, outcome.cross_validated.drop_bound) > 9.49 > outcome.verdict.drop.value
    words_of_bound = f"cannot exclude a loss of up to {outcome.verdict.drop_bound:.2f}"
    assert f"{words_of_bound} points" in Outcome.html_path(out).read_text()
    assert json.loads((out / "artifact" / "cascade.json").read_text())["cross_validated"]["num_texts"] == 30
    strict = CascadeSettings(require_bound=True)
    with pytest.raises(DataError, match=r"there are 30 texts to choose by, .* takes 998.* leave --require-bound out"):
        make_cascade(half, whole, source, tmp_path / "o", strict, DataSettings(), [Watch()])
    command = ["cascade", str(half), str(whole), "--data", source, "--out", str(tmp_path / "o")]
    assert run([*command, "--gate-folds", "5"]) == 3
    assert "--gate-folds 5: the artifact does not say how it was trained" in capsys.readouterr().err
    assert run(command) == 0
    assert f"30 texts {words_of_bound} points (95 % confidence)" in capsys.readouterr().out.replace("\n", " ")


def test_models_that_do_not_belong_together_are_refused(make_artifact, make_cascade, fast, data, tmp_path):
    def refuse(message, **fields):
        other = make_artifact("other", **{"words": words(GOOD, BAD), "data": data, **fields})
        with pytest.raises(SettingsError, match=message):
            open_pair(fast, other, None, None)

    refuse("same split: fingerprint is .* of the strong model", data={**data, "fingerprint": "0" * 64})
    seed = {**data["settings"], "split_seed": 1}
    refuse("same split: split_seed is 1 of the strong model, and of the fast one 0", data={**data, "settings": seed})
    refuse("does not say what it was trained on", data={})
    refuse("a cascade has one threshold for a label, so train both without", thresholds={"positive": 0.3})
    costs = {"negative": {"negative": 0, "positive": 5}, "positive": {"negative": 1, "positive": 0}}
    refuse("a cascade has one cost matrix", costs=costs)
    refuse("abstains below a confidence of 0.9000, .* train it without --max-error-rate", min_confidence=0.9)
    refuse("abstains out of distribution, .* train it without --ood-rate", training_texts=["good film", "bad film"])
    labels = textwright.core.labels.Labels(("no", "yes"))
    refuse(r"other labels: labels is \['no', 'yes'\] of the strong", labels=labels)
    with pytest.raises(SettingsError, match="is a cascade already"):
        open_pair(fast, make_cascade(), None, None)


def test_the_bound_is_one(capsys):
    with pytest.raises(ValueError, match="--max-drop and --min-accuracy"):
        CascadeSettings(max_drop=1, min_accuracy=90)
    assert CascadeSettings().drop_bound == 0.3


def test_graphs_of_one_processor_bring_those_of_every_one_along(fast, strong, tmp_path):
    source = artifacts.read(strong)
    contents = {name: (source.path / name).read_bytes() for name in source.files}
    contents |= {"int8.onnx": contents["model.onnx"], "int8.golden.jsonl": contents["golden.jsonl"]}
    int8 = Variant("int8.onnx", "int8", golden="int8.golden.jsonl", instruction_set="nothing that there is")
    both = {"int8": int8, **source.manifest.variants}
    bound = artifacts.write(tmp_path / "bound", replace(source.manifest, variants=both), contents).path
    pair = open_pair(fast, bound, None, None)
    assert pair.variant == "fp32+int8"
    texts = ["w1 good", "w1 moving", "w2"]
    found = write_cascade(tmp_path / "cascade", CascadePlan(pair, 0.9, "both", texts, {}, {}))
    assert list(found.manifest.variants) == ["fp32+int8", "fp32+fp32"]
    assert found.manifest.reference_variant == "fp32+fp32"
    spoilt = {name: (found.path / name).read_bytes() for name in found.files}
    spoilt["fp32+int8.golden.jsonl"] = b'{"text": "w1 good", "logits": [9.0, 9.0]}\n'
    elsewhere = artifacts.write(tmp_path / "elsewhere", found.manifest, spoilt).path
    assert textwright.load(elsewhere).variant == "fp32+fp32"


def test_a_cascade_is_not_optimized_again(make_cascade, source, tmp_path):
    with pytest.raises(SettingsError, match="is made of several models; optimize these"):
        optimize(make_cascade(), source, tmp_path, OptimizeSettings(), DataSettings())


def test_the_command_makes_it_and_others_know_it(fast, strong, source, tmp_path, capsys):
    out = tmp_path / "out"
    command = ["cascade", str(fast), str(strong), "--data", source, "--out", str(out)]
    assert run([*command, "--max-drop", "2", "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["point"]["share_escalated"] < 0.7
    assert "cascade.html" in said.err
    assert run(["inspect", str(out)]) == 0
    assert "answers from a confidence of" in capsys.readouterr().out
    assert run(["predict", str(out), "a good w1", "a moving w1"]) == 0
    table = capsys.readouterr().out
    assert "fast" in table
    assert "strong" in table
    assert run(["evaluate", str(out), source, "--quiet"]) == 0
    assert run([*command, "--max-drop", "1", "--min-accuracy", "90"]) == 2
    assert "not --max-drop and --min-accuracy" in capsys.readouterr().err


def test_a_file_is_predicted_with_the_stage_of_each_row(done, tmp_path):
    _, out, _ = done
    rows, scored = tmp_path / "rows.csv", tmp_path / "scored.csv"
    rows.write_text("text\na good w1\na moving w1\n")
    assert run(["predict", str(out), "--input", str(rows), "--output", str(scored)]) == 0
    header, first, second = scored.read_text().splitlines()
    assert header == "text,predicted_label,confidence,truncated,stage,probability_negative,probability_positive"
    assert [line.split(",")[4] for line in (first, second)] == ["fast", "strong"]
