"""From artifact to artifact: what wins is kept and reproduces, what does not is refused in words."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace

import pytest
from batch_dependent import batch_dependent
from rule_source import write_source

import textwright
from textwright.core import artifact as artifacts
from textwright.core.callbacks import Callback
from textwright.data.load import load_dataset
from textwright.data.settings import DataSettings
from textwright.display.optimization import show_outcome
from textwright.display.terminal import Output, Terminal
from textwright.errors import DataError, NoGainError, SettingsError
from textwright.optimize import candidate_result, measure, optimization
from textwright.optimize.candidate_result import verdict
from textwright.optimize.candidates import CandidateSpec, candidate_specs
from textwright.optimize.optimization import optimize
from textwright.optimize.outcome import OptimizationResult
from textwright.optimize.settings import OptimizationTarget, OptimizeSettings

EASY = OptimizeSettings(max_drop=5, agreement=95, target=OptimizationTarget.SIZE)


class Watch(Callback):
    def __init__(self) -> None:
        self.tried: list[str] = []
        self.stages: list[str] = []

    def on_stage_begin(self, stage):
        self.stages.append(stage)

    def on_run_begin(self, run):
        assert run.summary
        assert 1 <= run.number <= run.total
        self.tried.append(run.name)

    def on_run_end(self, run, outcome):
        assert run.name == self.tried[-1]
        assert outcome.startswith(("passes: ", "no: "))


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return write_source(tmp_path_factory.mktemp("source") / "rows.jsonl", 800)


@pytest.fixture(scope="module")
def model(make_artifact, source):
    """Return a bag of words that is right, over a table that is worth storing in fewer bits."""
    dataset = load_dataset(source)
    words = {f"w{index}": (0.01 * (index % 7), 0.0) for index in range(4_000)}
    words |= dict.fromkeys(("good", "great", "fine", "moving"), (-9.0, 9.0))
    words |= dict.fromkeys(("bad", "awful", "dull", "flat"), (9.0, -9.0))
    data = {
        "source": source,
        "fingerprint": dataset.fingerprint,
        "settings": DataSettings().model_dump(mode="json"),
    }
    return make_artifact("words", words=words, data=data, training_texts=dataset.train.texts, max_surprisal=99.0)


@pytest.fixture(scope="module")
def done(model, source, tmp_path_factory):
    out = tmp_path_factory.mktemp("optimized") / "out"
    return optimize(model, source, out, EASY, DataSettings(), [Watch()]), out


def test_the_smallest_is_the_default_and_reproduces(done, model):
    outcome, out = done
    manifest = artifacts.read(out).manifest
    assert outcome.kept[0] == manifest.default_variant == "int8-rows"
    assert manifest.reference_variant == "fp32"
    assert [item.out_of_distribution for item in textwright.load(out).predict(["a moving w1", "zebra"])] == [
        False,
        True,
    ]
    assert manifest.variants["int8-rows"].metrics["accuracy"]["value"] == outcome.test["int8-rows"].value == 1.0
    assert textwright.load(out).predict(["a moving w1"])[0].label == "positive"
    assert textwright.load(out, variant="fp32").logits(["a w9"]) == pytest.approx(
        textwright.load(model).logits(["a w9"])
    )


def test_the_report_says_everything(done):
    outcome, out = done
    content = json.loads(OptimizationResult.json_path(out).read_text())
    assert [item["name"] for item in content["candidates"]] == ["fp16-rows", "int8-rows"]
    assert all(item["gate"]["agreement"] >= 95 and item["cost"]["size_gain"] > 1.3 for item in content["candidates"])
    assert content["test"].keys() == {"fp32", *outcome.kept}
    page = OptimizationResult.html_path(out).read_text()
    assert "<script" not in page
    assert "int8-rows" in page
    assert "<svg" in page


def test_memory_is_that_of_the_variant_and_not_of_this_process(tiny_artifact):
    ballast = b"x" * 1_000_000_000
    found = measure._memory(textwright.load(tiny_artifact))
    assert 20_000_000 < found < 500_000_000 < len(ballast)


def test_the_table_shows_the_reference_that_gains_are_measured_against(done, capsys):
    outcome, _ = done
    show_outcome(Terminal(Output()), outcome)
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    reference = next(row for row in rows if row[:2] == ["fp32", "+0.00"])
    assert reference.count("1.00x") == 3
    cost = outcome.reference_cost()
    timed = next(candidate.cost for candidate in outcome.candidates if candidate.cost)
    assert cost.size_bytes == round(timed.size_bytes * timed.size_gain)
    assert "the reference" in OptimizationResult.html_path(done[1]).read_text()


def test_a_search_that_was_stopped_goes_on(done, model, source):
    outcome, out = done
    graph = out / "candidates" / "int8-rows" / "model.onnx"
    made = graph.stat().st_mtime_ns
    time.sleep(0.01)
    again = optimize(model, source, out, EASY, DataSettings(), [Watch()])
    assert [candidate.cost for candidate in again.candidates] == [candidate.cost for candidate in outcome.candidates]
    assert graph.stat().st_mtime_ns == made


def test_a_budget_ends_the_search(model, source, tmp_path):
    settings = EASY.model_copy(update={"budget_minutes": 1e-9})
    outcome = optimize(model, source, tmp_path / "out", settings, DataSettings(), [Watch()])
    assert (outcome.candidates, outcome.kept, outcome.skipped) == ([], [], ["fp16-rows", "int8-rows"])
    assert list(artifacts.read(tmp_path / "out").manifest.variants) == ["fp32"]


def test_what_is_known_costs_no_budget(done, model, source):
    outcome, out = done
    settings = EASY.model_copy(update={"budget_minutes": 1e-9})
    again = optimize(model, source, out, settings, DataSettings(), [Watch()])
    assert [candidate.cost for candidate in again.candidates] == [candidate.cost for candidate in outcome.candidates]
    assert not again.skipped


def test_a_search_killed_while_timing_goes_on_from_the_gate(model, source, tmp_path, monkeypatch):
    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(optimization, "compare_costs", die)
        with pytest.raises(KeyboardInterrupt):
            optimize(model, source, tmp_path / "out", EASY, DataSettings(), [Watch()])
    graph = tmp_path / "out" / "candidates" / "fp16-rows" / "model.onnx"
    made = graph.stat().st_mtime_ns
    settings = EASY.model_copy(update={"recipes": ("fp16-rows",)})
    outcome = optimize(model, source, tmp_path / "out", settings, DataSettings(), [Watch()])
    assert [candidate.name for candidate in outcome.candidates if candidate.cost] == ["fp16-rows"]
    assert graph.stat().st_mtime_ns == made


def test_a_variant_that_is_kept_for_another_target_says_for_which(done):
    outcome, _ = done
    candidate = next(item for item in outcome.candidates if item.name == outcome.kept[0])
    assert outcome.verdict(candidate).endswith(" (kept)")
    cost = replace(candidate.cost, latency_gain=1.02, throughput_gain=0.9)
    settings = EASY.model_copy(update={"target": OptimizationTarget.LATENCY})
    words = replace(outcome, settings=settings).verdict(replace(candidate, cost=cost))
    size = f"{cost.size_gain:.2f}"
    assert words == f"kept: {size} times as good in size; 1.02 times the reference's latency is no gain here"


def test_a_variant_whose_answers_depend_on_the_batch_fails_unless_asked_for(model, source, tmp_path, monkeypatch):
    recipe = CandidateSpec("dependent", "int8", "looks at the batch", lambda it: batch_dependent(it.graph))
    monkeypatch.setattr(optimization, "candidate_specs", lambda _: [recipe])
    monkeypatch.setattr(candidate_result, "LEAST_GAIN", 0.0)
    lenient = EASY.model_copy(update={"max_drop": 100, "agreement": 1e-9})
    outcome = optimize(model, source, tmp_path / "out", lenient, DataSettings(), [Watch()])
    (refused,) = outcome.candidates
    assert outcome.kept == []
    assert refused.cost is None
    assert refused.gate.batch_invariance.max_change > 0.05
    words = r"no: a text's probabilities change by up to 0\..*, bound 0\.001; --allow-batch-dependent accepts it"
    assert re.fullmatch(words, verdict(refused, lenient))
    allowed = lenient.model_copy(update={"allow_batch_dependent": True})
    outcome = optimize(model, source, tmp_path / "out", allowed, DataSettings(), [Watch()])
    assert outcome.kept == ["dependent"]
    assert "labels change with the other texts of its batch" in outcome.verdict(outcome.candidates[0])
    written = artifacts.read(tmp_path / "out")
    stored = written.manifest.variants["dependent"].batch_invariance
    assert stored == refused.gate.batch_invariance.to_manifest()
    assert f"| `dependent` | {stored['max_change']:.2g} |" in (written.path / "README.md").read_text()


def test_an_unknown_recipe_is_refused_with_those_that_there_are(model, source, tmp_path):
    settings = EASY.model_copy(update={"recipes": ("int4",)})
    with pytest.raises(SettingsError, match=r"'int4'.*fp16-rows, int8-rows"):
        optimize(model, source, tmp_path / "out", settings, DataSettings(), [Watch()])


def test_a_variant_keeps_the_engine_it_was_gated_on(model, source, tmp_path, monkeypatch):
    pytest.importorskip("openvino")
    recipe = CandidateSpec("elsewhere", "fp32", "as it is, on OpenVINO", lambda it: it.graph, "openvino")
    absent = CandidateSpec("absent", "fp16", "never", lambda it: it.graph, "openvino", lambda: "there is none here")
    monkeypatch.setattr(optimization, "candidate_specs", lambda _: [recipe, absent])
    monkeypatch.setattr(candidate_result, "LEAST_GAIN", 0.0)
    out = tmp_path / "out"
    outcome = optimize(model, source, out, EASY, DataSettings(), [Watch()])
    assert outcome.unavailable == {"absent": "there is none here"}
    assert artifacts.read(out).manifest.variants["elsewhere"].engine == "openvino"
    assert textwright.load(out, variant="elsewhere").predict(["a moving w1"])[0].label == "positive"
    assert "there is none here" in OptimizationResult.html_path(out).read_text()


def test_a_gain_can_be_required(model, source, tmp_path):
    settings = EASY.model_copy(update={"budget_minutes": 1e-9, "require": True})
    with pytest.raises(NoGainError, match="says why of each"):
        optimize(model, source, tmp_path / "out", settings, DataSettings(), [Watch()])
    assert OptimizationResult.html_path(tmp_path / "out").is_file()


def test_few_texts_pass_by_what_was_measured_and_the_bound_is_said(done):
    outcome, out = done
    candidate = outcome.candidates[0]
    assert (candidate.gate.num_texts, candidate.gate.drop) == (80, 0.0)
    assert candidate.gate.drop_bound == pytest.approx(3.68, abs=0.01)
    strict = EASY.model_copy(update={"max_drop": 0.5})
    words = "80 texts cannot exclude a loss of up to 3.68 points (95 % confidence)"
    assert verdict(candidate, strict).endswith(words)
    assert verdict(candidate, strict.model_copy(update={"require_bound": True})) == f"no: {words}, bound 0.5"
    assert "cannot exclude" not in verdict(candidate, EASY)
    assert outcome.gate_texts == "80 validation texts"
    evidence = artifacts.read(out).manifest.variants["int8-rows"].gate
    assert (evidence["num_texts"], evidence["drop"], evidence["num_folds"]) == (80, 0.0, 0)
    assert artifacts.read(out).manifest.variants["int8-rows"].batch_invariance["max_change"] < 1e-6
    assert outcome.test_drop["int8-rows"].num_texts == outcome.num_test


def test_an_artifact_whose_training_is_unknown_is_gated_on_its_validation_texts(model, source, tmp_path):
    settings = OptimizeSettings(target=OptimizationTarget.SIZE, recipes=("int8-rows",))
    outcome = optimize(model, source, tmp_path / "out", settings, DataSettings(), [Watch()])
    assert outcome.kept == ["int8-rows"]
    assert "no cross-validation: the artifact does not say how it was trained" in outcome.gate_texts
    assert "cannot exclude a loss of up to 3.68 points" in OptimizationResult.html_path(tmp_path / "out").read_text()
    with pytest.raises(SettingsError, match=r"--gate-folds 5: .* how it was trained; leave it out"):
        optimize(
            model,
            source,
            tmp_path / "five",
            settings.model_copy(update={"gate_folds": 5}),
            DataSettings(),
            [Watch()],
        )


def test_hardly_any_texts_are_refused(model, tmp_path):
    few = write_source(tmp_path / "few.jsonl", 60)
    with pytest.raises(DataError, match=r"at least 10 texts, and there are 6 validation texts; .*loss of 39 points"):
        optimize(model, few, tmp_path / "out", OptimizeSettings(), DataSettings(), [Watch()])
    assert not (tmp_path / "out").exists()


def test_a_bound_that_must_be_shown_takes_enough_texts(model, source, tmp_path):
    settings = OptimizeSettings(require_bound=True)
    with pytest.raises(DataError, match=r"have 80 texts.* need 598 .* leave --require-bound out, .*--max-drop 3\.7"):
        optimize(model, source, tmp_path / "out", settings, DataSettings(), [Watch()])
    assert not (tmp_path / "out").exists()


def test_what_lost_every_trial_is_tried_only_by_name():
    names = ("first", "rival", "last")
    recipes = [CandidateSpec(name, "int8", "", lambda it: it.graph, only_by_name=name == "rival") for name in names]
    assert [recipe.name for recipe in optimization._wanted(recipes, ())] == ["first", "last"]
    assert [recipe.name for recipe in optimization._wanted(recipes, ("last", "rival"))] == ["rival", "last"]


def test_other_labels_are_refused(model, tmp_path):
    path = tmp_path / "other.jsonl"
    path.write_text('{"text": "a", "label": "sports"}\n' * 3)
    with pytest.raises(DataError, match="sports"):
        optimize(model, str(path), tmp_path / "out", EASY, DataSettings(), [Watch()])


@pytest.mark.slow
def test_an_encoder_has_all_candidates(make_encoder_graph):
    names = [recipe.name for recipe in candidate_specs(make_encoder_graph("bert")[0])]
    assert len(set(names)) == len(names)
    assert {
        "fused",
        "int8-smooth",
        "openvino-bf16",
        "openvino-int8",
        "int8",
        "int8-static-entropy",
        "int8-rows",
        "quantize-dynamic",
    } <= set(names)
