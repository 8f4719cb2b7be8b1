"""Train a model: from a dataset and settings to a module, its tokenizer and its temperature.

::

    run_dir/
      settings.json   every setting, in the form of a recipe
      history.jsonl   one line per epoch
      checkpoint/     the state to resume from
      tensorboard/    events
      artifact/       what is shipped (written by the caller, after export)
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import torch
from accelerate import Accelerator

from textwright.config import Settings
from textwright.core.artifact import RUN_SETTINGS
from textwright.core.callbacks import Callback, CallbackList, EpochRecord
from textwright.core.files import write_text
from textwright.core.labels import Labels
from textwright.core.numerics import activate
from textwright.core.tokenizer import TextTokenizer
from textwright.core.types import Float32s
from textwright.data.dataset import Dataset
from textwright.errors import DataError, SettingsError
from textwright.models import find_family
from textwright.models.family import BuildContext, TextModel, TrainingSplit
from textwright.training.abstention import refuse_impossible_abstention, refuse_impossible_ood_rate
from textwright.training.adaptation import AdaptedEncoder
from textwright.training.batches import EncodedExamples, encode_examples
from textwright.training.calibrate import fit_temperature
from textwright.training.checkpoint import Checkpointer, TrainState
from textwright.training.class_weight import class_weights
from textwright.training.costs import read_costs
from textwright.training.cross_validate import EPSILONS
from textwright.training.device import deterministic, make_accelerator, uses_bf16
from textwright.training.distillation import DistillationTargets
from textwright.training.learner import Learner, make_learner
from textwright.training.loop import TrainingRuntime
from textwright.training.settings import ClassWeight, TrainSettings
from textwright.training.solver import LinearLearner
from textwright.training.tensorboard import TensorBoard
from textwright.training.thresholds import Threshold, choose_thresholds, refuse_impossible_aim
from textwright.training.warm_start import WarmStart

CHECKPOINT: Final = "checkpoint"
TENSORBOARD: Final = "tensorboard"
HISTORY: Final = "history.jsonl"
SETTINGS: Final = RUN_SETTINGS
ADAPTED: Final = "adapted_encoder"
"""Where the manifest's account of training says what the encoder was adapted to; absent where it was not."""
COPIED: Final = "warm_start_copied"
"""Where the manifest's account of training says what was taken over from the model that it began with."""
_BEFORE: Final = {"min_steps": 0, "adam_epsilon": 1e-8}
_FAMILY_BEFORE: Final = {"pooling": "mean", "casing": "uncased", "num_bigram_buckets": 0}
"""Settings whose default today is not what was done before they came."""


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """What training gives, ready for export.

    Args:
        module: The best epoch's weights, in evaluation mode, on the CPU, in fp32.
        tokenizer: The tokenizer, made from the training split.
        labels: Label names in the order of the logits' columns, with the task.
        temperature: Calibration divisor of the logits, > 0, fitted on the validation split.
        thresholds: Label name -> from which probability on it is predicted, chosen on the validation split.
        history: One record per epoch.
        settings: Every setting of training, family defaults included.
        family_settings: Every setting of the family.
        num_truncated: Training texts that were cut at ``max_length``.
        is_main: False in all but one of several processes that trained together; only that one may write files.
        metadata: What is worth knowing about the model and how it was trained, name -> plain value.
    """

    module: TextModel
    tokenizer: TextTokenizer
    labels: Labels
    temperature: float
    thresholds: Mapping[str, Threshold]
    history: Sequence[EpochRecord]
    settings: TrainSettings
    family_settings: Settings
    num_truncated: int
    is_main: bool
    metadata: Mapping[str, Any]

    @property
    def summary(self) -> dict[str, Any]:
        """How training went, as plain values for the manifest."""
        best = max((record for record in self.history if record.is_best), key=lambda record: record.epoch)
        return {
            "num_epochs_trained": len(self.history),
            "best_epoch": best.epoch,
            "validation_loss": best.validation_loss,
            "validation_accuracy": best.validation_accuracy,
            "num_truncated": self.num_truncated,
            "thresholds": {name: asdict(item) for name, item in self.thresholds.items()},
            **self.metadata,
        }


def resolve_settings(settings: TrainSettings, family_settings: Mapping[str, Any]) -> tuple[TrainSettings, Settings]:
    """Put a family's defaults beneath what was set explicitly.

    Args:
        settings: How to train; names the family.
        family_settings: Setting name -> raw value of the family's own settings.

    Returns:
        Every setting of training, and every setting of the family.

    Raises:
        NotFoundError: If there is no such family.
        SettingsError: If a setting of the family is unknown or out of bounds.
    """
    family = find_family(settings.family)
    source = f"[model] settings of family {family.name}"
    return settings.over(family.defaults), family.config.parse(family_settings, source=source)


