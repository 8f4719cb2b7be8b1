"""Every kind of step with a tiny encoder, and the models that come of them shipped."""

from __future__ import annotations

from pathlib import Path

import pytest
from searched import write_reviews
from tiny_encoders import save_tiny_encoder

from textwright.core.callbacks import Callback
from textwright.data.dataset import Dataset
from textwright.data.load import load_dataset
from textwright.data.settings import DataSettings
from textwright.model_search.clock import Clock
from textwright.model_search.execute import StepRunner
from textwright.model_search.settings import AutoMetric
from textwright.model_search.ship import Shipment, ship
from textwright.model_search.source import add_unlabeled, write_search_source
from textwright.model_search.trials import FinishedModel, Known, SearchFamily, SearchStep, StepKind, Trial, TrialStatus
from textwright.runtime.loading import load

QUICK = {"num_epochs": 2, "min_steps": 0, "batch_size": 16, "learning_rate": 0.05}


class Search:
    """Runs steps one after the other, without a planner."""

    def __init__(self, tmp_path: Path) -> None:
        source = write_reviews(tmp_path / "reviews.csv", 400)
        self.dataset: Dataset = load_dataset(str(source), DataSettings())
        self.source = write_search_source(self.dataset, tmp_path / "search", "reviews")
        self.runner = StepRunner(self.source, tmp_path / "search", "reviews", AutoMetric.ACCURACY, Callback())
        families = (SearchFamily("linear", False), SearchFamily("bow", False), SearchFamily("bert", True))
        self.known = Known(families, 320, 40, 2, 600.0, 600.0)

    def run(self, step: SearchStep, limit_s: float = 500.0) -> Trial:
        trial = self.runner.run(step, "0" * 64, self.known, Clock(limit_s, lambda _seconds: None), limit_s)
        self.known = self.known.after(trial)
        return trial

    def ship(self, model: FinishedModel, out: Path) -> None:
        """Ship a model, and check that it answers as it did and says what it was measured on."""
        path = self.runner.path(model)
        shipped = ship(Shipment(model, path, self.dataset, DataSettings(), "reviews-auto", {"model": model.name}), out)
        manifest = shipped.artifact.manifest
        assert manifest.name == "reviews-auto"
        assert manifest.data["fingerprint"] == self.dataset.fingerprint
        assert manifest.metrics_split == "test"
        predictor = load(out / "artifact")
        before = load(path, variant=model.variant)
        texts = self.dataset.test.texts
        assert [item.label for item in predictor.predict(texts)] == [item.label for item in before.predict(texts)]
        assert shipped.artifact.size_bytes == pytest.approx(model.size_bytes, rel=0.3, abs=60_000)


@pytest.fixture
def search(tmp_path: Path) -> Search:
    return Search(tmp_path)


def bow(name: str = "bow", **more: object) -> SearchStep:
    return SearchStep(StepKind.TRAIN, name, "", "bow", QUICK, {"embedding_dim": 8}, **more)  # type: ignore[arg-type]


@pytest.mark.slow
def test_every_kind_of_step_gives_a_model_that_can_be_shipped(search: Search, tmp_path: Path) -> None:
    encoder = str(save_tiny_encoder("bert", tmp_path / "encoder", hidden_size=32))
    settings = {"num_epochs": 2, "learning_rate": 0.003, "max_length": 32}
    bert = search.run(SearchStep(StepKind.TRAIN, "bert", "", "bert", settings, {"encoder": encoder, "dropout": 0.0}))
    assert bert.status is TrialStatus.DONE, bert.reason
    light = search.run(bow())
    assert light.status is TrialStatus.DONE, light.reason
    recipes = {"recipes": ["int8-smooth", "fused"]}
    faster = search.run(SearchStep(StepKind.OPTIMIZE, "faster", "", parents=("bert",), options=recipes))
    assert faster.status is TrialStatus.DONE, faster.reason
    student = search.run(
        SearchStep(StepKind.DISTILL, "student", "", "bow", QUICK, {"embedding_dim": 8}, parents=("bert", "bert"),
                   options={"num_copies": 1})
    )  # fmt: skip
    assert student.status is TrialStatus.DONE, student.reason
    cascade = search.run(SearchStep(StepKind.CASCADE, "both", "", parents=("bow", "bert")))
    assert cascade.status is TrialStatus.DONE or cascade.reason  # tiny models may gain nothing
    for trial in (bert, light, faster, student, cascade):
        for model in trial.models:
            search.ship(model, tmp_path / "out" / model.name)


@pytest.mark.slow
def test_a_step_whose_time_is_up_gives_its_best_epoch_or_nothing(search: Search) -> None:
    nothing = search.run(bow("nothing"), limit_s=0.0)
    assert nothing.status is TrialStatus.DROPPED
    assert "before there was anything to use" in nothing.reason

    class AfterTheFirstEpoch(Clock):
        def on_step_end(self, step: int, loss: float, learning_rate: float) -> None:
            if step > 25:  # 20 an epoch
                self._limit_s = 0.0
                super().on_step_end(step, loss, learning_rate)

    clock = AfterTheFirstEpoch(500.0, lambda _seconds: None)
    trial = search.runner.run(bow("stopped"), "1" * 64, search.known, clock, 500.0)
    assert trial.status is TrialStatus.STOPPED
    assert trial.models


@pytest.mark.slow
def test_a_probe_leaves_nothing_behind(search: Search) -> None:
    step = SearchStep(StepKind.PROBE, "bow-on-100", "", "bow", QUICK, {"embedding_dim": 8}, size=100)
    trial = search.run(step)
    assert (trial.num_train, trial.models) == (100, ())
    assert trial.score is not None
    assert not list((search.runner.folder / "runs").iterdir())


@pytest.mark.slow
def test_what_cannot_be_had_is_a_reason_and_no_error(search: Search) -> None:
    trial = search.run(SearchStep(StepKind.TRAIN, "bow-glove", "", "bow-glove", model={"vectors": "/nowhere.vec"}))
    assert trial.status is TrialStatus.FAILED
    assert "/nowhere.vec" in trial.reason


def test_texts_without_labels_hold_none_of_the_held_out_texts(tmp_path: Path) -> None:
    dataset = load_dataset(str(write_reviews(tmp_path / "reviews.csv", 200)), DataSettings())
    held_out = [*dataset.validation.texts, *dataset.test.texts]
    (tmp_path / "more.csv").write_text("\n".join(["text", *held_out, "a wholly different sentence about trains", ""]))
    search = write_search_source(dataset, tmp_path / "search", "reviews")
    search = add_unlabeled(search, str(tmp_path / "more.csv"), DataSettings(), dataset)
    assert search.num_unlabeled == 1
    assert "trains" in (tmp_path / "search" / "unlabeled.jsonl").read_text()


def test_subsets_are_nested_and_validation_stands_for_the_test_texts(search: Search) -> None:
    assert len(search.source.subset(50).train) == 50
    assert set(search.source.subset(50).train.texts) < set(search.source.subset(100).train.texts)
    assert list(search.source.dataset.test.texts) == list(search.dataset.validation.texts)
