"""Adapt an encoder to texts without labels, before it learns a task: masked-language training, gone on with.

The adapted encoder is kept in the user's cache under everything that decides it (weights, token ids, settings), so
that it is made once for all runs, seeds and families. A run that was killed goes on from its checkpoint.

::

    texts - held-out texts -> token ids -> the loop, tokens masked anew in each step -> folder of an encoder

Source:
    Gururangan et al., 2020, "Don't Stop Pretraining: Adapt Language Models to Domains and Tasks"; Devlin et al., 2019,
    "BERT", section 3.1.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer

from textwright.core.callbacks import Callback, EpochRecord
from textwright.core.files import atomic_folder, exclusive_folder, write_text
from textwright.core.percent import percent
from textwright.core.types import Float32s, Ints
from textwright.data.cache import cache_dir
from textwright.data.dataset import Dataset, Examples
from textwright.data.settings import DataSettings
from textwright.data.unlabeled import apart_from, fingerprint_texts, read_unlabeled
from textwright.errors import DataError, SettingsError
from textwright.models.encoder import SentenceEncoder
from textwright.models.feature_cache import encoder_digest
from textwright.models.pretrained import Pretrained, open_pretrained
from textwright.training.batches import encode_examples, sorted_batches
from textwright.training.checkpoint import Checkpointer, TrainState
from textwright.training.device import deterministic, make_accelerator, uses_bf16
from textwright.training.loop import LoopTask, TrainingRuntime, run_loop
from textwright.training.masked_language import MaskedLanguageModel, MaskedTexts
from textwright.training.objective import ValidationScore
from textwright.training.settings import TrainSettings

_BATCH_SIZE: Final = 64
_WARMUP: Final = 0.06
_CHECKPOINT_EVERY_S: Final = 30.0
"""Seconds of training that a kill may cost."""
_VERSION: Final = 1
"""Of what the training does; a change that gives other weights counts it up."""
_FACTS: Final = "adaptation.json"
_SECONDS: Final = "seconds.txt"
_HELD_OUT_SHARE: Final = 0.01
_MOST_HELD_OUT: Final = 1_000
_FEWEST: Final = 2
_FEW: Final = 1_000
"""With fewer texts than these an adaptation hardly pays."""
_STAGE: Final = "adapting the encoder"


@dataclass(frozen=True, slots=True)
class AdaptedEncoder:
    """An encoder that was adapted to texts.

    Args:
        folder: Where it lies, in the form of ``transformers``.
        facts: What it was adapted to, how long and how well it guesses, for the manifest.
    """

    folder: Path
    facts: Mapping[str, Any]

    @property
    def digest(self) -> str:
        """Identify it: equal texts, settings and first weights have equal digests."""
        return self.folder.name


@dataclass(frozen=True, slots=True)
class Adaptation:
    """What an encoder is to be adapted to.

    Args:
        encoder: Its name or folder.
        texts: At least one text, as the source has them.
        settings: Every setting of the training that it comes before.
    """

    encoder: str
    texts: Sequence[str]
    settings: TrainSettings

    def describe(self) -> dict[str, Any]:
        """Tell what decides the outcome beside settings and held-out texts, JSON-ready."""
        return {"num_texts": len(self.texts), "fingerprint": fingerprint_texts(self.texts)}

    def run(self, dataset: Dataset, callback: Callback) -> AdaptedEncoder:
        """Adapt the encoder, unless that was done.

        Args:
            dataset: Its validation and test texts, and what is nearly one of them, are left out.
            callback: Is told how far it is.

        Returns:
            The adapted encoder, in the cache.

        Raises:
            DataError: If too few texts are left.
            SettingsError: If the encoder knows no mask, or another process is adapting it to the same texts.
            TrainingError: If the loss is not finite.
        """
        source = self.settings.adapt_to
        callback.on_stage_begin(f"reading {source} for the encoder")
        texts = apart_from([*dataset.validation.texts, *dataset.test.texts], self.texts)
        pretrained = open_pretrained(self.encoder)
        backbone = pretrained.load_backbone()
        positions = SentenceEncoder(backbone, pools_first_token=False).max_positions
        max_length = min(self.settings.max_length, positions or self.settings.max_length)
        masked = _masked_texts(texts, pretrained, max_length)
        if len(masked) < _FEWEST:
            raise DataError(
                f"adapt_to: of the {len(self.texts):,} texts of {source} {len(masked)} are left without those of the "
                f"validation and the test split; an encoder is adapted to {_FEWEST} or more, best to {_FEW:,} or more"
            )
        if len(masked) < _FEW:
            callback.on_warning(f"adapt_to: {source} has {len(masked):,} texts, which is little to adapt an encoder to")
        left_out = len(self.texts) - len(masked)
        if left_out:
            callback.on_warning(
                f"adapt_to: {left_out:,} of {len(self.texts):,} texts of {source} are left out: they are, or nearly "
                "are, texts of the validation or the test split, or stand there twice, or have no words"
            )
        accelerator = make_accelerator(self.settings.device)
        bf16 = uses_bf16(self.settings.precision, accelerator.device, gains=True)
        key = self._key(backbone, pretrained, masked, bf16=bf16)
        folder = cache_dir() / "adapted" / key
        if not (folder / _FACTS).is_file():
            with exclusive_folder(folder.with_suffix(".run")), deterministic(accelerator.device):
                facts = self._train(backbone, masked, TrainingRuntime(accelerator, bf16), folder, callback)
                if accelerator.is_main_process:
                    with atomic_folder(folder) as temporary:
                        pretrained.save_changed(backbone.cpu(), temporary)
                        write_text(temporary / _FACTS, json.dumps(facts, indent=2) + "\n")
                    shutil.rmtree(folder.with_suffix(".run"), ignore_errors=True)
                accelerator.wait_for_everyone()
        facts = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
        return AdaptedEncoder(folder, {"texts": source, "num_left_out": left_out, "digest": key, **facts})

    def _key(self, backbone: nn.Module, pretrained: Pretrained, masked: MaskedTexts, *, bf16: bool) -> str:
        config = pretrained.config.to_json_string()
        parts = {
            "version": _VERSION,
            "encoder": encoder_digest(backbone, config),
            "texts": hashlib.sha256(masked.encodings.offsets.tobytes() + masked.encodings.ids.tobytes()).hexdigest(),
            "epochs": self.settings.adapt_epochs,
            "learning_rate": self.settings.adapt_learning_rate,
            "bf16": bf16,
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]

    def _train(
        self, backbone: nn.Module, masked: MaskedTexts, runtime: TrainingRuntime, folder: Path, callback: Callback
    ) -> dict[str, Any]:
        """Run the loop; the backbone has the best weights afterwards."""
        learned, held_out = _split(masked)
        settings = self._loop_settings()
        torch.manual_seed(0)
        model = MaskedLanguageModel(backbone, masked.token_counts)
        is_writer = runtime.accelerator.is_main_process
        checkpointer = _TimedCheckpointer(
            folder.with_suffix(".run"),
            {"adapted encoder": folder.name},
            every_s=_CHECKPOINT_EVERY_S,
            is_writer=is_writer,
        )
        view = _AdaptationProgress(callback, settings.num_epochs)
        task = LoopTask(functional.cross_entropy, lambda: _validate(model, held_out, runtime))
        state = run_loop(model, learned, task, settings, runtime=runtime, checkpointer=checkpointer, callback=view)
        best = state.history[state.best_epoch - 1]
        return {
            "num_texts": len(masked),
            "num_tokens": int(masked.lengths.sum()),
            "num_epochs": settings.num_epochs,
            "num_steps": state.history[-1].step,
            "seconds": round(checkpointer.seconds, 1),
            "masked_accuracy": best.validation_accuracy,
            "masked_loss": best.validation_loss,
        }

    def _loop_settings(self) -> TrainSettings:
        own = self.settings
        return TrainSettings(
            family=own.family,
            seed=0,
            num_epochs=own.adapt_epochs,
            patience=own.adapt_epochs,
            batch_size=_BATCH_SIZE,
            gradient_accumulation=own.gradient_accumulation,
            learning_rate=own.adapt_learning_rate,
            warmup_fraction=_WARMUP,
        )


def read_adaptation(settings: TrainSettings, model: Mapping[str, Any], data: DataSettings) -> Adaptation | None:
    """Read what an encoder is to be adapted to.

    Args:
        settings: Every setting of training.
        model: Every setting of the family.
        data: How the texts are read: text column and encoding.

    Returns:
        None where the settings ask for no adaptation.

    Raises:
        NotFoundError: If there is no such source.
        DataError: If it cannot be read, or holds no text.
        SettingsError: If the family has no encoder.
    """
    if not settings.adapt_to:
        return None
    if "encoder" not in model:
        raise SettingsError(
            f"adapt_to is {settings.adapt_to!r}, but family {settings.family} has no encoder that could be adapted; "
            "leave it out, or take bert, frozen-bert or static-bert"
        )
    texts = read_unlabeled(
        settings.adapt_to,
        data,
        by_sentence=settings.adapt_sentences,
        max_texts=settings.adapt_max_texts,
        option="--adapt-to",
    )
    return Adaptation(model["encoder"], texts, settings)


class _TimedCheckpointer(Checkpointer):
    """Keeps beside the state how long it took to get there, over all runs."""

    def __init__(self, folder: Path, identity: Mapping[str, Any], *, every_s: float, is_writer: bool) -> None:
        super().__init__(folder, identity, every_s=every_s, is_writer=is_writer)
        self._file = folder / _SECONDS
        self._before = 0.0
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds of training so far, without what kills have cost."""
        return self._before + time.monotonic() - self._started

    def save(self, state: TrainState, module: nn.Module, optimizer: Optimizer) -> None:
        """Write the state, and the time."""
        super().save(state, module, optimizer)
        write_text(self._file, f"{self.seconds}\n")

    def restore(self, module: nn.Module, optimizer: Optimizer) -> TrainState:
        """Read both back."""
        state = super().restore(module, optimizer)
        if self._file.is_file() and (state.epoch or state.step):
            self._before = float(self._file.read_text(encoding="utf-8"))
        self._started = time.monotonic()
        return state


