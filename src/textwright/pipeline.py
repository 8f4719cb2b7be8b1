"""The whole pipeline: a labeled source becomes a measured artifact. Called by ``textwright train`` and the benchmarks.

::

    source -> data -> train -> export -> parity -> publish: golden examples, metrics, card -> artifact

It holds no step of its own; it decides their order, and that nothing is written unless every step succeeded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import numpy as np

from textwright import __version__
from textwright.core import artifact as artifacts
from textwright.core.artifact import Artifact, Manifest, Variant
from textwright.core.awkward_texts import AWKWARD_TEXTS
from textwright.core.callbacks import Callback, CallbackList
from textwright.core.example_texts import STORED, TYPED, check_typed, choose_example_texts
from textwright.core.json_diff import first_difference
from textwright.core.reference_profile import ReferenceProfile
from textwright.core.surprisal import Surprisal
from textwright.core.types import Bools
from textwright.data.dataset import Dataset
from textwright.data.in_memory import DataSource
from textwright.data.load import load_dataset
from textwright.data.settings import DataSettings, complete_settings
from textwright.data.text_hashes import write_text_hashes
from textwright.errors import ArtifactError, InputError, SettingsError
from textwright.evaluate.baselines import MAJORITY, Baseline, compare_with_baselines, verdict
from textwright.evaluate.batch_invariance import measure_batch_invariance
from textwright.evaluate.card import model_card
from textwright.evaluate.diagnostics import TrainingFacts, diagnose
from textwright.evaluate.eval_split import TRAINING_TEXTS
from textwright.evaluate.measure import Evaluation, evaluate_observations
from textwright.evaluate.predictions import LabeledPredictions, label_shares, observe
from textwright.evaluate.profile import make_profile
from textwright.evaluate.publish import Publication, publish
from textwright.evaluate.scores import TITLES
from textwright.export.onnx import to_onnx
from textwright.export.parity import check_parity
from textwright.runtime.predictor import Predictor
from textwright.training.abstention import Abstention, fit_abstention, fit_max_surprisal, refuse_impossible_abstention
from textwright.training.adaptation import Adaptation, read_adaptation
from textwright.training.costs import read_costs
from textwright.training.distillation import Teacher
from textwright.training.run import TrainedModel, prepare, resolve_settings, resolve_stored, train
from textwright.training.settings import TrainSettings
from textwright.training.warm_start import WarmStart

MEASURED_SPLIT: Final = "test"
_GRAPH: Final = "model.onnx"
_TAUGHT: Final = "distillation"
"""Where the manifest's account of training says who taught; absent where labels alone did."""
_WARM_START: Final = "warm_start"
"""Where it says what the training began with; absent where it began anew."""
_ADAPTATION: Final = "adaptation"
"""Where it says which texts the encoder was to be adapted to; absent where it is as its makers left it."""
ABSTENTION: Final = "abstention"
"""Where it says what the confidence from which on it answers came to; absent where it answers always."""
_COSTS: Final = "costs"
"""Where it says what each mistake costs; absent where the most probable label is predicted."""
_BASELINES: Final = "baselines"
_WARNINGS: Final = "warnings"
"""Where it says what the model was compared with and what is wrong with it; absent in older artifacts."""
_FURTHER_ROWS: Final = (
    "To learn further rows, words or labels, train on the old and the new rows together, or begin with this model: "
    "--from and another --out"
)
_SEVERAL_CHARACTERS: Final = 8
"""A text of so many characters that is one token was not cut into words."""
_NUM_PARITY_TEXTS: Final = 256
_NUM_GOLDEN_TEXTS: Final = 8
_NUM_EXAMPLE_CANDIDATES: Final = 1_000
_LONGEST_GOLDEN_TEXT: Final = 2_000  # characters; golden examples are run at every load


