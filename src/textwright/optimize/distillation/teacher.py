"""A served artifact, or several, as a teacher: what its graph answers to the training texts and to many more.

Answers are kept in the user's cache under the teacher's version and the text's token ids, so that each text is answered
once for all students, seeds and interrupted runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from torch import Tensor

from textwright.core.callbacks import Callback
from textwright.core.labels import Labels, Task
from textwright.core.metrics import is_correct, log_losses
from textwright.core.numerics import activate
from textwright.core.types import Bools, Float32s, Ints
from textwright.data.cache import cache_dir
from textwright.data.dataset import Dataset, Examples
from textwright.data.unlabeled import apart_from, fingerprint_texts
from textwright.errors import DataError, SettingsError
from textwright.evaluate.intervals import Interval, share
from textwright.models.feature_cache import FeatureCache, key_of
from textwright.optimize.distillation.augment import augment
from textwright.optimize.distillation.settings import DistillSettings
from textwright.runtime.predictor import Predictor
from textwright.training.distillation import DistillationTargets, TeacherMean, average, soft_targets

_TEXTS_PER_FILE: Final = 4_096
"""Texts answered between two writes to the cache: what a kill may cost."""


@dataclass(frozen=True, slots=True)
class TeacherScore:
    """How good one of several teachers is on the validation split.

    Args:
        name: Of the model.
        version: Of its artifact.
        accuracy: Share of the texts that it answers right in whole.
    """

    name: str
    version: str
    accuracy: Interval


@dataclass(frozen=True, slots=True)
class TeacherCommittee:
    """How good several teachers are together, on the validation split.

    Args:
        num_validation: Its texts.
        teachers: Each by itself, in the order given.
        mean: What of them is averaged: the one whose log loss is lower.
        log_loss: Of the average of probabilities and of logits, in nats.
        accuracy: Of the average that is learned from.
        agreement: Share of the texts that all teachers answer alike.
    """

    num_validation: int
    teachers: Sequence[TeacherScore]
    mean: TeacherMean
    log_loss: Mapping[str, float]
    accuracy: Interval
    agreement: Interval


class PredictorTeacher:
    """One artifact, or several that answer as one: by the mean of probabilities or of logits, as validation says.

    Args:
        predictors: At least one, all of the same labels.
        settings: How the student learns, and how texts are altered.
        seed: Of the altered copies.
        unlabeled: Further texts for the teacher to answer.
        start: Weights that the student starts from, by name; empty leaves those of its family.
        callback: Told how many texts were answered, of all that no earlier run has; None is silent.
    """

    def __init__(
        self,
        predictors: Sequence[Predictor],
        settings: DistillSettings,
        *,
        seed: int,
        unlabeled: Sequence[str] = (),
        start: Mapping[str, Tensor] | None = None,
        callback: Callback | None = None,
    ) -> None:
        self._predictors = predictors
        self._settings = settings
        self._seed = seed
        self._unlabeled = unlabeled
        self._start = start or {}
        self._callback = callback or Callback()

    def describe(self) -> dict[str, Any]:
        """Name the teachers with their versions, the settings and the further texts."""
        return {
            "teachers": [describe_teacher(item) for item in self._predictors],
            "settings": self._settings.model_dump(mode="json"),
            "unlabeled": {"num_texts": len(self._unlabeled), "fingerprint": fingerprint_texts(self._unlabeled)},
            "starts_from_teacher": bool(self._start),
        }

    def teach(self, dataset: Dataset) -> DistillationTargets:
        """Answer the training texts, their altered copies and the further texts.

        Args:
            dataset: Its validation and test texts are neither altered nor answered; what is nearly one of them is left
                out of the further texts.

        Returns:
            The distillation targets, with the training split first.

        Raises:
            DataError: If the labels of the dataset are not those of the teacher.
        """
        known, held_out = dataset.train.texts, [*dataset.validation.texts, *dataset.test.texts]
        further = apart_from(held_out, self._unlabeled) if self._unlabeled else []
        copies, forbidden = augment(known, self._settings, seed=self._seed), set(held_out)
        texts = [*known, *further, *(text for text in copies if text not in forbidden)]
        answers = [self._answer(item, texts, dataset.labels) for item in self._predictors]
        committee, settings = self.committee(dataset.validation, dataset.labels), self._settings
        soft, true = soft_targets(
            answers,
            dataset.train.targets,
            dataset.labels,
            temperature=settings.temperature,
            mean=TeacherMean.PROBABILITIES if committee is None else committee.mean,
        )
        return DistillationTargets(
            texts=texts,
            soft=soft,
            true=true,
            temperature=settings.temperature,
            label_weight=settings.label_weight,
            vocabulary_texts=[*known, *further],
            start=self._start,
        )

    def committee(self, validation: Examples, labels: Labels) -> TeacherCommittee | None:
        """Judge the teachers together, and choose what of them is averaged.

        Args:
            validation: Labeled texts that none of them was trained on.
            labels: In the order of the targets.

        Returns:
            None for one teacher.
        """
        if len(self._predictors) == 1:
            return None
        answers = [self._answer(item, validation.texts, labels) for item in self._predictors]
        targets, means = validation.targets, {mean: average(answers, labels.task, mean=mean) for mean in TeacherMean}
        losses = {mean: float(log_losses(targets, means[mean]).mean()) for mean in TeacherMean}
        best = min(TeacherMean, key=lambda mean: losses[mean])
        decided = [_decide(activate(item, labels.task), labels.task) for item in answers]
        manifests = [(item.artifact.manifest.name, item.artifact.version) for item in self._predictors]
        is_alike = [(item == decided[0]).reshape(len(targets), -1).all(axis=1) for item in decided]
        return TeacherCommittee(
            num_validation=len(targets),
            teachers=[
                TeacherScore(name, version, share(is_correct(targets, item)))
                for (name, version), item in zip(manifests, decided, strict=True)
            ],
            mean=best,
            log_loss={mean.value: losses[mean] for mean in TeacherMean},
            accuracy=share(is_correct(targets, _decide(means[best], labels.task))),
            agreement=share(np.logical_and.reduce(is_alike)),
        )

    def _answer(self, predictor: Predictor, texts: Sequence[str], labels: Labels) -> Float32s:
        """Look answers up and ask for the others; calibrated logits in the order of the dataset's labels, (M, K)."""
        columns = columns_of(predictor, labels)
        # By the text, not its ids: texts that a first stage encodes alike may differ to the next one.
        keys = [key_of(text.encode(errors="surrogatepass")) for text in texts]
        cache = FeatureCache(_cache_folder(predictor), len(labels))
        logits, is_known = cache.read(keys)
        missing = np.flatnonzero(~is_known)
        for start in range(0, len(missing), _TEXTS_PER_FILE):
            positions = missing[start : start + _TEXTS_PER_FILE]
            logits[positions] = predictor.logits([texts[position] for position in positions.tolist()])
            cache.add([keys[position] for position in positions.tolist()], logits[positions])
            self._callback.on_progress("the teacher answers", start + len(positions), len(missing))
        return logits[:, columns] / np.float32(predictor.artifact.manifest.temperature)


