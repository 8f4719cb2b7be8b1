"""The models that take minutes to train: each made by one recipe, once, and kept in the cache folder.

::

    recipe + corpus -> train -> ~/.cache/textwright/course-models/decoder-3f2a....pt -> the lessons

``make course-models`` trains them all; a lesson that does not find one trains it. The name of a file holds the hash of
its recipe and of the corpus, so that no model is taken for another.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import random
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from nano import bpe, elmo, speech, tacotron, text
from nano.bpe import BPE
from nano.elmo import BiLM
from nano.fit import fit
from nano.gpt2 import GPT2
from nano.tacotron import Tacotron

Item = TypeVar("Item")
CORPUS = "962d08a4b5ea08c5"
"""Hash of the texts of :func:`nano.text.corpus`."""


@dataclass(frozen=True, slots=True)
class DecoderRecipe:
    """How a GPT-2 is trained; the defaults are those of the lessons.

    Args:
        read: Tokens of the corpus that it reads, each once.
        num_tokens: V; the last id ends a text.
        context: T.
        dim: E.
        num_heads: A.
        num_layers: Blocks.
        batch_size: B.
        rate: Highest learning rate.
        warm_up: Steps.
        seed: Of the weights and of the order.
        num_texts: Texts of the corpus that there are, for a trial in small; None takes all.
    """

    read: int = 8_000_000
    num_tokens: int = 4096
    context: int = 128
    dim: int = 192
    num_heads: int = 6
    num_layers: int = 4
    batch_size: int = 8
    rate: float = 2e-3
    warm_up: int = 100
    seed: int = 0
    num_texts: int | None = None


@dataclass(frozen=True, slots=True)
class Decoder:
    """A trained GPT-2 and what belongs to it.

    Args:
        model: In evaluation mode.
        tokenizer: Its last id but one is its last token; the id after that ends a text.
        losses: Before each step, in nats.
    """

    model: GPT2
    tokenizer: BPE
    losses: list[float]

    @property
    def end(self) -> int:
        """The id that ends a text."""
        return len(self.tokenizer)


@dataclass(frozen=True, slots=True)
class ElmoRecipe:
    """How ELMo's two language models are trained; the defaults are those of the lesson.

    Args:
        read: Words of the corpus that it reads, each once.
        num_words: V; id 0 is any word that is not among the frequent ones.
        width: Letters of a word, its two marks included.
        dim: E.
        hidden: H.
        batch_size: Sentences.
        rate: Highest learning rate.
        warm_up: Steps.
        seed: Of the weights and of the order.
        num_texts: Texts of the corpus that there are, for a trial in small; None takes all.
    """

    read: int = 1_500_000
    num_words: int = 4096
    width: int = 16
    dim: int = 128
    hidden: int = 256
    batch_size: int = 32
    rate: float = 2e-3
    warm_up: int = 100
    seed: int = 0
    num_texts: int | None = None


NUM_SPOKEN = 560
"""Phrases of the teacher to learn from; those after them are to measure with."""


@dataclass(frozen=True, slots=True)
class VoiceRecipe:
    """How a Tacotron is trained; the defaults are those of the lesson.

    Args:
        num_steps: Batches that it learns from.
        guide: Weight of the loss that guides attention; 0 leaves it alone.
        dim: Half of E.
        hidden: H.
        reduction: R.
        batch_size: B.
        rate: Highest learning rate.
        warm_up: Steps.
        seed: Of the weights, of the order and of dropout.
        num_phrases: Phrases that the teacher says for it.
    """

    num_steps: int = 2400
    guide: float = 1.0
    dim: int = 96
    hidden: int = 192
    reduction: int = 4
    batch_size: int = 16
    rate: float = 1.5e-3
    warm_up: int = 50
    seed: int = 0
    num_phrases: int = NUM_SPOKEN


VOICES = (VoiceRecipe(), VoiceRecipe(guide=0.0, num_steps=1200))
"""The lesson's, and the one that it is compared with at half of its steps."""
SNAPSHOTS = (0.05, 0.2, 0.5, 1.0)
"""Shares of its training after which a voice is kept: half a minute, 2, 5 and 10 minutes of about ten."""
SMALLER = (500_000, 1_000_000, 2_000_000)
"""Tokens that the smaller decoders read, with which the first one is compared."""
FILTERS = {1: 16, 2: 32, 3: 64, 4: 64}
"""Width of a filter over letters -> how many there are."""