@dataclass(frozen=True, slots=True)
class BuildPlan:
    """What to train on what, completely: equal plans on equal data give equal artifacts.

    Args:
        source: A built-in name, a path or a hub id; or rows in memory.
        data: How to read and split it.
        training: How to train; names the family.
        model: The family's own settings; absent ones have their defaults.
        name: What the model is called on the wire; empty makes it from source and family.
        warm_start: A trained model to begin with, whose family and settings are beneath these; None begins anew.
        example_text: What documentation and golden examples ask for in place of validation texts, of which none is
            stored then; empty chooses short ones of the validation split.
    """

    source: DataSource
    data: DataSettings
    training: TrainSettings
    model: Mapping[str, Any]
    name: str = ""
    warm_start: WarmStart | None = None
    example_text: str = ""

    def resolved(self) -> BuildPlan:
        """Put the family's defaults beneath the settings, and check the family's own.

        Raises:
            NotFoundError: If there is no such family.
            SettingsError: If one of the family's settings or the example text is wrong, or the family is not that of
                the warm start, or an encoder is to be adapted and the weights come from there.
        """
        given = self.training, self.model
        training, model = resolve_settings(*(given if self.warm_start is None else self.warm_start.beneath(*given)))
        if training.adapt_to and self.warm_start is not None:
            raise SettingsError(
                f"adapt_to is {training.adapt_to!r}, but the weights come from {self.warm_start.title}; leave one out"
            )
        text = check_typed(self.example_text)
        return replace(self, training=training, model=model.model_dump(mode="json"), example_text=text)

    @property
    def model_name(self) -> str:
        """The name on the wire: letters, digits, ".", "_" and "-"."""
        stem = Path(str(self.source).rstrip("/")).name.partition(".")[0]
        return re.sub(r"[^\w.-]+", "-", self.name or f"{stem}-{self.training.family}", flags=re.ASCII).strip("-")


