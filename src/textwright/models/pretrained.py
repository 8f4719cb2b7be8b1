"""Pretrained encoders as they lie on disk: their folder, their tokenizer and their weights.

An encoder is a folder in the form of the ``transformers`` library (``config.json``, ``tokenizer.json`` or a
vocabulary, ``model.safetensors``), a built-in asset that holds one, or an id of the Hugging Face hub. Called by the
BERT families; ``transformers`` is imported when an encoder is opened, not before.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Final
from unicodedata import normalize

import numpy as np
import torch
from tokenizers import Tokenizer, normalizers
from torch import nn

from textwright.core.files import expand_home
from textwright.core.tokenizer import TextTokenizer
from textwright.data.assets import asset_path
from textwright.data.catalog import ASSETS
from textwright.errors import NotFoundError, SettingsError

_HUB_FILES: Final = ("*.json", "*.txt", "*.model", "*.safetensors")
_OLD_WEIGHTS: Final = ("pytorch_model*.bin",)
"""Fetched only where there are no safetensors; transformers reads tensors from them and runs no code."""
_OTHER_ENGINES: Final = ("onnx/*", "openvino/*", "coreml/*")
_POOLING_CONFIG: Final = "1_Pooling/config.json"
_INDEX: Final = ".index.json"
"""Says in which of several files a weight lies."""
_COMPOSED: Final = "\u00e9\ud55c"
"""A letter with its accent and a syllable of Hangul: both are several characters when decomposed."""
_MASKS: Final = ("[MASK]", "<mask>")
_OTHER_FILES: Final = ("*.json", "*.txt", "*.model", _POOLING_CONFIG)
"""Tokenizer and pooling, which stay as they are when weights change."""
_UNUSED_PARTS: Final = ("pooler.", "embeddings.position_ids")
"""Weights that a sentence vector does not need; a checkpoint may lack them."""


@dataclass(frozen=True)
class Pretrained:
    """An encoder's folder, opened.

    Args:
        name: What the user called it, for messages.
        path: The folder.
    """

    name: str
    path: Path

    @cached_property
    def config(self) -> Any:  # noqa: ANN401  one of the many configurations of transformers
        """What ``config.json`` says.

        Raises:
            NotFoundError: If the folder has none.
            SettingsError: If it is none that ``transformers`` knows.
        """
        from transformers import AutoConfig

        if not (self.path / "config.json").is_file():
            raise NotFoundError(f"{self.path} holds no config.json; an encoder is a folder written by transformers")
        try:
            return AutoConfig.from_pretrained(self.path)
        except (ValueError, KeyError, OSError) as error:
            raise SettingsError(f"encoder {self.name}: config.json cannot be used: {_first_line(error)}") from error

    def load_tokenizer(self, max_length: int, *, adds_special: bool = True) -> TextTokenizer:
        """Make the tokenizer, with truncation and padding inside it.

        Args:
            max_length: Longest encoding in tokens, special tokens included.
            adds_special: False leaves out what the encoder puts before and after a text, such as [CLS] and [SEP].

        Returns:
            The encoder's own tokenizer; it pads with the id that its weights know as padding. It reads a letter with
            its accent alike whether these are one character or two, since encoders were trained on composed text.

        Raises:
            NotFoundError: If the folder is no encoder.
            SettingsError: If there is no fast tokenizer, no padding id, or no room between the special tokens.
        """
        pad_id = self._pad_id
        tokenizer = self._fast_tokenizer()
        self._refuse_other_vocabulary(tokenizer)
        if not adds_special:
            tokenizer = Tokenizer.from_str(json.dumps({**json.loads(tokenizer.to_str()), "post_processor": None}))
        num_special = tokenizer.num_special_tokens_to_add(is_pair=False)
        if max_length <= num_special:
            raise SettingsError(
                f"max_length is {max_length}, of which encoder {self.name} takes {num_special} for special tokens; "
                f"it must be {num_special + 1} or more"
            )
        _compose_accents(tokenizer)
        tokenizer.enable_truncation(max_length)
        tokenizer.enable_padding(pad_id=pad_id, pad_token=tokenizer.id_to_token(pad_id) or "")
        return TextTokenizer(tokenizer.to_str())

    def special_ids(self) -> frozenset[int]:
        """Tell which ids mean no text: padding, the unknown token, those around a text and masks."""
        tokenizer = self._fast_tokenizer()
        added = tokenizer.get_added_tokens_decoder().items()
        unknown = tokenizer.token_to_id(getattr(tokenizer.model, "unk_token", None) or "")
        ids = {self._pad_id, unknown, *(token_id for token_id, token in added if token.special)}
        return frozenset(token_id for token_id in ids if token_id is not None)

    def mask_id(self) -> int:
        """Tell which id stands where the encoder is to guess a token.

        Raises:
            SettingsError: If it has none, so that it cannot be trained by masking.
        """
        tokenizer = self._fast_tokenizer()
        ids = [tokenizer.token_to_id(token) for token in _MASKS]
        known = [token_id for token_id in ids if token_id is not None]
        if not known:
            raise SettingsError(
                f"encoder {self.name} has no mask token ({' or '.join(_MASKS)}), so it cannot guess tokens; leave "
                "adapt_to out, or take an encoder that was trained by masking"
            )
        return known[0]

    def special_around(self) -> tuple[list[int], list[int]]:
        """Tell which ids the encoder puts before a text and which after it, such as those of [CLS] and [SEP]."""
        tokenizer = self._fast_tokenizer()
        tokenizer.no_padding()  # some files pad to a length of their own
        encoded = tokenizer.encode("a")
        is_special = np.array(encoded.special_tokens_mask, dtype=np.bool_)
        of_text = np.flatnonzero(~is_special)
        return encoded.ids[: of_text[0]], encoded.ids[of_text[-1] + 1 :]

    def _refuse_other_vocabulary(self, tokenizer: Tokenizer) -> None:
        """Refuse ids that the weights do not have, and the empty vocabulary that a missing file leaves behind."""
        num_words = tokenizer.get_vocab_size(with_added_tokens=True) - len(tokenizer.get_added_tokens_decoder())
        if num_words <= 0:
            raise self._no_fast_tokenizer("its vocabulary is missing")
        highest = max(tokenizer.get_vocab(with_added_tokens=True).values())
        if highest >= self.config.vocab_size:
            raise SettingsError(
                f"encoder {self.name}: its tokenizer gives ids up to {highest}, its weights end at "
                f"{self.config.vocab_size - 1}; tokenizer and weights do not belong together"
            )

    @property
    def _pad_id(self) -> int:
        pad_id: int | None = getattr(self.config, "pad_token_id", None)
        if pad_id is None:
            raise SettingsError(f"encoder {self.name}: config.json has no pad_token_id, so it is no BERT-like encoder")
        return pad_id

    def _fast_tokenizer(self) -> Tokenizer:
        file = self.path / "tokenizer.json"
        if file.is_file():
            try:
                return Tokenizer.from_file(str(file))
            except Exception as error:  # the library raises nothing narrower
                raise SettingsError(f"{file} cannot be read by the tokenizers library: {error}") from error
        return self._converted_tokenizer()

    def _converted_tokenizer(self) -> Tokenizer:
        """Let ``transformers`` make a fast tokenizer of a vocabulary, where it can."""
        from transformers import AutoTokenizer

        try:
            with _quiet():
                loaded = AutoTokenizer.from_pretrained(self.path)
        except Exception as error:  # every tokenizer has its own ways to fail
            raise self._no_fast_tokenizer(_first_line(error)) from error
        if not getattr(loaded, "is_fast", False):
            raise self._no_fast_tokenizer(f"{type(loaded).__name__} is written in Python")
        return Tokenizer.from_str(loaded.backend_tokenizer.to_str())

    def _no_fast_tokenizer(self, reason: str) -> SettingsError:
        return SettingsError(
            f"encoder {self.name} has no tokenizer.json and none can be made ({reason}); serving has no Python "
            "tokenization code: choose an encoder with a fast tokenizer, or save its tokenizer.json beside the weights"
        )

    def load_backbone(self) -> nn.Module:
        """Load the weights, in fp32.

        Returns:
            A module of ``transformers``; where its kind has a pooler of its own, that is removed.

        Raises:
            SettingsError: If weights are missing, are of another shape, or the kind is not known.
        """
        from transformers import AutoModel

        try:
            with _quiet():
                backbone, info = AutoModel.from_pretrained(
                    self.path, config=self.config, dtype=torch.float32, output_loading_info=True
                )
        except Exception as error:  # safetensors, pickle and transformers fail in many ways
            raise SettingsError(f"encoder {self.name}: its weights cannot be loaded: {_first_line(error)}") from error
        missing = sorted(name for name in info["missing_keys"] if not name.startswith(_UNUSED_PARTS))
        if missing:
            raise SettingsError(
                f"encoder {self.name}: {len(missing)} weights are missing, the first is {missing[0]}; "
                "the folder's config.json and weights do not belong together"
            )
        if getattr(backbone, "pooler", None) is not None:
            backbone.pooler = None
        return backbone  # type: ignore[no-any-return]

    def save_changed(self, backbone: nn.Module, folder: Path) -> None:
        """Write an encoder like this one with other weights.

        Args:
            backbone: Of :meth:`load_backbone`, trained on.
            folder: An empty folder.
        """
        for file in (file for pattern in _OTHER_FILES for file in self.path.glob(pattern)):
            target = folder / file.relative_to(self.path)
            target.parent.mkdir(exist_ok=True)
            if not file.name.endswith(_INDEX):
                shutil.copyfile(file, target)
        with _quiet():
            backbone.save_pretrained(folder)  # type: ignore[operator]

    @property
    def pools_first_token(self) -> bool:
        """Whether the encoder was trained with its first token as the sentence's vector; False means the mean."""
        file = self.path / _POOLING_CONFIG
        if not file.is_file():
            return False
        return bool(json.loads(file.read_text(encoding="utf-8")).get("pooling_mode_cls_token", False))


