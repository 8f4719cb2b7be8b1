"""Begin a training with a trained model: its words, its labels and its weights, and room for new ones.

Words keep their ids and new ones come after them, so rows of the word table, and of hashed pairs of ids, mean what they
meant. Rows of the head go by the label's name. What is new starts as its family starts it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from textwright.config import Settings
from textwright.core.artifact import Artifact
from textwright.core.labels import Labels
from textwright.core.tokenizer import TextTokenizer, word_level_tokenizer
from textwright.errors import SettingsError
from textwright.models import find_family
from textwright.models.bag_of_words import BagSettings, Bias
from textwright.models.family import TextModel
from textwright.training.checkpoint import read_best_weights, read_identity
from textwright.training.settings import TrainSettings

_NUM_SPECIAL: Final = 2
_SOLVED: Final = "linear"
_VOCAB_SIZE: Final = "vocab_size"
"""Setting of the families whose words come from the training texts."""
_BUCKETS: Final = "num_bigram_buckets"
_BUCKET_WEIGHTS: Final = "bigrams.weight"
_CASING: Final = "casing"


@dataclass(frozen=True, slots=True)
class WarmStart:
    """A trained model that another training begins with.

    Args:
        title: Its name and version.
        digest: Of its artifact.
        family: Its family, which is that of the training too.
        max_length: Tokens that it reads at once.
        model: Every setting of its family.
        labels: Its labels.
        tokenizer: Its tokenizer.
        weights: Its weights, as the module that is trained names them.
    """

    title: str
    digest: str
    family: str
    max_length: int
    model: Mapping[str, Any]
    labels: Labels
    tokenizer: TextTokenizer
    weights: Mapping[str, Tensor]

    @classmethod
    def of(cls, artifact: Artifact, weights: Mapping[str, Tensor]) -> WarmStart:
        """Begin with an artifact.

        Args:
            artifact: A verified artifact; see :func:`refuse_unsuitable`.
            weights: Those that it was exported from.
        """
        manifest = artifact.manifest
        return cls(
            title=f"{manifest.name}@{artifact.version}",
            digest=artifact.digest,
            family=manifest.family,
            max_length=manifest.training.get("settings", {}).get("max_length", manifest.max_length),  # of a window
            model=manifest.training["model"],
            labels=manifest.labels,
            tokenizer=TextTokenizer(artifact.tokenizer()),
            weights=weights,
        )

    def describe(self) -> dict[str, Any]:
        """Say what a training began with, for the manifest."""
        return {"model": self.title, "digest": self.digest}

    def beneath(self, settings: TrainSettings, model: Mapping[str, Any]) -> tuple[TrainSettings, dict[str, Any]]:
        """Put the model's family, length and family settings beneath what was set explicitly.

        Args:
            settings: How to train.
            model: The family's own settings.

        Raises:
            SettingsError: If another family was set.
        """
        if "family" in settings.model_fields_set and settings.family != self.family:
            raise SettingsError(
                f"--family is {settings.family!r} and --from names {self.title}, a model of family {self.family!r}; "
                "leave --family out"
            )
        before = dict(self.model)
        if issubclass(find_family(self.family).config, BagSettings):
            # What the model has, not what the new texts suggest.
            before[_BUCKETS] = len(self.weights.get(_BUCKET_WEIGHTS, ()))
            before[_CASING] = "cased" if self.tokenizer.is_cased else "uncased"
        return settings.over({"family": self.family, "max_length": self.max_length}), {**before, **model}

    def extend(self, fresh: TextTokenizer, config: Settings) -> TextTokenizer:
        """Make a tokenizer that knows the model's words under their ids, and then the new ones.

        Args:
            fresh: Made from the new training texts.
            config: Of the family.

        Raises:
            SettingsError: If the tokens are an encoder's, and of another one.
        """
        before, after = self.tokenizer.vocabulary, fresh.vocabulary
        if before == after:
            return fresh
        if _VOCAB_SIZE not in type(config).model_fields:
            raise SettingsError(
                f"{self.title} has {len(before):,} tokens and the encoder of this training {len(after):,} others, so "
                "its weights do not fit; leave the encoder's settings as they are, and give a model that was not pruned"
            )
        if fresh.is_cased != self.tokenizer.is_cased:
            casing = "cased" if self.tokenizer.is_cased else "uncased"
            raise SettingsError(f"--model.casing is another than that of {self.title}, which is {casing}; leave it out")
        known = set(before)
        words = [*before[_NUM_SPECIAL:], *(word for word in after[_NUM_SPECIAL:] if word not in known)]
        most = max(getattr(config, _VOCAB_SIZE), len(before))
        return word_level_tokenizer(words[: most - _NUM_SPECIAL], max_length=fresh.max_length, cased=fresh.is_cased)

    @torch.no_grad()
    def copy_into(self, module: TextModel, tokenizer: TextTokenizer, labels: Labels) -> dict[str, Any]:
        """Give a fresh module the weights that it shares with the model.

        Args:
            module: As its family made it, for the tokenizer of :meth:`extend`.
            tokenizer: That tokenizer.
            labels: Of the new training.

        Returns:
            How many words and which labels were taken over, which are new and which are gone, for the manifest.

        Raises:
            SettingsError: If a weight has another shape, because a setting of the family differs.
        """
        trained: nn.Module = module if module.stages is None else module.stages.head
        own, head = trained.state_dict(), _last_layer(trained, len(labels))
        tables = {f"{name}.weight" for name, part in trained.named_modules() if isinstance(part, nn.Embedding)}
        for name, weight in own.items():
            before = self.weights.get(name)
            if before is not None and name.rpartition(".")[0] == head and before.shape[1:] == weight.shape[1:]:
                for row, label in enumerate(labels.names):
                    if label in self.labels.index:
                        weight[row] = before[self.labels.index[label]]
            elif before is not None and before.shape == weight.shape:
                weight.copy_(before)
            elif before is not None and name in tables and self._is_word_table(before, weight, tokenizer):
                weight[: len(before)] = before
            else:
                raise self._misfit(name, before, weight)
        return {
            "num_words_kept": len(self.tokenizer.vocabulary) - _NUM_SPECIAL,
            "num_words_added": tokenizer.vocab_size - self.tokenizer.vocab_size,
            "labels_kept": [name for name in labels.names if name in self.labels.names],
            "labels_added": [name for name in labels.names if name not in self.labels.names],
            "labels_dropped": [name for name in self.labels.names if name not in labels.names],
        }

    def _is_word_table(self, before: Tensor, weight: Tensor, tokenizer: TextTokenizer) -> bool:
        has_rows = (len(before), len(weight)) == (self.tokenizer.vocab_size, tokenizer.vocab_size)
        return has_rows and before.shape[1:] == weight.shape[1:]

    def _misfit(self, name: str, before: Tensor | None, weight: Tensor) -> SettingsError:
        shape = "is not there" if before is None else f"has the shape {tuple(before.shape)}"
        return SettingsError(
            f"{name} {shape} in {self.title}, and the new model needs {tuple(weight.shape)}; leave the settings of the "
            "family (--model.NAME) as that model has them"
        )


def refuse_unsuitable(artifact: Artifact) -> None:
    """Refuse an artifact that no training can begin with.

    Raises:
        SettingsError: Says why, and what to do instead.
    """
    manifest = artifact.manifest
    title = f"{manifest.name}@{artifact.version}"
    if manifest.stages:
        raise SettingsError(f"{title} has several stages; begin with the model of one of its stages, and make it again")
    if manifest.family == _SOLVED:
        raise SettingsError(
            f"{title} is of family {_SOLVED!r}, which is solved for anew in seconds and has nothing to begin with; "
            "train on the old and the new rows together, without --from"
        )
    if manifest.training.get("model", {}).get("naive_bayes"):
        raise SettingsError(
            f"{title} has naive_bayes set, so its scores start from the counts of the training texts; train on the old "
            "and the new rows together, without --from"
        )
    if manifest.training.get("model", {}).get("contrastive_tuning"):
        raise SettingsError(
            f"{title} has contrastive_tuning set, so its encoder was tuned on its own training texts; train on the old "
            "and the new rows together, without --from"
        )


def read_run_weights(artifact: Artifact, checkpoint: Path) -> dict[str, Tensor]:
    """Read the weights that an artifact was exported from.

    Args:
        artifact: A verified artifact.
        checkpoint: Folder of its run's checkpoint.

    Returns:
        Name -> weight; empty if there is no checkpoint.

    Raises:
        SettingsError: If the checkpoint is of another run than the artifact.
        TrainingError: If it cannot be read.
    """
    weights = read_best_weights(checkpoint)
    if not weights:
        return {}
    training, identity = artifact.manifest.training, read_identity(checkpoint)
    stored = {**training.get("settings", {}), "labels": list(artifact.manifest.labels.names)}
    stored |= {f"model.{name}": value for name, value in training.get("model", {}).items()}
    differing = [name for name, value in stored.items() if name in identity and identity[name] != value]
    if differing:
        raise SettingsError(
            f"{checkpoint} is of another run than the artifact beside it ({differing[0]} differs), so its weights are "
            "not those of the artifact; finish that run with its own textwright train command"
        )
    return weights


def _last_layer(module: nn.Module, num_labels: int) -> str:
    """Name the layer whose rows are the labels."""
    names: list[str] = [
        name
        for name, part in module.named_modules()
        if isinstance(part, nn.Linear | Bias) and len(part.bias) == num_labels
    ]
    return names[-1]