@dataclass(frozen=True, slots=True)
class Elmo:
    """Trained language models of both directions.

    Args:
        model: In evaluation mode.
        words: Those that it predicts; the first has the id 1.
        width: Letters of a word, its two marks included.
        losses: Before each step, in nats.
    """

    model: BiLM
    words: list[str]
    width: int
    losses: list[float]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A voice on its way.

    Args:
        model: In evaluation mode.
        step: Batches that it has learned from.
        seconds: Of a processor core, spent on training.
    """

    model: Tacotron
    step: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Voice:
    """A trained Tacotron.

    Args:
        snapshots: After each of :data:`SNAPSHOTS`.
        losses: Before each step.
    """

    snapshots: list[Snapshot]
    losses: list[float]

    @property
    def model(self) -> Tacotron:
        """The voice at the end of its training."""
        return self.snapshots[-1].model


@dataclass(frozen=True, slots=True)
class Split:
    """The corpus, in an order that has nothing to do with where a text is from.

    Args:
        train: Texts to learn from.
        held_out: Every hundredth text, to measure with.
    """

    train: list[str]
    held_out: list[str]


@cache
def split() -> Split:
    """Read the corpus of all recipes.

    Raises:
        ValueError: If its texts are not those of the recipes.
    """
    texts = text.corpus()
    found = hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]
    if found != CORPUS:
        raise ValueError(f"the corpus has the hash {found}, and the recipes are for {CORPUS}: nano.pretrained.CORPUS")
    train = [each for place, each in enumerate(texts) if place % 100]
    random.Random(0).shuffle(train)  # noqa: S311  no secret
    return Split(train, texts[::100])


def decoder(recipe: DecoderRecipe | None = None, *, keep: bool = True) -> Decoder:
    """Take a decoder from the cache, or train it and put it there.

    Args:
        recipe: None is the lessons'.
        keep: False trains it anew and puts nothing there.
    """
    recipe = recipe or DecoderRecipe()
    texts = split().train[: recipe.num_texts]
    merges = {"num_tokens": recipe.num_tokens, "num_texts": recipe.num_texts}
    tokenizer = BPE(
        _cached("bpe", merges, lambda: {"merges": bpe.train(texts, recipe.num_tokens - 1).merges}, keep)["merges"]
    )
    kept = _cached("decoder", asdict(recipe), lambda: _train_decoder(recipe, tokenizer, texts), keep)
    model = untrained(recipe)
    model.load_state_dict({name: weight.float() for name, weight in kept["weights"].items()})
    return Decoder(model.eval(), tokenizer, kept["losses"])


def untrained(recipe: DecoderRecipe) -> GPT2:
    """Make the network that a recipe starts with."""
    torch.manual_seed(recipe.seed)
    return GPT2(recipe.num_tokens, recipe.context, recipe.dim, recipe.num_heads, recipe.num_layers)


def bilm(recipe: ElmoRecipe | None = None, *, keep: bool = True) -> Elmo:
    """Take ELMo from the cache, or train it and put it there.

    Args:
        recipe: None is the lesson's.
        keep: False trains it anew and puts nothing there.
    """
    recipe = recipe or ElmoRecipe()
    kept = _cached("elmo", asdict(recipe), lambda: _train_bilm(recipe, split().train[: recipe.num_texts]), keep)
    model = untrained_bilm(recipe)
    model.load_state_dict({name: weight.float() for name, weight in kept["weights"].items()})
    return Elmo(model.eval(), kept["words"], recipe.width, kept["losses"])


def untrained_bilm(recipe: ElmoRecipe) -> BiLM:
    """Make the network that a recipe starts with."""
    torch.manual_seed(recipe.seed)
    return BiLM(recipe.num_words, recipe.dim, recipe.hidden, FILTERS)


def voice(recipe: VoiceRecipe | None = None, *, keep: bool = True) -> Voice:
    """Take a voice from the cache, or train it and put it there.

    Args:
        recipe: None is the lesson's.
        keep: False trains it anew and puts nothing there.
    """
    recipe = recipe or VoiceRecipe()
    settings = asdict(recipe) | {"teacher": speech.teacher_hash()}
    kept = _cached("voice", settings, lambda: _train_voice(recipe), keep)
    snapshots = []
    for each in kept["snapshots"]:
        model = untrained_voice(recipe)
        model.load_state_dict({name: weight.float() for name, weight in each["weights"].items()})
        snapshots.append(Snapshot(model.eval(), each["step"], each["seconds"]))
    return Voice(snapshots, kept["losses"])


def untrained_voice(recipe: VoiceRecipe) -> Tacotron:
    """Make the network that a recipe starts with."""
    torch.manual_seed(recipe.seed)
    return Tacotron(recipe.dim, recipe.hidden, recipe.reduction, recipe.guide)


def spoken_phrases(num_train: int = NUM_SPOKEN) -> Split:
    """Split what the teacher says: the first phrases to learn from, and those after them to measure with."""
    phrases = list(speech.teacher())
    return Split(phrases[:num_train], phrases[NUM_SPOKEN:])


def sentences(texts: Iterable[str], longest: int = 40) -> Iterator[list[str]]:
    """Cut texts into sentences of words; leave out those of one word, or of more than ``longest``."""
    for each in texts:
        for sentence in re.split(r"(?<=[.!?])\s+|\n+|<br />", each):
            words = text.words(sentence)
            if 2 <= len(words) <= longest:
                yield words


def stream(texts: Iterable[str], tokenizer: BPE, num_tokens: int) -> Tensor:
    """Encode texts one after the other, each ended by the id after the tokenizer's last; at most (``num_tokens``,)."""
    ids: list[int] = []
    for each in texts:
        ids += [*tokenizer.encode(each), len(tokenizer)]
        if len(ids) >= num_tokens:
            break
    return torch.tensor(ids[:num_tokens])  # (N,)


