"""The recipe of the T5: what it reads before it is given a task, and the cache that keeps it.

::

    first   a film ⇧ holland  -> a film by ⇧ holland    the whole text, from one that has lost tokens: it learns to look
    then    a <X> by ⇧ <Y>    -> <X> film <Y> holland   spans, and every few batches the whole text again

Sources: spans: Raffel et al., 2020, https://arxiv.org/abs/1910.10683, section 3.1.4; tokens that are dropped: Lewis et
al., 2020, https://arxiv.org/abs/1910.13461, section 2.2.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from nano import pretrained, t5, text_to_text
from nano.fit import fit
from nano.pretrained import fast_products
from nano.t5 import T5
from nano.text_to_text import Pairs, TextToText


@dataclass(frozen=True, slots=True)
class T5Recipe:
    """How a T5 is pre-trained; the defaults are those of the lesson.

    Args:
        read: Tokens of the corpus that it reads, each once.
        copying: Share of the batches that come first, and of which it writes the whole text.
        copied: Share of the batches after these of which it writes the whole text.
        num_tokens: V, sentinels included.
        num_sentinels: Gaps that a stretch of text can have.
        context: Tokens of a stretch of text before it is corrupted.
        shortest: Tokens of the shortest texts that are written whole.
        longest: Tokens of the longest of those that come first.
        share: Of the tokens that are taken out as spans: more than the paper's 0.15, as little text is read.
        span: Tokens in a gap, on average; the paper's is 3.
        dropped: Share of the tokens that are dropped from a text that is written whole.
        dim: E.
        head_dim: D.
        num_heads: A.
        hidden: H.
        num_layers: Of the encoder.
        num_decoder_layers: Of the decoder.
        batch_size: B.
        rate: Highest learning rate of Adafactor, relative to the size of each weight.
        warm_up: Steps.
        seed: Of the weights, of the order and of the gaps.
        num_texts: Texts of the corpus that there are, for a trial in small; None takes all.
    """

    read: int = 7_000_000
    copying: float = 0.12
    copied: float = 0.1
    num_tokens: int = 4096
    num_sentinels: int = 32
    context: int = 48
    shortest: int = 3
    longest: int = 20
    share: float = 0.25
    span: float = 1.5
    dropped: float = 0.15
    dim: int = 128
    head_dim: int = 32
    num_heads: int = 4
    hidden: int = 512
    num_layers: int = 3
    num_decoder_layers: int = 2
    batch_size: int = 40
    rate: float = 3e-2
    warm_up: int = 50
    seed: int = 0
    num_texts: int | None = None

    @property
    def config(self) -> t5.Config:
        """The sizes of the network, without dropout, as in T5 1.1's pre-training."""
        names = ("num_tokens", "dim", "head_dim", "num_heads", "hidden", "num_layers", "num_decoder_layers")
        return t5.Config(**{name: getattr(self, name) for name in names}, dropout=0.0)


SPANS_ALONE = T5Recipe(read=600_000, copying=0.0, copied=0.0)
"""What the lesson's recipe is compared with: spans from the first batch on."""


@dataclass(frozen=True, slots=True)
class Pretrained:
    """A pre-trained T5.

    Args:
        both: The network, in evaluation mode, and its tokenizer.
        losses: Before each step, in nats.
        copied: Whether a step's batch was of whole texts.
    """

    both: TextToText
    losses: list[float]
    copied: list[bool]


def text_to_text_model(recipe: T5Recipe | None = None, *, keep: bool = True) -> Pretrained:
    """Take a T5 from the cache, or pre-train it and put it there.

    It has not read the test articles of ``bbc-news`` either, nor what is nearly one of them.

    Args:
        recipe: None is the lesson's.
        keep: False trains it anew and puts nothing there.
    """
    recipe = recipe or T5Recipe()
    sizes = {name: getattr(recipe, name) for name in ("num_tokens", "num_sentinels", "num_texts")}
    pieces = pretrained.cached("pieces", sizes, lambda: _train_pieces(recipe), keep)
    tokenizer = Tokenizer.from_str(pieces["tokenizer"])
    kept = pretrained.cached("t5", asdict(recipe), lambda: _train(recipe, tokenizer), keep)
    both = TextToText(pretrained.filled(untrained_t5(recipe), kept["weights"]), tokenizer)
    return Pretrained(both, kept["losses"], kept["copied"])