def open_pretrained(name: str, adapted: Path | None = None) -> Pretrained:
    """Find an encoder.

    Args:
        name: A folder, a built-in asset, or an id of the Hugging Face hub; a folder wins.
        adapted: Folder of the same encoder after it was adapted to texts; it is what is opened then.

    Returns:
        The encoder; its files are on this machine.

    Raises:
        NotFoundError: If it is none of these, or the hub cannot be reached.
        AssetError: If the asset cannot be fetched.
    """
    path = adapted or expand_home(name)
    if path.is_dir():
        return Pretrained(name, path)
    if name in ASSETS:
        return Pretrained(name, asset_path(name))
    return Pretrained(name, _fetch_from_hub(name))


def _fetch_from_hub(name: str) -> Path:
    from huggingface_hub import snapshot_download

    download = partial(snapshot_download, name, ignore_patterns=list(_OTHER_ENGINES))
    try:
        folder = Path(download(allow_patterns=list(_HUB_FILES)))
        if any(folder.glob("*.safetensors")):
            return folder
        return Path(download(allow_patterns=[*_HUB_FILES, *_OLD_WEIGHTS]))
    except Exception as error:  # network, permission, spelling: the cure is the same
        raise NotFoundError(
            f"{name!r} is no folder and no built-in encoder, and the Hugging Face hub does not give it: "
            f"{_first_line(error)}; check the spelling and the network, or give the folder of a downloaded encoder"
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the progress bars and loading reports of ``transformers``: what matters in them is checked here."""
    from transformers.utils import logging

    level, has_bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if has_bar:
            logging.enable_progress_bar()


def _compose_accents(tokenizer: Tokenizer) -> None:
    """Put NFC in front of the normalization, where that keeps accents apart: cased word pieces and byte pairs do."""
    normalizer = tokenizer.normalizer
    if normalizer is None:
        tokenizer.normalizer = normalizers.NFC()
    elif normalizer.normalize_str(_COMPOSED) != normalizer.normalize_str(normalize("NFD", _COMPOSED)):
        tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizer])


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
