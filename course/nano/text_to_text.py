"""What goes into a T5 and comes out of it: pieces of words, spans taken out of a text, tasks, and a folder of files.

::

    spans   thank you <X> me to your party <Y> .  -> <X> for inviting <Y> last week
    pairs   sentiment: a touching film            -> positive

Sources: Raffel et al., 2020, https://arxiv.org/abs/1910.10683, whose sections stand at the lines; unigram pieces: Kudo,
2018, https://arxiv.org/abs/1804.10959; a capital as a piece of its own: Bérard et al., 2019,
https://aclanthology.org/W19-5361.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from string import ascii_lowercase

import numpy as np
import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from torch import Tensor, nn

from nano.fit import fit
from nano.t5 import END, KEYS, PAD, T5, Constraint, published_name, read_config, write

Pairs = Sequence[tuple[str, str]]
"""What is read and what is to be written."""
UP = "⇧"
"""Stands before a capital, which is written small: "Film" and "film" are one piece, and a capital is one of its own."""


def train_tokenizer(texts: Iterable[str], num_tokens: int, num_sentinels: int) -> Tokenizer:
    """Learn a unigram vocabulary, T5's kind, with digits and signs each by itself, and :data:`UP` before capitals.

    Args:
        texts: Any texts.
        num_tokens: V.
        num_sentinels: How many of these are sentinels: the last ids, in falling order.
    """
    tokenizer = Tokenizer(models.Unigram())
    steps = [(r"\s+", " "), (" (?=[A-Z])", UP + " "), ("(?<=[^ ])(?=[A-Z])", UP)]
    spaces, *capitals = (normalizers.Replace(Regex(pattern), content) for pattern, content in steps)
    one_space = [spaces, normalizers.Strip(), normalizers.Prepend(" ")]
    tokenizer.normalizer = normalizers.Sequence([*one_space, *capitals, normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(UP, "isolated"), pre_tokenizers.Metaspace(prepend_scheme="never"),
        pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.Punctuation(),
    ])  # fmt: skip
    special = {"special_tokens": ["<pad>", "</s>", "<unk>"], "unk_token": "<unk>"}
    trainer = trainers.UnigramTrainer(vocab_size=num_tokens - num_sentinels, show_progress=False, **special)
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens([f"<extra_id_{number}>" for number in reversed(range(num_sentinels))])
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", END)])
    letters = [(mark + small, mark[1:] + small.upper()) for mark in (UP + " ", UP) for small in ascii_lowercase]
    tokenizer.decoder = decoders.Sequence([
        decoders.Replace("▁", " "), decoders.Fuse(), *(decoders.Replace(*each) for each in letters),
        decoders.Strip(" ", 1, 0),
    ])  # fmt: skip
    return tokenizer


def sentinels(tokenizer: Tokenizer) -> list[int]:
    """Return the ids of <extra_id_0>, <extra_id_1> and so on."""
    found = (tokenizer.token_to_id(f"<extra_id_{number}>") for number in range(tokenizer.get_vocab_size()))
    return list(takewhile(lambda each: each is not None, found))


def corrupt(
    ids: Sequence[int], sentinels: Sequence[int], random: np.random.Generator, share: float = 0.15, span: float = 3.0
) -> tuple[list[int], list[int]]:
    """Take spans out of a text: what is left is read, and what was taken is to be written, section 3.1.4.

    Args:
        ids: Two tokens or more, without END.
        sentinels: Ids that mark the gaps, each once; as many as there can be gaps.
        random: Draws where the gaps are.
        share: Of the tokens that are taken.
        span: Tokens in a gap, on average.

    Returns:
        What is read, with a sentinel for each gap, and each sentinel with what stood there; END after both.
    """
    num_taken = min(max(round(len(ids) * share), 1), len(ids) - 1)
    num_gaps = min(max(round(num_taken / span), 1), len(ids) - num_taken, len(sentinels))
    source, target, place = [], [], 0
    lengths = zip(_parts(len(ids) - num_taken, num_gaps, random), _parts(num_taken, num_gaps, random), strict=True)
    for sentinel, (left, taken) in zip(sentinels, lengths, strict=False):
        source += [*ids[place : place + left], sentinel]
        target += [sentinel, *ids[place + left : place + left + taken]]
        place += left + taken
    return [*source, END], [*target, END]


def drop(ids: Sequence[int], random: np.random.Generator, share: float = 0.15) -> tuple[list[int], list[int]]:
    """Drop tokens of a text, with no mark where, and let the whole text be written: it can only be copied.

    Args:
        ids: Of a text, without END.
        random: Draws which.
        share: Of the tokens, on average.

    Returns:
        What is read and what is to be written; END after both.
    """
    kept = random.random(len(ids)) >= share
    return [*(token for token, is_kept in zip(ids, kept, strict=True) if is_kept), END], [*ids, END]


def _parts(total: int, number: int, random: np.random.Generator) -> list[int]:
    """Cut a total into parts of 1 or more, all ways being equally likely."""
    cuts = np.sort(random.choice(total - 1, number - 1, replace=False)) + 1
    return np.diff([0, *cuts, total]).tolist()


@dataclass(frozen=True, slots=True)
class TextToText:
    """A network and its tokenizer.

    Args:
        model: The network.
        tokenizer: Ends each text with END.
    """

    model: T5
    tokenizer: Tokenizer

    def encode(self, text: str, max_tokens: int = 512) -> list[int]:
        """Turn a text into at most ``max_tokens`` ids, the last of which is END."""
        return [*self.tokenizer.encode(text).ids[:-1][: max_tokens - 1], END]

    def decode(self, ids: Sequence[int]) -> str:
        """Turn ids into text; END, padding and sentinels are none."""
        return self.tokenizer.decode(list(ids), skip_special_tokens=True)

    def batches(
        self, pairs: Pairs, batch_size: int, num_epochs: int, max_tokens: int = 128, seed: int = 0
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield sources (B, S) of like lengths and targets (B, T), in an order of chance, each pair once an epoch.

        Pairs are not sorted by their targets: where labels have unlike lengths, a batch would hold mostly one.
        """
        random = np.random.default_rng(seed)
        ids = [(self.encode(source, max_tokens), self.encode(target, max_tokens)) for source, target in pairs]
        for _ in range(num_epochs):
            mixed = random.permutation(len(ids))
            blocks = [mixed[start : start + 50 * batch_size] for start in range(0, len(ids), 50 * batch_size)]
            ordered = [sorted(block, key=lambda row: len(ids[row][0])) for block in blocks]
            rows = [block[at : at + batch_size] for block in ordered for at in range(0, len(block), batch_size)]
            for place in random.permutation(len(rows)):
                yield tuple(padded([ids[row][side] for row in rows[place]]) for side in (0, 1))

    def answer(
        self,
        texts: Sequence[str],
        max_tokens: int = 64,
        constraints: Sequence[Constraint] | None = None,
        batch_size: int = 64,
        max_source: int = 128,
    ) -> list[str]:
        """Write an answer to each text.

        Args:
            texts: Each begins with the prefix of its task.
            max_tokens: Of an answer.
            constraints: One for each text; None allows all.
            batch_size: Texts that are read together.
            max_source: Tokens of a text that are read.
        """
        ids, answers = [self.encode(text, max_source) for text in texts], [""] * len(texts)
        order = sorted(range(len(texts)), key=lambda row: len(ids[row]))
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            chosen = [constraints[row] for row in rows] if constraints else None
            tokens = torch.stack(list(write(self.model, padded([ids[row] for row in rows]), max_tokens, chosen)), dim=1)
            for row, each in zip(rows, tokens.tolist(), strict=True):
                answers[row] = self.decode(each)
        return answers