class _AdaptationProgress(Callback):
    """Tells the loop's steps as the progress of one stage: they are none of the task's training."""

    def __init__(self, callback: Callback, num_epochs: int) -> None:
        self._callback, self._num_epochs, self._num_steps = callback, num_epochs, 0

    def on_train_begin(self, num_steps: int, step: int) -> None:
        """Say how much there is to do."""
        self._num_steps = num_steps
        resumed = f", going on from step {step:,}" if step else ""
        self._callback.on_stage_begin(f"{_STAGE}: {num_steps:,} steps{resumed}")

    def on_step_end(self, step: int, loss: float, learning_rate: float) -> None:
        """Move on."""
        del learning_rate
        self._callback.on_progress(f"{_STAGE}, loss {loss:.2f}", step, self._num_steps)

    def on_epoch_end(self, record: EpochRecord, logits: Float32s) -> None:
        """Say how well it guesses."""
        del logits
        right = percent(record.validation_accuracy)
        self._callback.on_stage_begin(f"{_STAGE}: epoch {record.epoch} of {self._num_epochs}, {right} guessed")


def _masked_texts(texts: Sequence[str], pretrained: Pretrained, max_length: int) -> MaskedTexts:
    """Encode texts, those without a token to guess left out."""
    tokenizer = pretrained.load_tokenizer(max_length)
    encodings = encode_examples(Examples(texts, np.zeros(len(texts), dtype=np.int64)), tokenizer).encodings
    vocab_size = int(pretrained.config.vocab_size)
    special = np.array(sorted(pretrained.special_ids()), dtype=np.int64)
    is_special = np.isin(np.arange(vocab_size), special)
    num_words = np.concatenate([[0], np.cumsum(~is_special[encodings.ids])])[encodings.offsets]  # up to each text
    encodings = encodings.take(np.flatnonzero(np.diff(num_words) > 0))
    counts: Ints = np.bincount(encodings.ids, minlength=vocab_size).astype(np.int64)
    counts[is_special] = 0
    return MaskedTexts(encodings, counts, tokenizer.pad_id, pretrained.mask_id())