def fine_tuned(
    start: Pretrained, recipe: T5Recipe, pairs: Pairs, num_epochs: int, *, rate: float, keep: bool = True
) -> TextToText:
    """Take from the cache what :func:`nano.text_to_text.tune` makes of a pre-trained T5, or make it and put it there.

    Args:
        start: What :func:`text_to_text_model` makes of ``recipe``.
        recipe: Of the pre-training.
        pairs: Of all tasks; another pair is another file.
        num_epochs: Times that each is read.
        rate: Highest learning rate, relative to the size of each weight.
        keep: False tunes anew and puts nothing there.
    """
    hashed = hashlib.sha256(json.dumps(pairs).encode()).hexdigest()
    settings = {**asdict(recipe), "pairs": hashed, "num_epochs": num_epochs, "tune_rate": rate}

    def tune() -> dict[str, Any]:
        with fast_products():
            return {"weights": pretrained.halved(text_to_text.tune(start.both, pairs, num_epochs, rate=rate).model)}

    weights = pretrained.cached("t5-tuned", settings, tune, keep)["weights"]
    return TextToText(pretrained.filled(untrained_t5(recipe), weights), start.both.tokenizer)


def untrained_t5(recipe: T5Recipe) -> T5:
    """Make the network that a recipe starts with."""
    torch.manual_seed(recipe.seed)
    return T5(recipe.config)


@cache
def without_test_articles() -> list[str]:
    """Leave out of the corpus what is, or nearly is, a test article of ``bbc-news``."""
    import textwright

    tests, texts = textwright.load_dataset("bbc-news").test.texts, pretrained.split().train
    groups = textwright.find_duplicates([*tests, *texts]).near.tolist()
    tested = set(groups[: len(tests)])
    return [each for each, group in zip(texts, groups[len(tests) :], strict=True) if group not in tested]


def _train_pieces(recipe: T5Recipe) -> dict[str, Any]:
    texts = without_test_articles()[: recipe.num_texts][:6000]  # enough to count pieces in
    return {"tokenizer": text_to_text.train_tokenizer(texts, recipe.num_tokens, recipe.num_sentinels).to_str()}


def _read(recipe: T5Recipe, tokenizer: Tokenizer) -> list[list[int]]:
    """Read stretches of text, in an order of their own."""
    ids: list[int] = []
    texts = without_test_articles()[: recipe.num_texts]
    for start in range(0, len(texts), 500):
        if len(ids) >= recipe.read:
            break
        for each in tokenizer.encode_batch(texts[start : start + 500]):
            ids += each.ids
    size = recipe.context
    stretches = [ids[start : start + size] for start in range(0, min(len(ids), recipe.read) - size + 1, size)]
    order = np.random.default_rng(recipe.seed).permutation(len(stretches))
    return [stretches[place] for place in order]


def _batch(
    recipe: T5Recipe, rows: Sequence[list[int]], longest: int, sentinels: Sequence[int], random: np.random.Generator
) -> tuple[Tensor, ...]:
    """Make sources (B, S) and targets (B, T): whole texts of one length, at most ``longest``, or spans if that is 0."""
    if longest:
        size = int(random.integers(recipe.shortest, longest + 1))
        texts = (row[at : at + size] for row in rows for at in range(0, recipe.context - size + 1, size))
        pairs = [text_to_text.drop(text, random, recipe.dropped) for text in texts]
    else:
        pairs = [text_to_text.corrupt(row, sentinels, random, recipe.share, recipe.span) for row in rows]
    return tuple(text_to_text.padded(side) for side in zip(*pairs, strict=True))


def _train(recipe: T5Recipe, tokenizer: Tokenizer) -> dict[str, Any]:
    stretches, marks = _read(recipe, tokenizer), text_to_text.sentinels(tokenizer)
    num_steps, random = len(stretches) // recipe.batch_size, np.random.default_rng(recipe.seed)
    first = round(recipe.copying * num_steps)
    longest = [min(recipe.longest, recipe.context)] * first
    longest += [recipe.context if draw < recipe.copied else 0 for draw in random.random(num_steps - first)]
    model = untrained_t5(recipe)
    optimizer = torch.optim.Adafactor(model.parameters(), lr=recipe.rate)
    steps = {"num_steps": num_steps, "warm_up": min(recipe.warm_up, num_steps // 5), "seed": recipe.seed}
    size = recipe.batch_size
    batches = (
        _batch(recipe, stretches[place * size : (place + 1) * size], longest[place], marks, random)
        for place in pretrained.watched(range(num_steps), f"a T5 on {num_steps * size * recipe.context:,} tokens")
    )
    with fast_products():
        losses = fit(model, batches, optimizer, **steps)
    return {"weights": pretrained.halved(model), "losses": losses, "copied": [each > 0 for each in longest]}
