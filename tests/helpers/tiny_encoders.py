"""Tiny encoders with random weights and tokenizers of their own kind, saved as their real ones are."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

WORDS: Final = (
    *("the", "a", "film", "story", "is", "good", "bad", "not", "great", "awful", "dull", "moving", "fine", "flat"),
    *("music", "plot", "acting", "word", ",", ".", "!"),
)
SENTENCES: Final = (
    "The film is good and the story is moving.",
    "Der Film ist gut, die Geschichte ist r\u00fchrend und stra\u00dfe.",
    "El envío llegó tarde y la caja estaba dañada.",
    "Фильм хороший, но история скучная.",
    "映画は面白いですが、物語は退屈です。",
    "这部电影很好看，但是故事太长。",  # noqa: RUF001  as it is written there
    "الفيلم جيد لكن القصة مملة.",
    "फ़िल्म अच्छी है लेकिन कहानी उबाऊ है।",
    "영화는 좋지만 이야기는 지루하다.",
    "หนังเรื่องนี้ดีแต่เนื้อเรื่องน่าเบื่อ",
    "Η ταινία είναι καλή, η ιστορία βαρετή.",  # noqa: RUF001
    "הסרט טוב אבל הסיפור משעמם.",
)
"""What the tokenizers of encoders of many languages are trained on here."""
NUM_POSITIONS: Final = 64
"""Longest text in tokens that a tiny encoder has positions for."""

_SHAPE: Final = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
_DISTIL_SHAPE: Final = {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 32}
_DISENTANGLED: Final[dict[str, Any]] = {
    "relative_attention": True,
    "position_buckets": 8,
    "norm_rel_ebd": "layer_norm",
    "share_att_key": True,
    "pos_att_type": ["p2c", "c2p"],
    "position_biased_input": False,
    "type_vocab_size": 0,
}

BERT_SPECIAL: Final = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
ROBERTA_SPECIAL: Final = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")


def save_tiny_encoder(kind: str, folder: Path, *, hidden_size: int = 16, num_layers: int = 2) -> Path:
    """Write an encoder of a kind of ``KINDS`` with random weights into a folder."""
    config, tokenizer = KINDS[kind]()
    config.hidden_size, config.num_hidden_layers = hidden_size, num_layers
    if getattr(config, "layer_types", None):  # which layers see a window only
        config.layer_types = config.layer_types[:num_layers]
    from transformers import AutoModel

    torch.manual_seed(0)
    AutoModel.from_config(config).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def save_pooling(folder: Path, *, cls: bool) -> None:
    """Write the pooling that sentence-transformers would write."""
    modes = {"pooling_mode_cls_token": cls, "pooling_mode_mean_tokens": not cls}
    (folder / "1_Pooling").mkdir(exist_ok=True)
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(modes))


def _bert() -> tuple[Any, Tokenizer]:
    from transformers import BertConfig

    tokenizer = _word_piece()
    return BertConfig(**_SHAPE, vocab_size=_size(tokenizer), max_position_embeddings=NUM_POSITIONS), tokenizer


def _distilbert() -> tuple[Any, Tokenizer]:
    from transformers import DistilBertConfig

    tokenizer = _word_piece()
    size = _size(tokenizer)
    return DistilBertConfig(**_DISTIL_SHAPE, vocab_size=size, max_position_embeddings=NUM_POSITIONS), tokenizer


def _roberta() -> tuple[Any, Tokenizer]:
    from transformers import RobertaConfig

    tokenizer = _byte_pairs()
    positions = NUM_POSITIONS + 2  # they are counted from the padding id + 1 on
    config = RobertaConfig(
        **_SHAPE, vocab_size=_size(tokenizer), max_position_embeddings=positions, type_vocab_size=1, pad_token_id=1
    )
    return config, tokenizer


def _xlm_roberta() -> tuple[Any, Tokenizer]:
    """Make what XLM-R and BGE-M3 are: RoBERTa over the pieces of a unigram model."""
    from transformers import XLMRobertaConfig

    tokenizer = _trained_unigram(ROBERTA_SPECIAL, "<unk>", "<s>", "</s>")
    positions = NUM_POSITIONS + 2
    config = XLMRobertaConfig(
        **_SHAPE, vocab_size=_size(tokenizer), max_position_embeddings=positions, type_vocab_size=1, pad_token_id=1
    )
    return config, tokenizer


def _modernbert() -> tuple[Any, Tokenizer]:
    """Make what ModernBERT and mmBERT are: rotary positions, and windows of attention in two of three layers."""
    from transformers import ModernBertConfig

    tokenizer = _trained_byte_pairs()
    ids = {f"{name}_token_id": tokenizer.token_to_id(f"[{name.upper()}]") for name in ("pad", "cls", "sep")}
    ids |= {"bos_token_id": ids["cls_token_id"], "eos_token_id": ids["sep_token_id"]}
    shape = {**_SHAPE, "num_hidden_layers": 3}
    return ModernBertConfig(**shape, **ids, vocab_size=_size(tokenizer), local_attention=8), tokenizer


def _mpnet() -> tuple[Any, Tokenizer]:
    from transformers import MPNetConfig

    tokenizer = _word_piece(("<s>", "<pad>", "</s>", "[UNK]", "<mask>"), first="<s>", last="</s>")
    positions = NUM_POSITIONS + 2
    return MPNetConfig(**_SHAPE, vocab_size=_size(tokenizer), max_position_embeddings=positions), tokenizer


def _deberta_v3() -> tuple[Any, Tokenizer]:
    from transformers import DebertaV2Config

    tokenizer = _trained_unigram(("[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"), "[UNK]", "[CLS]", "[SEP]")
    return DebertaV2Config(**_SHAPE, **_DISENTANGLED, vocab_size=_size(tokenizer)), tokenizer


KINDS: Final[dict[str, Callable[[], tuple[Any, Tokenizer]]]] = {
    "bert": _bert,
    "distilbert": _distilbert,
    "roberta": _roberta,
    "mpnet": _mpnet,
    "deberta-v3": _deberta_v3,
    "xlm-roberta": _xlm_roberta,
    "modernbert": _modernbert,
}
MULTILINGUAL: Final = ("xlm-roberta", "modernbert", "deberta-v3")
"""Kinds that encoders of many languages are of."""


def _size(tokenizer: Tokenizer) -> int:
    return tokenizer.get_vocab_size(with_added_tokens=True)


def _pieces() -> list[str]:
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    return [*WORDS, *letters, *(f"##{letter}" for letter in letters)]


def _word_piece(special: tuple[str, ...] = BERT_SPECIAL, *, first: str = "[CLS]", last: str = "[SEP]") -> Tokenizer:
    vocabulary = {piece: index for index, piece in enumerate(dict.fromkeys([*special, *_pieces()]))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return _finish(tokenizer, special, first, last)


def _byte_pairs() -> Tokenizer:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {piece: index for index, piece in enumerate([*ROBERTA_SPECIAL, *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocabulary, [], unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return _finish(tokenizer, ROBERTA_SPECIAL, "<s>", "</s>")


def _trained_unigram(special: tuple[str, ...], unknown: str, first: str, last: str) -> Tokenizer:
    """Train pieces as SentencePiece does, with its normalization to NFKC."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " "), normalizers.Strip()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=400, special_tokens=list(special), unk_token=unknown, show_progress=False
    )
    tokenizer.train_from_iterator([*SENTENCES, " ".join(WORDS)], trainer)
    return _finish(tokenizer, special, first, last)


def _trained_byte_pairs() -> Tokenizer:
    """Train pairs of bytes, of which every character of every script is made."""
    special = ("[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=list(special),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator([*SENTENCES, " ".join(WORDS)], trainer)
    return _finish(tokenizer, special, "[CLS]", "[SEP]")


def _finish(tokenizer: Tokenizer, special: tuple[str, ...], first: str, last: str) -> Tokenizer:
    tokenizer.add_special_tokens(list(special))
    ids = [(token, tokenizer.token_to_id(token)) for token in (first, last)]
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{first} $A {last}", special_tokens=ids)
    return tokenizer