def resolve_stored(
    settings: Mapping[str, Any], family_settings: Mapping[str, Any], *, source: str
) -> tuple[TrainSettings, Settings]:
    """Resolve settings as an artifact or a finished run holds them; those that came since are as they were before.

    Args:
        settings: Setting name -> plain value.
        family_settings: The same of the family's own.
        source: What messages call the place.

    Returns:
        As :func:`resolve_settings`.

    Raises:
        NotFoundError: If there is no such family.
        SettingsError: If a setting is unknown or out of bounds.
    """
    training = TrainSettings.parse({**_BEFORE, **settings}, source=source)
    names = find_family(training.family).config.model_fields
    before = {name: value for name, value in _FAMILY_BEFORE.items() if name in names}
    return resolve_settings(training, {**before, **family_settings})


def as_recipe(settings: TrainSettings, family_settings: Settings) -> dict[str, Any]:
    """Join settings as a recipe holds them: flat, with the family's own in a table "model"."""
    return {**settings.model_dump(mode="json"), "model": family_settings.model_dump(mode="json")}


def train(
    dataset: Dataset,
    settings: TrainSettings,
    family_settings: Mapping[str, Any],
    *,
    run_dir: Path,
    callbacks: Sequence[Callback] = (),
    overwrite: bool = False,
    distillation: DistillationTargets | None = None,
    warm_start: WarmStart | None = None,
    adapted: AdaptedEncoder | None = None,
) -> TrainedModel:
    """Train a model on a dataset; validation decides the epoch and the temperature, test is not looked at.

    A run that was killed goes on from its checkpoint when the same call is made again.

    Args:
        dataset: Labeled examples, split.
        settings: How to train; the family's defaults are put beneath what was set explicitly.
        family_settings: Setting name -> value of the family's own settings; absent ones have their defaults.
        run_dir: The run's folder. Processes that train together must all see it.
        callbacks: Called at each step and epoch.
        overwrite: Start anew whatever the folder holds; False goes on from its checkpoint, or refuses another
            run's.
        distillation: What a teacher says of the training texts and others, which are learned from instead of the
            labels; None learns from the labels.
        warm_start: A trained model to begin with; None begins with the family's first weights.
        adapted: The family's encoder after it was adapted to ``settings.adapt_to``; None where that is empty.

    Returns:
        The trained model. The same dataset, settings and machine give the same model, killed and resumed or not.

    Raises:
        NotFoundError: If there is no such family.
        SettingsError: If a setting is out of bounds, or a checkpoint was made with others.
        DataError: If the training or the validation split is empty.
        TrainingError: If the loss is not finite, or a checkpoint cannot be read.
    """
    callback = CallbackList(callbacks)
    prepared = prepare(dataset, settings, family_settings, distillation, warm_start, callback, adapted)
    accelerator = make_accelerator(prepared.settings.device)
    bf16 = uses_bf16(prepared.settings.precision, accelerator.device, gains=prepared.supports_bf16)
    runtime = TrainingRuntime(accelerator, bf16)
    checkpointer = _open_run(run_dir, prepared, accelerator, overwrite=overwrite)
    with deterministic(accelerator.device):
        learner = learner_of(prepared, runtime, callback)
        if accelerator.is_main_process:
            with TensorBoard(run_dir / TENSORBOARD, dataset.labels, dataset.validation) as board:
                all_callbacks = CallbackList([board, _HistoryFile(run_dir / HISTORY), *callbacks])
                state = learner.fit(prepared.labels, checkpointer, all_callbacks)
                _close(board, prepared, state)
        else:
            state = learner.fit(prepared.labels, checkpointer, Callback())
        logits, targets = learner.held_out(prepared.labels)
    temperature = fit_temperature(logits, targets, prepared.labels.task)
    probabilities = activate(logits, prepared.labels.task, temperature=temperature)
    thresholds = choose_thresholds(probabilities, targets, prepared.labels, prepared.settings, prepared.train.targets)
    is_main = accelerator.is_main_process
    accelerator.end_training()
    return TrainedModel(
        module=prepared.module.cpu().eval(),
        tokenizer=prepared.tokenizer,
        labels=prepared.labels,
        temperature=temperature,
        thresholds=thresholds,
        history=state.history,
        settings=prepared.settings,
        family_settings=prepared.family_settings,
        num_truncated=prepared.train.num_truncated,
        is_main=is_main,
        metadata={
            **prepared.module.metadata,
            **learner.metadata,
            **_weights(prepared),
            **prepared.started_from,
        },
    )


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything that is decided before the first step, the same in every process.

    Args:
        settings: Every setting of training, family defaults included.
        family_settings: Every setting of the family.
        supports_bf16: Whether the family is faster in bf16 where the hardware has it.
        labels: Label names in the order of the logits' columns, with the task.
        tokenizer: The tokenizer, made from the training split.
        train: The training split, or the texts of the distillation targets, as token ids.
        validation: The validation split as token ids.
        module: The model with its first weights, drawn from ``settings.seed``, or those of the distillation targets.
        distillation: What a teacher says of ``train``; None where labels are all there is.
        warm_start: What the training begins with; None begins anew.
        adapted: The family's encoder after it was adapted to texts; None where it was not.
        copied: What was taken over from the warm start, for the manifest; empty where nothing was.
    """

    settings: TrainSettings
    family_settings: Settings
    supports_bf16: bool
    labels: Labels
    tokenizer: TextTokenizer
    train: EncodedExamples
    validation: EncodedExamples
    module: TextModel
    distillation: DistillationTargets | None
    warm_start: WarmStart | None = None
    adapted: AdaptedEncoder | None = None
    copied: Mapping[str, Any] = field(default_factory=dict)

    @property
    def identity(self) -> dict[str, Any]:
        """What a resumed run must share, name -> plain value.

        How often it is saved does not matter, nor what is decided from its probabilities by costs or by an error rate.
        """
        recipe = as_recipe(self.settings, self.family_settings)
        model = {f"model.{name}": value for name, value in recipe.pop("model").items()}
        del recipe["checkpoint_every_s"], recipe["max_error_rate"], recipe["costs"]
        data = {"labels": list(self.labels.names), "task": str(self.labels.task)}
        digests = {"training data": self.train.digest(), "validation data": self.validation.digest()}
        if self.distillation is not None:
            digests["distillation targets"] = self.distillation.digest()
        if self.warm_start is not None:
            digests["warm start"] = self.warm_start.digest
        if self.adapted is not None:
            digests["adapted encoder"] = self.adapted.digest
        return {**recipe, **model, **data, **{name: digest[:12] for name, digest in digests.items()}}

    @property
    def started_from(self) -> dict[str, Any]:
        """What the first weights came from beside the family's own, for the manifest."""
        return {**self.copied, **({} if self.adapted is None else {ADAPTED: dict(self.adapted.facts)})}