@dataclass(frozen=True, slots=True)
class BuildResult:
    """What came out.

    Args:
        artifact: The verified artifact.
        evaluations: Split name -> what was measured of the artifact; empty if it was reused.
        reused: True if an artifact of an equal plan on equal data was there already.
        baselines: What it was compared with on the test split, the majority first; empty for an artifact of an
            earlier version.
        warnings: What is wrong with it, in sentences; empty if nothing is.
    """

    artifact: Artifact
    evaluations: Mapping[str, Evaluation]
    reused: bool
    baselines: tuple[Baseline, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def beats_majority(self) -> bool | None:
        """Whether it is better than always the most frequent label; None where that was not measured."""
        return next((item.is_beaten for item in self.baselines if item.name == MAJORITY), None)

    @property
    def verdict(self) -> str:
        """How it stands to its baselines, in words; empty where they were not measured."""
        if not self.baselines:
            return ""
        manifest = self.artifact.manifest
        metric, measured = next(iter(manifest.variants[manifest.default_variant].metrics.items()))
        return verdict(
            self.baselines,
            metric=TITLES[metric],
            value=measured["value"],
            num_examples=manifest.data["num_examples"][manifest.metrics_split],
            family=manifest.family,
        )


def build_artifact(
    plan: BuildPlan,
    out: Path,
    *,
    overwrite: bool = False,
    callbacks: Sequence[Callback] = (),
    teacher: Teacher | None = None,
    dataset: Dataset | None = None,
    linear_baseline: bool = False,
) -> BuildResult | None:
    """Make an artifact from a labeled source.

    Running it again with an equal plan finishes what was interrupted, or returns what is there.

    Args:
        plan: What to train on what.
        out: The run folder; the artifact goes to ``out/artifact``, beside checkpoint and TensorBoard events.
        overwrite: Throw away a run of another plan that is in ``out``; False refuses to.
        callbacks: Called at each step, epoch and stage; with the bytes of a built-in source that have come; and with
            each sentence about rows that were dropped and labels that look like mistakes.
        teacher: Says what is learned from the training texts, and from others; None learns from their labels.
        dataset: The source's examples, split in another way than ``plan.data`` says, for example into folds; None reads
            and splits the source.
        linear_baseline: Fit a tuned linear model as well and compare with it; takes some seconds.

    Returns:
        The artifact, verified, with what was measured of it; None in all but the first of several processes
        that train together.

    Raises:
        DataError: If the source cannot be used.
        SettingsError: If a setting is wrong, or ``out`` holds something else.
        TrainingError: If the loss is not finite.
        ParityError: If the exported graph disagrees with the trained model; nothing is written then.
    """
    plan, callback = plan.resolved(), CallbackList(callbacks)
    if dataset is None:
        dataset = load_dataset(plan.source, plan.data, partial(callback.on_progress, "fetching the data"))
        for warning in dataset.warnings:
            callback.on_warning(warning)
    adaptation = read_adaptation(plan.training, plan.model, plan.data)
    described = _describe(plan, dataset, teacher, adaptation)
    existing = None if overwrite else _find_equal(out, described)
    if existing is not None:
        return _reused(existing)
    adapted = None
    if adaptation is not None:
        # What is refused is better refused before the hours of an adaptation than after them.
        prepare(dataset, plan.training.model_copy(update={"adapt_to": ""}), plan.model, callback=callback)
        adapted = adaptation.run(dataset, callback)
    distillation = None if teacher is None else teacher.teach(dataset)
    trained = train(
        dataset,
        plan.training,
        plan.model,
        run_dir=out,
        callbacks=callbacks,
        overwrite=overwrite,
        distillation=distillation,
        warm_start=plan.warm_start,
        adapted=adapted,
    )
    if not trained.is_main:
        return None
    graph = to_onnx(trained.module)
    sample = dataset.validation.texts[:_NUM_PARITY_TEXTS]
    check_parity(trained.module, graph, trained.tokenizer, sample)
    described["data"][STORED] = _example_texts(plan, dataset)
    manifest = _manifest(plan, trained, described)
    measure = partial(_measure, dataset=dataset, trained=trained, linear=linear_baseline, callback=callback)
    return _publish(manifest, graph, trained, dataset, out / "artifact", measure)


def _reused(existing: Artifact) -> BuildResult:
    training = existing.manifest.training
    baselines = tuple(map(Baseline.of_json, training.get(_BASELINES, ())))
    return BuildResult(existing, {}, reused=True, baselines=baselines, warnings=tuple(training.get(_WARNINGS, ())))


@dataclass(frozen=True, slots=True)
class _Measured:
    evaluations: Mapping[str, Evaluation]
    baselines: tuple[Baseline, ...]
    warnings: tuple[str, ...]
    profile: ReferenceProfile


def _observe(predictor: Predictor, dataset: Dataset) -> dict[str, LabeledPredictions]:
    return {
        name: observe(predictor, examples)
        for name, examples in {"validation": dataset.validation, MEASURED_SPLIT: dataset.test}.items()
    }


def _abstain_out_of_distribution(publication: Publication, trained: TrainedModel, dataset: Dataset) -> Bools:
    """Let the shipped model abstain on texts unlike the training texts; tell on which validation texts it does."""
    rate, tokenizer = trained.settings.ood_rate, trained.tokenizer
    if not rate:
        return np.zeros(len(dataset.validation), dtype=np.bool_)
    surprisal = Surprisal.fit(dataset.train.texts, tokenizer)
    of_validation = surprisal.of_texts(tokenizer.encode(dataset.validation.texts))
    bound = fit_max_surprisal(of_validation, rate)
    publication.set_out_of_distribution(surprisal, bound, rate)
    return of_validation > bound


def _fit_abstention(
    validation: LabeledPredictions, rejected: Bools, dataset: Dataset, settings: TrainSettings
) -> Abstention | None:
    """Choose from which confidence on the shipped model answers a text that it does not reject; None if always."""
    if not settings.max_error_rate:
        return None
    refuse_impossible_abstention(settings, dataset.labels, int((~rejected).sum()))
    confidences = validation.of_predicted(validation.probabilities)
    return fit_abstention(confidences[~rejected], validation.correct[~rejected], settings.max_error_rate)


def _measure(
    predictor: Predictor,
    predictions: Mapping[str, LabeledPredictions],
    *,
    dataset: Dataset,
    trained: TrainedModel,
    linear: bool,
    callback: Callback,
) -> _Measured:
    """Measure validation and test split, compare with the baselines on the test split, and find what is wrong.

    The validation split's predictions also become the reference profile.
    """
    evaluations = {
        name: evaluate_observations(predictor, dataset.splits[name], items, source=dataset.source, split=name)
        for name, items in predictions.items()
    }
    baselines = compare_with_baselines(predictions[MEASURED_SPLIT], dataset, linear=linear, callback=callback)
    facts = _facts(predictor, dataset, trained, predictions[MEASURED_SPLIT])
    warnings = diagnose(evaluations[MEASURED_SPLIT], facts, baselines)
    profile = make_profile(predictor, dataset.validation, predictions["validation"], split="validation")
    return _Measured(evaluations, baselines, warnings, profile)


def _facts(
    predictor: Predictor, dataset: Dataset, trained: TrainedModel, predictions: LabeledPredictions
) -> TrainingFacts:
    validation_decided = trained.metadata.keys().isdisjoint({"cross_validated_epochs", "fixed_epochs"})
    losses = [item.validation_loss for item in trained.history] if validation_decided else []
    several = np.array([len(text.strip()) >= _SEVERAL_CHARACTERS for text in dataset.test.texts])
    ids = predictor.encode(dataset.test.texts).ids
    return TrainingFacts(
        num_train=len(dataset.train),
        num_truncated=trained.num_truncated,
        label_shares=dict(zip(dataset.labels.names, label_shares(dataset.train, dataset.labels).tolist(), strict=True)),
        validation_losses=losses,
        validation_accuracy=trained.summary["validation_accuracy"],
        one_token_share=float((several & (predictions.lengths <= 1)).mean()),
        unknown_share=float((ids == trained.tokenizer.unknown_id).mean()) if len(ids) else 0.0,
        metadata=trained.metadata,
    )


def _publish(
    manifest: Manifest,
    graph: bytes,
    trained: TrainedModel,
    dataset: Dataset,
    path: Path,
    measure: Callable[[Predictor, Mapping[str, LabeledPredictions]], _Measured],
) -> BuildResult:
    contents = {_GRAPH: graph, artifacts.TOKENIZER: trained.tokenizer.serialize().encode()}
    with publish(path, manifest, contents) as publication:
        predictor = publication.predictor()
        publication.add_golden(predictor, _golden_texts(manifest, dataset))
        predictions = _observe(predictor, dataset)
        rejected = _abstain_out_of_distribution(publication, trained, dataset)
        abstention = _fit_abstention(predictions["validation"], rejected, dataset, trained.settings)
        if abstention is not None:
            publication.set_min_confidence(abstention.min_confidence)
            publication.add_training({ABSTENTION: asdict(abstention)})
        if abstention is not None or trained.settings.ood_rate:
            predictor = publication.predictor()
        measured = measure(predictor, predictions)
        stability = measure_batch_invariance(predictor, dataset.validation.texts).to_manifest()
        publication.add_metrics(predictor.variant, measured.evaluations[MEASURED_SPLIT], stability)
        publication.add_training(
            {
                _BASELINES: [item.to_json() for item in measured.baselines],
                _WARNINGS: list(measured.warnings),
                TRAINING_TEXTS: write_text_hashes(dataset, path.parent),
            }
        )
        publication.add_profile(measured.profile)
        publication.card = model_card(publication.manifest, measured.evaluations)
    return BuildResult(publication.artifact, measured.evaluations, False, measured.baselines, measured.warnings)


def _example_texts(plan: BuildPlan, dataset: Dataset) -> list[str]:
    if plan.example_text:
        return [plan.example_text]
    first = slice(_NUM_EXAMPLE_CANDIDATES)
    return list(choose_example_texts(dataset.validation.texts[first], dataset.validation.targets[first].tolist()))


def _golden_texts(manifest: Manifest, dataset: Dataset) -> list[str]:
    real = manifest.example_texts if TYPED in manifest.data else dataset.validation.texts[:_NUM_GOLDEN_TEXTS]
    return [text for text in [*real, *AWKWARD_TEXTS] if len(text) <= _LONGEST_GOLDEN_TEXT]


def _describe(
    plan: BuildPlan, dataset: Dataset, teacher: Teacher | None, adaptation: Adaptation | None
) -> dict[str, dict[str, Any]]:
    """Tell a plan and its data as JSON-ready values: equal plans on equal data are equal here."""
    teachers = {} if teacher is None else {_TAUGHT: teacher.describe()}
    if plan.warm_start is not None:
        teachers[_WARM_START] = plan.warm_start.describe()
    if adaptation is not None:
        teachers[_ADAPTATION] = adaptation.describe()
    if plan.training.costs:  # the file may be another one at the same place
        teachers[_COSTS] = read_costs(plan.training, dataset.labels)
    return {
        "training": {"settings": plan.training.model_dump(mode="json"), "model": dict(plan.model), **teachers},
        "data": {
            "source": str(plan.source),
            "fingerprint": dataset.fingerprint,
            "settings": plan.data.model_dump(mode="json"),
            "splits_are_given": dataset.splits_are_given,
            "num_examples": {name: len(examples) for name, examples in dataset.splits.items()},
            **({TYPED: plan.example_text} if plan.example_text else {}),
        },
    }


def _find_equal(out: Path, described: Mapping[str, Mapping[str, Any]]) -> Artifact | None:
    """Find an artifact of an equal plan on equal data; refuse one of another plan."""
    if not (out / "artifact" / artifacts.MANIFEST).is_file():
        return None
    try:
        existing = artifacts.read(out)
    except ArtifactError as error:
        raise SettingsError(f"{error}; or train again with --overwrite") from error
    stored = {
        "training": {
            name: _as_now(existing.manifest.training).get(name)
            for name in {**described["training"], _TAUGHT: None, _WARM_START: None, _COSTS: None, _ADAPTATION: None}
        },
        "data": _data_as_now(existing.manifest.data),
    }
    difference = first_difference(stored, described)
    if difference is None:
        return existing
    has_other_rows = stored["data"].get("fingerprint") != described["data"]["fingerprint"]
    raise SettingsError(
        f"{out} holds an artifact of another plan ({difference}); give another --out, or --overwrite to replace it"
        + (f". {_FURTHER_ROWS}" if has_other_rows else "")
    )


def _as_now(training: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give settings that came after an artifact was made their defaults, so that it is still found equal."""
    try:
        settings, model = resolve_stored(training["settings"], training["model"], source="the manifest")
    except (KeyError, InputError):  # of another version altogether
        return training
    return {**training, "settings": settings.model_dump(mode="json"), "model": model.model_dump(mode="json")}


def _data_as_now(data: Mapping[str, Any]) -> dict[str, Any]:
    """Give settings of the data that came after an artifact was made their defaults; leave out what is chosen."""
    plan = {name: value for name, value in data.items() if name != STORED}
    try:
        return {**plan, "settings": complete_settings(plan["settings"])}
    except (KeyError, InputError):  # of another version altogether
        return plan


def _manifest(plan: BuildPlan, trained: TrainedModel, described: Mapping[str, Mapping[str, Any]]) -> Manifest:
    libraries = ("torch", "onnx", "onnxruntime", "tokenizers", "numpy")
    return Manifest(
        name=plan.model_name,
        family=plan.training.family,
        labels=trained.labels,
        max_length=trained.tokenizer.max_length,
        variants={"fp32": Variant(_GRAPH)},
        temperature=trained.temperature,
        thresholds={name: item.threshold for name, item in trained.thresholds.items()},
        costs=described["training"].get(_COSTS, {}),
        training={**described["training"], **trained.summary},
        data=described["data"],
        versions={"textwright": __version__, **{name: metadata.version(name) for name in libraries}},
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
