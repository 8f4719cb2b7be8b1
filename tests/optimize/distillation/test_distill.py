"""Any artifact teaches any family: the student is an ordinary artifact that knows who trained_run it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from slow_params import slow_unless
from tiny_families import make_plan, save_rows

from textwright.core import artifact as artifacts
from textwright.core.callbacks import Callback
from textwright.data.load import load_dataset
from textwright.data.settings import DataSettings
from textwright.errors import DataError, SettingsError
from textwright.models import FAMILIES
from textwright.optimize.distillation.distill import DistillationJob, distill
from textwright.optimize.distillation.report import Distillation, observe_in_order
from textwright.optimize.distillation.settings import DistillSettings
from textwright.optimize.distillation.teacher import PredictorTeacher
from textwright.pipeline import BuildPlan, build_artifact
from textwright.runtime.loading import load
from textwright.training.settings import TrainSettings

MATRIX = [
    ("bert", "multi-class", ("linear", "bow", "cnn-glove", "bert")),
    ("bow", "multi-label", ("bow", "bow-glove", "static-bert", "frozen-bert")),
]
"""Teacher, task, students: each family is a student once, and each kind of teacher has one above and one below it."""
PAIRS = [(teacher, family, task) for teacher, task, families in MATRIX for family in families]
QUICK = [("bow", "bow")]
FEW = DistillSettings(num_copies=1)


def test_every_family_is_in_the_matrix() -> None:
    assert {family for _, family, _ in PAIRS} == set(FAMILIES)


@pytest.mark.parametrize(
    "teacher_family_task", slow_unless(lambda pair: pair[:2] in QUICK, PAIRS), ids=["-".join(pair) for pair in PAIRS]
)
def test_every_family_learns_from_every_teacher(
    trained_run, tmp_path: Path, teacher_family_task: tuple[str, str, str]
) -> None:
    teacher, family, task = teacher_family_task
    run, source = trained_run(teacher, task)
    _, report = distill(DistillationJob([run], make_plan(family, source, tmp_path / "own"), FEW), tmp_path / "run")
    student = load(tmp_path / "run")
    (compared,) = report.compared_models
    assert student.artifact.manifest.family == family
    assert (compared.role, compared.version) == ("teacher", artifacts.read(run).version)
    assert report.accuracy.value >= (0.85 if task == "multi-class" else 0.6)
    assert compared.agreement.value >= 0.6
    written = json.loads(Distillation.json_path(tmp_path / "run").read_text())
    assert written["version"] == student.artifact.version
    assert written["settings"]["teachers"][0]["digest"] == artifacts.read(run).digest
    assert written["compared_models"][0]["verdict"] == compared.verdict


@pytest.mark.slow
def test_a_student_without_labels_learns_from_the_teacher_alone(trained_run, tmp_path: Path) -> None:
    """With no weight on labels, a student of a teacher that is wrong on purpose is wrong as well."""
    run, source = trained_run("bow", "multi-class")
    old = artifacts.read(run)
    turned = old.manifest.labels.names[1:] + old.manifest.labels.names[:1]
    manifest = artifacts.Manifest(
        "wrong",
        "bow",
        artifacts.Labels(turned),
        old.manifest.max_length,
        {"fp32": artifacts.Variant("model.onnx")},
        data=old.manifest.data,
    )
    contents = {name: (old.path / name).read_bytes() for name in old.files}
    wrong = artifacts.write(tmp_path / "wrong", manifest, contents).path
    plan = make_plan("bow", source, tmp_path / "own")
    _, report = distill(DistillationJob([wrong], plan, DistillSettings(label_weight=0)), tmp_path / "run")
    assert report.accuracy.value <= 0.2
    assert report.compared_models[0].agreement.value >= 0.8
    _, report = distill(
        DistillationJob([wrong], plan, DistillSettings(label_weight=1, num_copies=0)), tmp_path / "labels"
    )
    assert report.accuracy.value >= 0.85


@pytest.fixture(scope="module")
def taught_by_two(trained_run, tmp_path_factory: pytest.TempPathFactory) -> Distillation:
    """Return the report of a student of a bow and a bert, with the bow as a baseline."""
    bow, source = trained_run("bow", "multi-class")
    bert, _ = trained_run("bert", "multi-class")
    folder = tmp_path_factory.mktemp("two")
    job = DistillationJob([bow, bert], make_plan("bow", source, folder / "own"), FEW, baseline=bow)
    _, report = distill(job, folder / "run")
    assert json.loads(Distillation.json_path(folder / "run").read_text()) == report.to_json()
    return report


def test_several_teachers_and_a_model_beside_are_all_held_against_the_student(taught_by_two: Distillation) -> None:
    report = taught_by_two
    assert [(compared.role, compared.family) for compared in report.compared_models] == [
        ("teacher", "bow"),
        ("teacher", "bert"),
        ("baseline", "bow"),
    ]
    assert [item["family"] for item in report.settings["teachers"]] == ["bow", "bert"]


def test_the_report_says_how_good_the_teachers_are_together(
    trained_run, taught_by_two: Distillation, tmp_path: Path
) -> None:
    bow, source = trained_run("bow", "multi-class")
    bert, _ = trained_run("bert", "multi-class")
    validation = load_dataset(str(source)).validation
    answers = [load(run) for run in (bow, bert)]
    right = [float(observe_in_order(item, validation, item.labels).correct.mean()) for item in answers]
    committee = taught_by_two.to_json()["committee"]
    assert [item["accuracy"]["value"] for item in committee["teachers"]] == pytest.approx(right)
    assert committee["num_validation"] == len(validation)
    assert committee["mean"] == min(committee["log_loss"], key=committee["log_loss"].get)
    assert committee["agreement"]["value"] <= 1 - abs(right[0] - right[1])
    assert committee["accuracy"]["value"] >= min(right)
    distill(DistillationJob([bow], make_plan("bow", source, tmp_path / "own"), FEW), tmp_path / "one")
    assert json.loads(Distillation.json_path(tmp_path / "one").read_text())["committee"] is None


def test_a_teacher_that_is_given_twice_is_refused(trained_run, tmp_path: Path) -> None:
    run, source = trained_run("bow", "multi-class")
    job = DistillationJob([run, run / "artifact"], make_plan("bow", source, tmp_path / "own"), FEW)
    with pytest.raises(SettingsError, match=r"are the same model, .* would count twice; give each teacher once"):
        distill(job, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_adapted_teachers_teach_an_adapted_student(trained_run, tmp_path: Path) -> None:
    """The recipe of docs/optimize/best-accuracy.md on a tiny encoder."""
    run, source = trained_run("bert", "multi-class")
    model = artifacts.read(run).manifest.training["model"]
    more = tmp_path / "more.csv"
    more.write_text(
        "text\n" + "".join(f"word{number % 30} music word{number % 7} plot {number}\n" for number in range(200))
    )
    shared = {"family": "bert", "num_epochs": 2, "learning_rate": 0.003, "max_length": 48, "device": "cpu"}
    shared |= {"adapt_to": str(more), "adapt_epochs": 2}
    teachers = []
    for seed in range(3):
        plan = BuildPlan(str(source), DataSettings(), TrainSettings(**shared, seed=seed, r_drop=1.0), model)
        build_artifact(plan, tmp_path / f"teacher-{seed}")
        teachers.append(tmp_path / f"teacher-{seed}")
    plan = BuildPlan(str(source), DataSettings(), TrainSettings(**shared), model)
    job = DistillationJob(teachers, plan, DistillSettings(num_copies=0, temperature=1), unlabeled=str(more))
    built, report = distill(job, tmp_path / "best")
    training = built.artifact.manifest.training
    digests = {artifacts.read(it).manifest.training["adapted_encoder"]["digest"] for it in teachers}
    assert digests == {training["adapted_encoder"]["digest"]}
    assert not training["distillation"]["starts_from_teacher"]
    assert len(report.committee.teachers) == 3
    assert "The encoder was adapted by masked-language training" in (built.artifact.path / "README.md").read_text()
    assert distill(job, tmp_path / "best")[0].reused
    more.write_text(more.read_text() + "another text of films\n")
    with pytest.raises(SettingsError, match="num_texts was 200, now 201"):
        distill(job, tmp_path / "best")


def test_the_same_again_trains_nothing_and_another_lecture_is_refused(trained_run, tmp_path: Path) -> None:
    run, source = trained_run("bow", "multi-class")
    plan = make_plan("bow", source, tmp_path / "own")
    assert not distill(DistillationJob([run], plan, FEW), tmp_path / "run")[0].reused
    assert distill(DistillationJob([run], plan, FEW), tmp_path / "run")[0].reused
    with pytest.raises(SettingsError, match=r"distillation\.settings\.temperature was 2\.0, now 3\.0"):
        distill(DistillationJob([run], plan, FEW.model_copy(update={"temperature": 3.0})), tmp_path / "run")
    with pytest.raises(SettingsError, match="distillation was "):
        build_artifact(BuildPlan(plan.source, plan.data, plan.training, plan.model), tmp_path / "run")


def test_each_text_is_answered_once_for_all_students(trained_run) -> None:
    run, source = trained_run("bert", "multi-class")
    dataset, told = load_dataset(str(source)), []
    settings = DistillSettings(num_copies=2, drop_words=0.3)

    class Recorder(Callback):
        def on_progress(self, stage, done, total) -> None:
            assert stage == "the teacher answers"
            told.append((done, total))

    def teach(seed: int):
        teacher = PredictorTeacher([load(run)], settings, seed=seed, callback=Recorder())
        return teacher.teach(dataset)

    first = teach(5)
    assert told[-1][0] == told[-1][1] > 0
    told.clear()
    again = teach(5)
    assert told == []
    assert again.digest() == first.digest()
    assert teach(6).digest() != first.digest()
    assert len(first.texts) > len(dataset.train)
    assert len(set(first.texts[len(dataset.train) :])) == len(first.texts) - len(dataset.train)


def test_held_out_texts_are_never_learned_from(trained_run, tmp_path: Path) -> None:
    run, source = trained_run("bow", "multi-class")
    dataset = load_dataset(str(source))
    spelled_otherwise = [f"{text.upper()} !" for text in dataset.test.texts]
    unlabeled = [*dataset.test.texts, *dataset.validation.texts, *spelled_otherwise, "a text that nobody knows"]
    distillation = PredictorTeacher([load(run)], FEW, seed=0, unlabeled=unlabeled).teach(dataset)
    held_out = {*dataset.test.texts, *dataset.validation.texts}
    own = set(dataset.train.texts)
    assert not (held_out - own) & set(distillation.texts)
    assert not set(spelled_otherwise) & set(distillation.texts)
    assert "a text that nobody knows" in distillation.texts
    assert "a text that nobody knows" in distillation.vocabulary_texts
    assert len(distillation.vocabulary_texts) == len(dataset.train) + 1


def test_unlabeled_texts_come_from_a_file_without_labels(trained_run, tmp_path: Path) -> None:
    run, source = trained_run("bow", "multi-class")
    file = tmp_path / "more.csv"
    file.write_text("text\nnobodyknows music\n\nplot word3 nobodyknows\n")
    plan = make_plan("bow", source, tmp_path / "own")
    distill(DistillationJob([run], plan, FEW, unlabeled=str(file)), tmp_path / "run")
    student = load(tmp_path / "run")
    assert student.artifact.manifest.training["distillation"]["unlabeled"]["num_texts"] == 2
    assert '"nobodyknows"' in student.artifact.tokenizer()


def test_labels_that_the_teacher_does_not_know_are_refused_in_one_sentence(trained_run, tmp_path: Path) -> None:
    run, _ = trained_run("bow", "multi-class")
    other = save_rows("binary", tmp_path)
    with pytest.raises(DataError, match=r"knows the labels .*plot.*, but the data has bad, good .*another model"):
        distill(DistillationJob([run], make_plan("bow", other, tmp_path / "own"), FEW), tmp_path / "run")
    assert not (tmp_path / "run" / "artifact").exists()


def test_a_model_beside_with_other_labels_is_refused_before_anything_is_trained(trained_run, tmp_path: Path) -> None:
    run, source = trained_run("bow", "multi-class")
    other, _ = trained_run("bow", "multi-label")
    with pytest.raises(DataError, match=r"knows the labels .*multi-label.*another model"):
        distill(
            DistillationJob([run], make_plan("bow", source, tmp_path / "own"), FEW, baseline=other), tmp_path / "run"
        )
    assert not (tmp_path / "run").exists()


def test_a_cut_that_would_test_on_what_the_teacher_learned_is_refused(trained_run, tmp_path: Path) -> None:
    run, source = trained_run("bow", "multi-class")
    plan = make_plan("bow", source, tmp_path / "own")
    plan = BuildPlan(plan.source, DataSettings(split_seed=3), plan.training, plan.model)
    with pytest.raises(SettingsError, match="split_seed"):
        distill(DistillationJob([run], plan, FEW), tmp_path / "run")


@pytest.mark.slow
def test_a_student_of_fewer_layers_starts_from_its_teachers_weights(trained_run, tmp_path: Path) -> None:
    run, source = trained_run("bert", "multi-class")
    model = dict(artifacts.read(run).manifest.training["model"])
    training = TrainSettings(min_steps=0, family="bert", num_epochs=1, learning_rate=1e-9, max_length=48, device="cpu")
    plan = BuildPlan(str(source), DataSettings(), training, {**model, "keep_layers": "0"})
    _, report = distill(DistillationJob([run], plan, FEW), tmp_path / "run")
    assert report.settings["starts_from_teacher"]
    weights = torch.load(tmp_path / "run" / "checkpoint" / "state.pt", weights_only=True)["module"]
    theirs = torch.load(run / "checkpoint" / "state.pt", weights_only=True)["state"]["best_weights"]
    assert not any(".layer.1." in name for name in weights)
    for name, weight in weights.items():
        torch.testing.assert_close(weight, theirs[name], rtol=0, atol=1e-6)


@pytest.mark.slow
def test_a_student_of_another_encoder_starts_from_its_own(trained_run, tmp_path: Path) -> None:
    run, source = trained_run("bert", "multi-class")
    _, report = distill(DistillationJob([run], make_plan("bert", source, tmp_path / "own"), FEW), tmp_path / "run")
    assert not report.settings["starts_from_teacher"]
    assert np.isfinite(load(tmp_path / "run").logits(["", "plot"])).all()