def prepare(
    dataset: Dataset,
    settings: TrainSettings,
    family_settings: Mapping[str, Any],
    distillation: DistillationTargets | None = None,
    warm_start: WarmStart | None = None,
    callback: Callback | None = None,
    adapted: AdaptedEncoder | None = None,
) -> Prepared:
    """Decide everything that :func:`train` decides before its first step, and train nothing.

    Args:
        dataset: Labeled examples, split.
        settings: How to train; the family's defaults are put beneath what was set explicitly.
        family_settings: Setting name -> value of the family's own settings; absent ones have their defaults.
        distillation: What a teacher says; None learns from the labels.
        warm_start: A trained model to begin with; None begins with the family's first weights.
        callback: Is told how far the family is, where making its first weights takes long.
        adapted: The family's encoder after it was adapted to ``settings.adapt_to``; None where that is empty.

    Returns:
        Encoded examples and a model with its first weights; equal arguments give equal weights.

    Raises:
        NotFoundError: If there is no such family.
        SettingsError: If a setting is out of bounds, or does not fit the labels.
        DataError: If the training or the validation split is empty.
    """
    family = find_family(settings.family)
    settings, config = resolve_settings(settings, family_settings)
    for name in ("train", "validation"):
        if not dataset.splits[name]:
            raise DataError(f"{dataset.source}: the {name} split has no examples; training needs 1 or more in it")
    refuse_impossible_aim(settings, dataset.labels)
    refuse_impossible_abstention(settings, dataset.labels, len(dataset.validation))
    refuse_impossible_ood_rate(settings, dataset.labels, len(dataset.validation))
    read_costs(settings, dataset.labels)
    if distillation is not None and settings.class_weight is not ClassWeight.NONE:
        raise SettingsError(
            f"class_weight is {settings.class_weight.value!r}, but a student learns its teacher's probabilities, which "
            "are not weighted; leave class_weight at 'none', or weigh the labels when the teacher is trained"
        )
    if settings.adam_epsilon == "auto" and "adam_epsilon" not in family.defaults:
        raise SettingsError(
            "adam_epsilon is 'auto', which is chosen for bags of words alone (bow, bow-glove); give "
            f"{family.name} a number, such as 1e-8"
        )
    if settings.focal_gamma and settings.family == "linear":
        raise SettingsError(
            f"focal_gamma is {settings.focal_gamma}, but linear is solved for and minimizes the cross-entropy; "
            "leave it at 0, or train another family (textwright families)"
        )
    if settings.adapt_to and adapted is None:
        raise SettingsError(
            f"adapt_to is {settings.adapt_to!r}, but here nothing adapts the encoder before; leave it out, or use "
            "textwright train"
        )
    words_from = dataset.train.texts if distillation is None else distillation.vocabulary_texts
    chosen = config
    if family.choose_settings is not None:
        chosen = family.choose_settings(config, dataset.train, dataset.labels, settings.max_length)
    tokenizer = family.build_tokenizer(words_from, chosen, settings.max_length)
    if warm_start is not None:
        tokenizer = warm_start.extend(tokenizer, config)
    learned = dataset.train if distillation is None else distillation.examples(dataset.labels)
    examples, validation = (encode_examples(split, tokenizer) for split in (learned, dataset.validation))
    torch.manual_seed(settings.seed)
    training = TrainingSplit(examples.encodings, examples.targets)
    folder = None if adapted is None else adapted.folder
    module = family.build(config, BuildContext(tokenizer, dataset.labels, training, callback or Callback(), folder))
    if distillation is not None and distillation.start:
        module.load_state_dict(dict(distillation.start))
    gains, labels = family.supports_bf16, dataset.labels
    copied = {} if warm_start is None else {COPIED: warm_start.copy_into(module, tokenizer, labels)}
    starts = distillation, warm_start, adapted, copied
    return Prepared(settings, config, gains, labels, tokenizer, examples, validation, module, *starts)