def tune(
    start: TextToText, pairs: Pairs, num_epochs: int, *, rate: float = 2e-2, batch_size: int = 16, seed: int = 0
) -> TextToText:
    """Learn tasks, all of them by one loop; what there is to tell them apart stands in the pairs, section 2.4.

    Adafactor, as in the paper, steps in proportion to the size of each weight. A T5 needs that: its embeddings start
    with a standard deviation of 1 and its queries with one of 0.016 (E 128, D 32), and no one rate of Adam suits both.
    Each text counts the same, however long: a label of two tokens would else drown beside sentences of forty.

    Args:
        start: Pre-trained, or not; stays as it is.
        pairs: Of all tasks together.
        num_epochs: Times that each pair is read.
        rate: Highest learning rate, relative to the size of each weight.
        batch_size: B.
        seed: Of the order, and of dropout.
    """
    model = T5(replace(start.model.config, dropout=0.1))
    model.load_state_dict(start.model.state_dict())
    steps = num_epochs * math.ceil(len(pairs) / batch_size)
    optimizer = torch.optim.Adafactor(model.parameters(), lr=rate)
    batches = start.batches(pairs, batch_size, num_epochs, seed=seed)
    fit(_LossOfTexts(model), batches, optimizer, num_steps=steps, warm_up=steps // 20, seed=seed)
    return TextToText(model.eval(), start.tokenizer)


class _LossOfTexts(nn.Module):
    """The loss of each text (B,): the mean over its tokens."""

    def __init__(self, model: T5) -> None:
        super().__init__()
        self.model = model

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        return self.model.losses(source, target).sum(dim=1) / (target != PAD).sum(dim=1)  # (B,)


def padded(rows: Sequence[Sequence[int]]) -> Tensor:
    """Stack rows of ids, (B, T)."""
    return nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True, padding_value=PAD)


def save(both: TextToText, folder: Path) -> None:
    """Write a checkpoint that ``transformers`` reads: config.json, model.safetensors and the tokenizer's two files."""
    from safetensors.torch import save_file

    config = both.model.config
    folder.mkdir(parents=True, exist_ok=True)
    settings = {theirs: getattr(config, ours) for ours, theirs in KEYS.items()} | {
        "model_type": "t5", "architectures": ["T5ForConditionalGeneration"], "tie_word_embeddings": config.tied,
        "feed_forward_proj": "gated-gelu" if config.gated else "relu", "is_encoder_decoder": True,
        "pad_token_id": PAD, "eos_token_id": END, "decoder_start_token_id": PAD,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(settings, indent=1), encoding="utf-8")
    signs = {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "<pad>", "eos_token": "</s>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(signs, indent=1), encoding="utf-8")
    both.tokenizer.save(str(folder / "tokenizer.json"))
    weights = {published_name(name, config): weight for name, weight in both.model.named_parameters()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def load(folder: Path) -> TextToText:
    """Read a T5 or a Flan-T5 as it is published: config.json, model.safetensors, tokenizer.json.

    Raises:
        ValueError: If a file is missing, or the network is not one of these.
    """
    from safetensors.torch import load_file

    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        if not (folder / name).is_file():
            raise ValueError(f"{folder} has no {name}: write it with save_pretrained of transformers")
    config = read_config(json.loads((folder / "config.json").read_text(encoding="utf-8")))
    weights = load_file(folder / "model.safetensors")
    weights.setdefault("lm_head.weight", weights["shared.weight"])
    model = T5(config)
    model.load_state_dict({name: weights[published_name(name, config)] for name in model.state_dict()})
    return TextToText(model.eval(), Tokenizer.from_file(str(folder / "tokenizer.json")))
