"""The planner is a pure function: what is known in, the next step out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from textwright.model_search.estimate import estimate, fits, reserve_s, time_limit_s
from textwright.model_search.plan import next_step, open_steps, probe_sizes, promise
from textwright.model_search.trials import FinishedModel, Known, SearchFamily, SearchStep, StepKind, Trial, TrialStatus

LIGHT, MIDDLE, ENCODER = SearchFamily("linear", False), SearchFamily("bow-glove", False), SearchFamily("bert", True)
SECONDS_PER_TEXT = {"linear": 1e-5, "bow-glove": 1e-5, "frozen-bert": 1e-2, "bert": 1e-2}


def known_of(*families: SearchFamily, num_train: int = 8_000, budget_s: float = 1_800, **more: object) -> Known:
    return Known(
        families=families or (LIGHT, MIDDLE, ENCODER),
        num_train=num_train,
        num_validation=num_train // 8,
        num_labels=2,
        budget_s=budget_s,
        seconds_left=budget_s,
        **more,  # type: ignore[arg-type]
    )


def done(step: SearchStep, score: float, seconds: float, num_train: int) -> Trial:
    if step.kind is StepKind.PROBE:
        return Trial(step, TrialStatus.DONE, seconds, num_train, score)
    family = step.family or "bert"
    speed = SECONDS_PER_TEXT[family] / (4 if step.kind is StepKind.OPTIMIZE else 1)
    variant = "int8-smooth" if step.kind is StepKind.OPTIMIZE else "fp32"
    name = f"{step.parents[0]}@{variant}" if step.kind is StepKind.OPTIMIZE else step.name
    kind = "linear+bert" if step.kind is StepKind.CASCADE else family
    model = FinishedModel(name, step.name, f"runs/{step.name}/artifact", variant, kind, score, score, speed, 1_000_000)
    return Trial(step, TrialStatus.DONE, seconds, num_train, score, (model,))


def play(known: Known, scores: dict[str, float], seconds_per_text: dict[str, float]) -> tuple[list[SearchStep], Known]:
    """Let the planner run a search whose scores and times follow a rule."""
    steps = []
    while (proposal := next_step(known)) is not None:
        step = proposal.step
        num_train = step.size or known.num_train
        score = scores.get(step.family or "bert", 0.5) - 10 / num_train
        seconds = (seconds_per_text[step.family] if step.family else 0.005) * num_train * step.cost
        known = known.after(done(step, score, seconds, num_train))
        steps.append(step)
        assert len(steps) < 100, "the planner goes round in a circle"
    return steps, known


SCORES = {"linear": 0.78, "bow-glove": 0.80, "bert": 0.86}
TIMES = {"linear": 0.001, "bow-glove": 0.0015, "bert": 0.035}


def test_every_family_is_probed_before_any_is_trained_in_full() -> None:
    steps, _ = play(known_of(), SCORES, TIMES)
    first_full = next(number for number, step in enumerate(steps) if step.kind is StepKind.TRAIN)
    probed = {step.family for step in steps[:first_full]}
    assert probed == {"linear", "bow-glove", "bert"}
    assert [step.size for step in steps[:3]] == [500, 500, 500]


def test_the_best_encoder_is_optimized_distilled_and_put_behind_a_light_model() -> None:
    steps, _ = play(known_of(budget_s=7_200), SCORES, TIMES)
    assert {step.kind for step in steps} == set(StepKind)
    cascade = next(step for step in steps if step.kind is StepKind.CASCADE)
    assert cascade.parents[0] in {"bow-glove", "bow-glove-from-bert"} or cascade.parents[0].startswith("bow-glove")
    assert cascade.parents[1].endswith("@int8-smooth")


def test_no_step_is_begun_that_is_predicted_not_to_fit() -> None:
    known = known_of(budget_s=300)
    steps, after = play(known, SCORES, TIMES)
    assert after.seconds_left >= 0
    assert "bert" not in {step.name for step in steps}  # 280 s of 300


def test_what_does_not_fit_whole_is_trained_on_as_many_texts_as_fit() -> None:
    known = known_of(num_train=64_000, budget_s=1_800)
    steps, _ = play(known, SCORES, TIMES)
    (partial,) = (step for step in steps if step.family == "bert" and step.kind is StepKind.TRAIN and step.size)
    assert partial.size == 32_000  # about 1,290 s with its export; all texts would take twice that
    assert partial.name == "bert-with-32000"


def test_an_encoder_that_is_no_better_is_neither_optimized_nor_distilled() -> None:
    steps, _ = play(known_of(), {**SCORES, "linear": 0.87}, TIMES)
    assert {step.kind for step in steps} == {StepKind.PROBE, StepKind.TRAIN}


def test_few_texts_are_learned_from_whole_at_once() -> None:
    assert probe_sizes(known_of(num_train=900)) == ()
    steps, _ = play(known_of(num_train=60, budget_s=600), SCORES, TIMES)
    assert StepKind.PROBE not in {step.kind for step in steps}


def test_probes_have_texts_of_every_label() -> None:
    assert probe_sizes(replace(known_of(num_train=8_000), num_labels=150)) == (1_500,)


def test_the_worse_half_is_not_probed_again_unless_it_costs_nothing_or_is_close() -> None:
    families = tuple(SearchFamily(name, True) for name in ("a", "b", "c", "d"))
    known = known_of(*families, budget_s=400)
    for family, score in zip(families, (0.9, 0.88, 0.6, 0.5), strict=True):
        step = SearchStep(StepKind.PROBE, f"{family.name}-on-500", "", family.name, size=500)
        known = known.after(Trial(step, TrialStatus.DONE, 20.0, 500, score))
    names = [item.step.name for item in open_steps(known)]
    assert names[:2] == ["a-on-2000", "b-on-2000"]
    assert "c-on-2000" not in names


def test_a_learning_curve_is_extrapolated_by_the_power_of_its_last_step() -> None:
    known = known_of()
    for size, score in ((500, 0.60), (2_000, 0.80)):
        step = SearchStep(StepKind.PROBE, f"bert-on-{size}", "", "bert", size=size)
        known = known.after(Trial(step, TrialStatus.DONE, 1.0, size, score))
    assert promise(known, "bert") == pytest.approx(0.90)  # the error halves for each fourfold
    assert promise(known, "linear") == 0.0


def test_a_change_of_settings_that_gains_is_the_ground_of_the_next() -> None:
    known = known_of(LIGHT, MIDDLE, budget_s=600)
    steps, _ = play(known, {"bow-glove": 0.8, "linear": 0.7}, TIMES)
    tuned = [step for step in steps if step.options.get("variation")]
    assert tuned
    assert tuned[0].name == "bow-glove+layer"
    assert tuned[0].model == {"num_hidden_layers": 1}


def test_two_changes_without_gain_end_the_tuning_of_a_family() -> None:
    known = known_of(ENCODER, budget_s=100_000)
    steps, _ = play(known, SCORES, TIMES)
    tuned = [step for step in steps if step.kind is StepKind.TRAIN and step.options.get("variation")]
    assert len(tuned) == 2  # of four: no score rises


def test_rare_labels_are_weighed_first_where_they_count() -> None:
    steps, _ = play(known_of(MIDDLE, counts_rare=True), SCORES, TIMES)
    assert next(step for step in steps if step.options.get("variation")).training == {"class_weight": "balanced"}


def test_texts_without_labels_are_taught_where_there_is_no_encoder() -> None:
    known = known_of(LIGHT, MIDDLE, num_unlabeled=5_000, tolerance=0.005)
    steps, _ = play(known, {"linear": 0.9, "bow-glove": 0.8}, TIMES)
    assert [step.name for step in steps if step.kind is StepKind.DISTILL] == ["bow-glove-from-linear"]


def test_time_is_a_line_through_the_two_largest_runs() -> None:
    known = known_of()
    for size, seconds in ((500, 10.0), (2_000, 25.0)):
        step = SearchStep(StepKind.PROBE, f"bert-on-{size}", "", "bert", size=size)
        known = known.after(Trial(step, TrialStatus.DONE, seconds, size, 0.8))
    assert estimate(SearchStep(StepKind.PROBE, "x", "", "bert", size=4_000), known) == pytest.approx(45.0)
    full = estimate(SearchStep(StepKind.TRAIN, "bert", "", "bert"), known)
    assert full == pytest.approx(85.0 * 1.15 + 4.0)
    twice = estimate(SearchStep(StepKind.TRAIN, "bert+x", "", "bert", cost=2.0), known)
    assert twice == pytest.approx(170.0 * 1.15 + 4.0)
    assert estimate(SearchStep(StepKind.TRAIN, "bow", "", "bow"), known) is None


def test_the_end_of_the_search_has_its_time() -> None:
    known = known_of(budget_s=100)
    assert reserve_s(known) == 25.0  # at most a quarter
    assert fits(60.0, known)
    assert not fits(70.0, known)
    assert time_limit_s(60.0, known) == 75.0
    assert time_limit_s(None, known) == 75.0  # without a first model there is nothing to ship
    later = known.after(Trial(SearchStep(StepKind.TRAIN, "linear", "", "linear"), TrialStatus.DONE, 1.0, 8_000, 0.8))
    assert time_limit_s(None, later) == 25.0
    assert time_limit_s(3.0, later) == 10.0


def test_a_plan_depends_on_nothing_but_what_is_known() -> None:
    first, _ = play(known_of(), SCORES, TIMES)
    second, _ = play(known_of(), SCORES, TIMES)
    assert first == second


def test_a_family_whose_probe_came_to_nothing_is_not_tried_again() -> None:
    known = known_of(LIGHT, MIDDLE)
    step = SearchStep(StepKind.PROBE, "bow-glove-on-500", "", "bow-glove", size=500)
    known = known.after(Trial(step, TrialStatus.DROPPED, 90.0, reason="its 90 s were up"))
    steps, _ = play(known, SCORES, TIMES)
    assert {step.family for step in steps} == {"linear"}


def test_a_slow_machine_has_something_to_ship_before_its_budget_is_probed_away() -> None:
    known = known_of(budget_s=100)
    for family, seconds in (("linear", 10.0), ("bow-glove", 30.0)):
        step = SearchStep(StepKind.PROBE, f"{family}-on-500", "", family, size=500)
        known = known.after(Trial(step, TrialStatus.DONE, seconds, 500, 0.7))
    steps = [item.step.name for item in open_steps(known)]
    assert steps[:3] == ["linear", "linear-with-1000", "bert-on-500"]
    first = next_step(known)
    assert first is not None
    assert first.step.name == "linear-with-1000"  # all texts are predicted not to fit


@pytest.mark.parametrize(("num_train", "first"), [(128, {"contrastive_tuning": True}), (129, {"hidden_dim": 512})])
def test_an_encoder_is_tuned_on_pairs_where_labels_have_few_texts(num_train: int, first: dict[str, object]) -> None:
    known = known_of(SearchFamily("frozen-bert", True), num_train=num_train, budget_s=100_000)
    steps, _ = play(known, {"frozen-bert": 0.8}, {"frozen-bert": 0.03})
    assert next(step for step in steps if step.options.get("variation")).model == first