def _open_run(run_dir: Path, prepared: Prepared, accelerator: Accelerator, *, overwrite: bool) -> Checkpointer:
    """Write down the settings, and remove the checkpoint of an earlier run if it is to be thrown away."""
    folder = run_dir / CHECKPOINT
    if accelerator.is_main_process:
        if overwrite:
            shutil.rmtree(folder, ignore_errors=True)
        recipe = as_recipe(prepared.settings, prepared.family_settings)
        write_text(run_dir / SETTINGS, json.dumps(recipe, indent=2) + "\n")
    accelerator.wait_for_everyone()
    every_s = prepared.settings.checkpoint_every_s
    return Checkpointer(folder, prepared.identity, every_s=every_s, is_writer=accelerator.is_main_process)


def learner_of(prepared: Prepared, runtime: TrainingRuntime, callback: Callback) -> Learner | LinearLearner:
    """Decide what of a prepared model is trained, on what, and by which steps.

    An automatic adam_epsilon is a choice only with labels, first weights and the family's own learning rate.
    """
    settings = prepared.settings
    is_usual = settings.learning_rate == find_family(settings.family).defaults.get("learning_rate")
    is_choice = is_usual and prepared.distillation is None and prepared.warm_start is None
    if settings.adam_epsilon == "auto" and not is_choice:
        settings = settings.model_copy(update={"adam_epsilon": min(EPSILONS)})
    return make_learner(
        prepared.module,
        prepared.train,
        prepared.validation,
        prepared.labels,
        settings,
        runtime=runtime,
        callback=callback,
        distillation=prepared.distillation,
    )


def _weights(prepared: Prepared) -> dict[str, Any]:
    """Say how much each label counted in the loss; nothing if all counted alike."""
    labels = prepared.labels
    weights = class_weights(prepared.settings.class_weight, prepared.train.targets, len(labels))
    return {} if weights is None else {"class_weights": dict(zip(labels.names, weights.tolist(), strict=True))}


def _close(board: TensorBoard, prepared: Prepared, state: TrainState) -> None:
    recipe = as_recipe(prepared.settings, prepared.family_settings)
    flat = {**recipe, **{f"model.{name}": value for name, value in recipe.pop("model").items()}}
    best = state.history[state.best_epoch - 1]
    board.close_run(flat, best, prepared.tokenizer.vocabulary, prepared.module.word_vectors)


class _HistoryFile(Callback):
    """Keeps one JSON line per epoch, also across a resume."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def on_epoch_end(self, record: EpochRecord, logits: Float32s) -> None:  # noqa: ARG002  the form of Callback
        """Put the record after those of earlier epochs; later ones come from a run before."""
        lines = self._path.read_text(encoding="utf-8").splitlines() if self._path.is_file() else []
        earlier = [line for line in lines if json.loads(line)["epoch"] < record.epoch]
        write_text(self._path, "\n".join([*earlier, json.dumps(asdict(record))]) + "\n")
