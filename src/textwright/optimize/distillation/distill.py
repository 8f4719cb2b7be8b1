"""The pipeline: served teachers and labeled texts in; a student, trained by the one loop, and how it compares, out.

::

    texts -> altered copies -> teachers answer -> train -> export -> parity -> artifact of the student
                                                               test texts: student, teachers, baseline -> report

Nothing is decided on the test texts; they are read once, for the report.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from torch import Tensor

from textwright.core.artifact import Artifact, Manifest
from textwright.core.callbacks import Callback, CallbackList
from textwright.core.example_texts import TYPED
from textwright.data.settings import DataSettings
from textwright.data.unlabeled import read_unlabeled
from textwright.evaluate.eval_split import check_same_split, reading_settings, select
from textwright.evaluate.intervals import share
from textwright.evaluate.predictions import observe
from textwright.models.encoder import layer_of, of_layer
from textwright.optimize.distillation.report import (
    ComparedModel,
    Distillation,
    compare_with,
    observe_in_order,
)
from textwright.optimize.distillation.settings import DistillSettings, UnlabeledSettings
from textwright.optimize.distillation.teacher import PredictorTeacher, columns_of, refuse_twins
from textwright.optimize.measure import compare_costs
from textwright.optimize.weights_from_graph import restore
from textwright.pipeline import BuildPlan, BuildResult, build_artifact
from textwright.runtime.loading import load
from textwright.runtime.predictor import Predictor

_NUM_THREADS: Final = 1
"""Of every measured inference: a server runs one inference per core."""
_ALL_WHOLE: Final = UnlabeledSettings()
_HANDS_ON: Final = "bert"
"""The family whose students start from layers of their teacher."""
_SHAPE: Final = ("encoder", "pooling", "num_heads", "num_neurons")
"""Settings that must be alike for weights to fit."""


@dataclass(frozen=True, slots=True)
class DistillationJob:
    """What is to be taught to whom.

    Args:
        teachers: Artifacts, or the run folders that hold them, at least one; they answer as one.
        plan: The student, and the labeled data.
        settings: How it is taught.
        unlabeled: A file, or any labeled source whose labels are not looked at; empty for none.
        further: Which of the unlabeled texts are taken, and how.
        baseline: An artifact to test the student against, best of the same family and labels alone; None for none.
        start: Weights that the student starts from, by name; None takes over what fits from the first teacher.
    """

    teachers: Sequence[Path]
    plan: BuildPlan
    settings: DistillSettings
    unlabeled: str = ""
    further: UnlabeledSettings = _ALL_WHOLE
    baseline: Path | None = None
    start: dict[str, Tensor] | None = field(default=None)


def distill(
    job: DistillationJob,
    out: Path,
    *,
    overwrite: bool = False,
    callbacks: Sequence[Callback] = (),
) -> tuple[BuildResult, Distillation] | None:
    """Train a student on what its teachers say, and compare it with them on the test texts.

    Running it again with an equal job finishes what was interrupted, or returns what is there.

    Args:
        job: What is to be taught to whom.
        out: The student's run folder; the report goes there too.
        overwrite: Throw away a run of another plan that is in ``out``; False refuses to.
        callbacks: Called at each step and epoch, and with the texts that a teacher has answered.

    Returns:
        The student's artifact, and the comparison; None in all but the first of several processes that train together.

    Raises:
        DataError: If a source cannot be used, or the labels are not the teachers'.
        SettingsError: If a setting is wrong, or would let the student learn from texts that its teacher is tested on,
            or a teacher is given twice.
        ArtifactError: If a teacher cannot be trusted.
    """
    teachers = [load(path, num_threads=_NUM_THREADS) for path in job.teachers]
    baselines = [] if job.baseline is None else [load(job.baseline, num_threads=_NUM_THREADS)]
    refuse_twins(teachers)
    for other in [*teachers[1:], *baselines]:
        columns_of(other, teachers[0].labels)
    plan = _as_cut_for(job.plan, [item.artifact.manifest for item in [*teachers, *baselines]]).resolved()
    teacher = teacher_of(
        teachers,
        plan,
        job.settings,
        start=job.start,
        unlabeled=job.unlabeled,
        further=job.further,
        callback=CallbackList(callbacks),
    )
    built = build_artifact(
        plan,
        out,
        overwrite=overwrite,
        callbacks=callbacks,
        teacher=teacher,
    )
    if built is None:
        return None
    report = _report(built, plan, [("teacher", item) for item in teachers] + [("baseline", item) for item in baselines])
    validation = select(plan.source, plan.data, built.artifact.manifest, "validation").examples
    report = replace(report, committee=teacher.committee(validation, built.artifact.manifest.labels))
    report.write_json(report.json_path(out))
    return built, report


def teacher_of(
    predictors: Sequence[Predictor],
    plan: BuildPlan,
    settings: DistillSettings,
    *,
    origin: Predictor | None = None,
    start: dict[str, Tensor] | None = None,
    unlabeled: str = "",
    further: UnlabeledSettings = _ALL_WHOLE,
    callback: Callback | None = None,
) -> PredictorTeacher:
    """Make what a student learns from.

    Args:
        predictors: The teachers, at least one.
        plan: The student, and the labeled data.
        settings: How it is taught.
        origin: The model whose weights the student takes over where they fit; None is the first teacher. Another graph
            of the same model may answer faster.
        start: Weights that the student starts from, by name; None takes over what fits from ``origin``. A student whose
            encoder is adapted to texts starts from that one.
        unlabeled: As of :class:`DistillationJob`.
        further: As of :class:`DistillationJob`.
        callback: Told of the texts that a teacher has answered.

    Raises:
        DataError: If the texts without labels cannot be read.
    """
    plan = plan.resolved()
    if plan.training.adapt_to:
        start = {}  # the adapted encoder's
    if start is None:
        start = inherited_weights((origin or predictors[0]).artifact, plan.training.family, plan.model)
    return PredictorTeacher(
        predictors,
        settings,
        seed=plan.training.seed,
        unlabeled=_read(unlabeled, plan.data, further),
        start=start,
        callback=callback,
    )


def _read(unlabeled: str, data: DataSettings, further: UnlabeledSettings) -> Sequence[str]:
    if not unlabeled:
        return ()
    return read_unlabeled(unlabeled, data, by_sentence=further.sentences, max_texts=further.max_unlabeled)


def _as_cut_for(plan: BuildPlan, manifests: Sequence[Manifest]) -> BuildPlan:
    """Cut the data as the teachers' training did: a teacher must not have learned what the student is tested on.

    Where a teacher's example text was typed, no text of the data is stored in the student either.
    """
    data: DataSettings = plan.data
    for manifest in manifests:
        check_same_split(plan.source, data, manifest)
        data = reading_settings(plan.source, data, manifest)
    typed = next((manifest.data[TYPED] for manifest in manifests if TYPED in manifest.data), "")
    name = plan.name or f"{plan.model_name}-distilled"
    return replace(plan, data=data, name=name, example_text=plan.example_text or typed)


def _report(built: BuildResult, plan: BuildPlan, others: Sequence[tuple[str, Predictor]]) -> Distillation:
    student = load(built.artifact.path, num_threads=_NUM_THREADS)
    manifest = student.artifact.manifest
    test = select(plan.source, plan.data, manifest, "test").examples
    predictions = observe(student, test)
    compared_models: list[ComparedModel] = []
    for role, predictor in others:
        cost = compare_costs(student, predictor, test.texts)
        theirs = observe_in_order(predictor, test, student.labels)
        compared_models.append(compare_with(predictions, predictor, theirs, role=role, cost=cost))
    return Distillation(
        name=manifest.name,
        family=manifest.family,
        version=student.artifact.version,
        source=str(plan.source),
        settings=manifest.training["distillation"],
        num_test=len(test),
        accuracy=share(predictions.correct),
        compared_models=compared_models,
        metrics=manifest.variant(None).metrics,
    )


def inherited_weights(teacher: Artifact, family: str, model: Mapping[str, Any]) -> dict[str, Tensor]:
    """Take the teacher's weights for the layers that the student keeps.

    Args:
        teacher: The teacher, in its run folder or alone.
        family: The student's.
        model: The student's own settings, all of them.

    Returns:
        Weights as the student's module names them. Empty where they cannot be taken over: another family or encoder,
        heads, neurons or tokens that were cut, or layers that the teacher lacks.

    Raises:
        TrainingError: If the checkpoint cannot be read.

    Source:
        Sun et al., 2019, "Patient Knowledge Distillation for BERT Model Compression"; Sanh et al., 2019, "DistilBERT",
        section 2 (a student that starts from every second layer of its teacher).
    """
    theirs = teacher.manifest.training.get("model", {})
    if family != _HANDS_ON or teacher.manifest.family != _HANDS_ON:
        return {}
    if any(theirs.get(name, []) != model.get(name, []) for name in _SHAPE):
        return {}
    module = restore(teacher)
    if module is None:
        return {}
    weights = module.state_dict()
    depth = 1 + max((layer_of(name) or 0 for name in weights), default=-1)
    used = list(theirs.get("keep_layers") or range(depth))  # where each of the teacher's layers stands in the encoder
    wanted = list(model.get("keep_layers") or used)
    if not set(wanted) <= set(used):
        return {}
    return _weights_of(weights, [used.index(layer) for layer in wanted])


def _weights_of(weights: Mapping[str, Tensor], layers: Sequence[int]) -> dict[str, Tensor]:
    places = {layer: place for place, layer in enumerate(layers)}
    selected = {}
    for name, weight in weights.items():
        layer = layer_of(name)
        if layer is None:
            selected[name] = weight
        elif layer in places:
            selected[of_layer(name, places[layer])] = weight
    return selected