def _split(masked: MaskedTexts) -> tuple[MaskedTexts, MaskedTexts]:
    """Hold a hundredth of the texts out, to see how well their tokens are guessed."""
    order = np.random.default_rng(0).permutation(len(masked))
    num_held_out = min(max(round(_HELD_OUT_SHARE * len(masked)), 1), _MOST_HELD_OUT)
    parts = (np.sort(order[num_held_out:]), np.sort(order[:num_held_out]))
    learned, held_out = (
        MaskedTexts(masked.encodings.take(part), masked.token_counts, masked.pad_id, masked.mask_id) for part in parts
    )
    return learned, held_out


@torch.no_grad()
def _validate(
    model: MaskedLanguageModel, texts: MaskedTexts, runtime: TrainingRuntime
) -> tuple[ValidationScore, Tensor]:
    """Guess the same tokens of held-out texts each time."""
    model.eval()
    generator = torch.Generator().manual_seed(0)
    right, loss, total = 0, 0.0, 0
    for positions in sorted_batches(texts.lengths, _BATCH_SIZE):
        logits, targets = runtime.forward(model, texts.batch(positions, generator))
        right += int((logits.argmax(dim=1) == targets).sum())
        loss += float(functional.cross_entropy(logits, targets, reduction="sum"))
        total += len(targets)
    return ValidationScore(right / total, -loss / total), torch.empty(0)