def models_dir() -> Path:
    """Find the folder of the trained models: in Textwright's cache, beside its assets."""
    import textwright

    return textwright.asset_path("movie-reviews").parents[1] / "course-models"


def fast_type() -> torch.dtype:
    """Choose what this processor multiplies faster: numbers of 16 bits, or of 32."""
    return min((torch.bfloat16, torch.float32), key=_seconds_of_products)


def _seconds_of_products(dtype: torch.dtype) -> float:
    matrix, best = torch.randn(1024, 256).to(dtype), math.inf
    for _ in range(20):
        start = time.perf_counter()
        matrix @ matrix.T
        best = min(best, time.perf_counter() - start)
    return best


def _train_decoder(recipe: DecoderRecipe, tokenizer: BPE, texts: Sequence[str]) -> dict[str, Any]:
    ids = stream(texts, tokenizer, recipe.read)
    rows = ids[: len(ids) // recipe.context * recipe.context].view(-1, recipe.context)  # (N / T, T)
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(recipe.seed))
    batches = [(rows[places],) for places in order.split(recipe.batch_size)]
    model = untrained(recipe)
    optimizer = torch.optim.AdamW(model.parameters(), lr=recipe.rate, betas=(0.9, 0.95), weight_decay=0.1)
    steps = {"num_steps": len(batches), "warm_up": min(recipe.warm_up, len(batches) // 5), "seed": recipe.seed}
    with _fast_products():
        losses = fit(model, _watched(batches, f"a decoder on {len(ids):,} tokens"), optimizer, **steps)
    return {"weights": _halved(model), "losses": losses}


def _train_bilm(recipe: ElmoRecipe, texts: Sequence[str]) -> dict[str, Any]:
    chosen, num_words = [], 0
    for words in sentences(texts):
        chosen.append(words)
        num_words += len(words)
        if num_words >= recipe.read:
            break
    known = text.Vocabulary(chosen, min_count=2).words[: recipe.num_words - 1]
    index = {word: number for number, word in enumerate(known, start=1)}
    generator = random.Random(recipe.seed)  # noqa: S311  no secret
    generator.shuffle(chosen)
    batches = [
        sorted_block[start : start + recipe.batch_size]
        for block in range(0, len(chosen), 50 * recipe.batch_size)
        for sorted_block in [sorted(chosen[block : block + 50 * recipe.batch_size], key=len)]  # hardly any padding
        for start in range(0, len(sorted_block), recipe.batch_size)
    ]
    generator.shuffle(batches)
    model = untrained_bilm(recipe)
    optimizer = torch.optim.Adam(model.parameters(), lr=recipe.rate)
    steps = {"num_steps": len(batches), "warm_up": min(recipe.warm_up, len(batches) // 5), "seed": recipe.seed}
    read = (
        (*elmo.batch(each, recipe.width), text.pad([[index.get(word, 0) for word in words] for words in each], -1))
        for each in _watched(batches, f"ELMo on {num_words:,} words")
    )
    with _fast_products():
        losses = fit(model, read, optimizer, **steps)
    return {"weights": _halved(model), "words": known, "losses": losses}


def _train_voice(recipe: VoiceRecipe) -> dict[str, Any]:
    model = untrained_voice(recipe)
    optimizer = torch.optim.Adam(model.parameters(), lr=recipe.rate, betas=(0.9, 0.99), eps=1e-6)
    optimizer.register_step_pre_hook(_clip)
    batches = list(islice(_spoken_batches(recipe), recipe.num_steps))
    snapshots: list[dict[str, Any]] = []
    start = time.process_time()

    def keep_snapshot(step: int) -> None:
        snapshots.append({"step": step, "seconds": time.process_time() - start, "weights": _halved(model)})

    def watched() -> Iterator[tuple[Tensor, ...]]:
        for step, batch in enumerate(_watched(batches, "a voice")):
            if step in {round(share * recipe.num_steps) for share in SNAPSHOTS}:
                keep_snapshot(step)
            yield batch

    losses = fit(model, watched(), optimizer, num_steps=recipe.num_steps, warm_up=recipe.warm_up, seed=recipe.seed)
    keep_snapshot(recipe.num_steps)
    return {"snapshots": snapshots, "losses": losses}


def _clip(optimizer: torch.optim.Optimizer, *_: object) -> None:
    """Shorten the gradient before a step to a length of 1 at most."""
    nn.utils.clip_grad_norm_(optimizer.param_groups[0]["params"], 1.0)


def _spoken_batches(recipe: VoiceRecipe) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Draw batches without end: symbols (B, S), windows (B, T, M), how many of these are real (B,)."""
    teacher = speech.teacher()
    pairs = [
        (tacotron.symbols(phrase), speech.mel(teacher[phrase])) for phrase in spoken_phrases(recipe.num_phrases).train
    ]
    generator = random.Random(recipe.seed)  # noqa: S311  no secret
    while True:
        generator.shuffle(pairs)
        ordered = [
            pair
            for block in _cut(pairs, 4 * recipe.batch_size)
            for pair in sorted(block, key=lambda pair: len(pair[1]))
        ]
        chosen = list(_cut(ordered, recipe.batch_size))  # of about one length: hardly any padding
        generator.shuffle(chosen)
        for rows in chosen:
            yield tacotron.batch(rows, recipe.reduction)


def _cut(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _fast_products() -> torch.autocast:
    """Multiply in the faster type. No copy of a weight is kept, since the weights change inside this context."""
    dtype = fast_type()
    return torch.autocast("cpu", dtype, enabled=dtype == torch.bfloat16, cache_enabled=False)


def _halved(model: nn.Module) -> dict[str, Tensor]:
    """Keep weights in 16 bits: half the file."""
    return {name: weight.half() for name, weight in model.state_dict().items()}


def _watched(batches: Sequence[Item], what: str) -> Iterator[Item]:
    """Yield batches; where they take minutes, say after each tenth of them how many more."""
    start = time.perf_counter()
    for done, batch in enumerate(batches):
        if done and done % max(1, len(batches) // 10) == 0:
            minutes = (time.perf_counter() - start) * (len(batches) / done - 1) / 60
            if minutes > 0.5:
                print(f"training {what}: {done / len(batches):.0%}, {minutes:.0f} more minutes", flush=True)
        yield batch


def _cached(kind: str, settings: dict[str, Any], make: Callable[[], dict[str, Any]], keep: bool) -> dict[str, Any]:
    """Load what ``make`` once made, or make it, and store it if it is to be kept; a setting of None names no file."""
    if not keep:
        return make()
    named = {name: value for name, value in settings.items() if value is not None}
    key = hashlib.sha256(json.dumps([CORPUS, kind, named]).encode()).hexdigest()[:12]
    path = models_dir() / f"{kind}-{key}.pt"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}")
        torch.save(make(), part)
        part.replace(path)
    return torch.load(path, weights_only=True)


def main() -> None:
    """Train all models that are not in the cache."""
    recipes = [DecoderRecipe(read=read) for read in (*SMALLER, DecoderRecipe().read)]
    for recipe in recipes:
        decoder(recipe)
    bilm()
    for each in VOICES:
        voice(each)
    print(f"the models of the course are in {models_dir()}")


if __name__ == "__main__":
    main()