def refuse_twins(predictors: Sequence[Predictor]) -> None:
    """Refuse a teacher that is named twice: it would count twice.

    Raises:
        SettingsError: Names it.
    """
    seen: dict[tuple[str, str], Predictor] = {}
    for predictor in predictors:
        key = predictor.artifact.digest, predictor.variant
        if key in seen:
            name, first = predictor.artifact.manifest.name, seen[key].artifact.path
            raise SettingsError(
                f"the teachers {first} and {predictor.artifact.path} are the same model, {name} "
                f"({predictor.artifact.version}), which would count twice; give each teacher once"
            )
        seen[key] = predictor


def _decide(probabilities: Float32s, task: Task) -> Ints | Bools:
    """Predict the most probable label, (M,), or the labels that more likely hold than not, (M, K)."""
    if task is Task.SINGLE_LABEL:
        return np.asarray(probabilities.argmax(axis=1), dtype=np.int64)
    return np.asarray(probabilities >= 0.5)


def describe_teacher(predictor: Predictor) -> dict[str, str]:
    """Name a teacher so that it can be found again: its digest is that of every byte of the artifact."""
    artifact = predictor.artifact
    manifest = artifact.manifest
    return {
        "name": manifest.name,
        "family": manifest.family,
        "version": artifact.version,
        "digest": artifact.digest,
        "variant": predictor.variant,
    }


def columns_of(predictor: Predictor, labels: Labels) -> list[int]:
    """Find where a model's logits have each of some labels.

    Raises:
        DataError: If the model knows other labels.
    """
    theirs, manifest = predictor.labels, predictor.artifact.manifest
    if theirs.task is not labels.task or set(theirs.names) != set(labels.names):
        raise DataError(
            f"the model {manifest.name} knows the labels {', '.join(theirs.names)} ({theirs.task}), but the data has "
            f"{', '.join(labels.names)} ({labels.task}); give data with the model's labels, or another model"
        )
    return [theirs.index[name] for name in labels.names]


def _cache_folder(predictor: Predictor) -> Path:
    artifact = predictor.artifact
    graph = artifact.manifest.variant(predictor.variant).file  # empty where several graphs answer
    return cache_dir() / "answers" / (artifact.files[graph].sha256 if graph else artifact.digest)[:32]
