"""The models that take minutes to train: each made by one recipe, once, and kept in the cache folder.

::

    recipe + corpus -> train -> ~/.cache/textwright/course-models/decoder-3f2a....pt -> the lessons

``make course-models`` trains them all; a lesson that does not find one trains it. The name of a file holds the hash of
its recipe and of the corpus, so that no model is taken for another.
"""

from __future__ import annotations

import copy
import hashlib
import json
import math
import os
import random
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from nano import bpe, dialogue, elmo, refine, speech, tacotron, text
from nano.bpe import BPE
from nano.dialogue import Pair
from nano.elmo import BiLM
from nano.fit import fit
from nano.gpt2 import GPT2
from nano.refine import Generator, TfidfRetriever
from nano.seq2seq import NUM_MARKS, Seq2Seq
from nano.tacotron import Tacotron

Item = TypeVar("Item")
Model = TypeVar("Model", bound=nn.Module)
CORPUS = "962d08a4b5ea08c5"
"""Hash of the texts of :func:`nano.text.corpus`."""
CHAT = "6bed01b4ba3be57a"
"""Hash of the training pairs of :func:`nano.dialogue.pairs`."""


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
ALPHAS = (None, 0.0, 0.5)
"""Of the generators that go on to learn, and are compared: without retrieval, without blending, with it."""
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
class ChatRecipe:
    """How an encoder-decoder learns to reply; the defaults are those of the lesson.

    Args:
        read: Pairs that it reads; those that there are come again when all were read.
        num_pairs: Prompts with their replies that there are, of the training conversations; None takes all.
        num_tokens: V, the four marks included.
        dim: E.
        num_heads: A.
        num_encoder: Layers that read.
        num_decoder: Layers that write.
        batch_size: Pairs.
        rate: Highest learning rate.
        warm_up: Steps.
        seed: Of the weights and of the order.
    """

    read: int = 60_000
    num_pairs: int | None = None
    num_tokens: int = 4096
    dim: int = 256
    num_heads: int = 4
    num_encoder: int = 2
    num_decoder: int = 2
    batch_size: int = 64
    rate: float = 1e-3
    warm_up: int = 200
    seed: int = 0


@dataclass(frozen=True, slots=True)
class RefineRecipe:
    """How a trained generator goes on to learn, with a retrieved reply in its source or, to compare, without.

    Args:
        start: The generator that it starts from.
        alpha: How often the true reply stands in the place of the retrieved one, 0 to 1; None retrieves nothing.
        num_pairs: Of the same pairs, each once.
        rate: Highest learning rate.
        warm_up: Steps.
        seed: Of the order and of the draws.
    """

    start: ChatRecipe = field(default_factory=ChatRecipe)
    alpha: float | None = 0.5
    num_pairs: int = 6_000
    rate: float = 5e-4
    warm_up: int = 50
    seed: int = 1


@dataclass(frozen=True, slots=True)
class ChatBot:
    """A trained generator.

    Args:
        generator: Its model is in evaluation mode.
        losses: Before each step, in nats.
    """

    generator: Generator
    losses: list[float]


@dataclass(frozen=True, slots=True)
class Split:
    """The corpus, in an order that has nothing to do with where a text is from.

    Args:
        train: Texts to learn from.
        held_out: Every hundredth text, to measure with.
    """

    train: list[str]
    held_out: list[str]


def _check_hash(what: str, texts: Iterable[str], expected: str) -> None:
    digest = hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]
    if digest != expected:
        raise ValueError(f"{what} has the hash {digest}, and the recipes are for {expected} (nano.pretrained)")


@cache
def split() -> Split:
    """Read the corpus of all recipes.

    Raises:
        ValueError: If its texts are not those of the recipes.
    """
    texts = text.corpus()
    _check_hash("the corpus", texts, CORPUS)
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
        cached("bpe", merges, lambda: {"merges": bpe.train(texts, recipe.num_tokens - 1).merges}, keep)["merges"]
    )
    kept = cached("decoder", asdict(recipe), lambda: _train_decoder(recipe, tokenizer, texts), keep)
    return Decoder(filled(untrained(recipe), kept["weights"]), tokenizer, kept["losses"])


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
    kept = cached("elmo", asdict(recipe), lambda: _train_bilm(recipe, split().train[: recipe.num_texts]), keep)
    return Elmo(filled(untrained_bilm(recipe), kept["weights"]), kept["words"], recipe.width, kept["losses"])


@cache
def chat_pairs() -> list[Pair]:
    """Cut the training conversations of all chat recipes into pairs, in an order that does not depend on who spoke.

    Raises:
        ValueError: If the pairs are not those of the recipes.
    """
    pairs = dialogue.pairs(dialogue.split().train)
    random.Random(0).shuffle(pairs)  # noqa: S311  no secret
    _check_hash("the chat text", [f"{each.prompt}\t{each.reply}" for each in pairs], CHAT)
    return pairs


def chat_bot(recipe: ChatRecipe | None = None, *, keep: bool = True) -> ChatBot:
    """Take a generator of replies from the cache, or train it and put it there.

    Args:
        recipe: None is the lesson's.
        keep: False trains it anew and puts nothing there.
    """
    recipe = recipe or ChatRecipe()
    pairs, size = chat_pairs()[: recipe.num_pairs], recipe.num_tokens - NUM_MARKS
    texts = [text.lower() for pair in pairs for text in (" " + pair.prompt, " " + pair.reply)]
    merges = {"num_tokens": size, "num_pairs": recipe.num_pairs}
    tokenizer = BPE(cached("chat-bpe", merges, lambda: {"merges": bpe.train(texts, size).merges}, keep, CHAT)["merges"])
    generator = Generator(untrained_chat(recipe), tokenizer)
    kept = cached("chat", asdict(recipe), lambda: _train_chat(generator, recipe, pairs), keep, CHAT)
    return _loaded(generator, kept)


def refined(recipe: RefineRecipe | None = None, *, keep: bool = True, start: Generator | None = None) -> ChatBot:
    """Take a generator that went on to learn from the cache, or train it and put it there.

    Args:
        recipe: None is the lesson's.
        keep: False trains it anew and puts nothing there.
        start: What ``recipe.start`` made, if it is at hand; it stays as it is.
    """
    recipe = recipe or RefineRecipe()
    start = start or chat_bot(recipe.start, keep=keep).generator
    generator = Generator(copy.deepcopy(start.model), start.tokenizer)
    kept = cached("refine", asdict(recipe), lambda: _train_refine(generator, recipe, keep), keep, CHAT)
    return _loaded(generator, kept)


def untrained_chat(recipe: ChatRecipe) -> Seq2Seq:
    """Make the network that a recipe starts with."""
    torch.manual_seed(recipe.seed)
    return Seq2Seq(recipe.num_tokens, recipe.dim, recipe.num_heads, recipe.num_encoder, recipe.num_decoder)


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
    kept = cached("voice", settings, lambda: _train_voice(recipe), keep)
    snapshots = [
        Snapshot(filled(untrained_voice(recipe), each["weights"]), each["step"], each["seconds"])
        for each in kept["snapshots"]
    ]
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
    with fast_products():
        losses = fit(model, watched(batches, f"a decoder on {len(ids):,} tokens"), optimizer, **steps)
    return {"weights": halved(model), "losses": losses}


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
        for each in watched(batches, f"ELMo on {num_words:,} words")
    )
    with fast_products():
        losses = fit(model, read, optimizer, **steps)
    return {"weights": halved(model), "words": known, "losses": losses}


def _train_voice(recipe: VoiceRecipe) -> dict[str, Any]:
    model = untrained_voice(recipe)
    optimizer = torch.optim.Adam(model.parameters(), lr=recipe.rate, betas=(0.9, 0.99), eps=1e-6)
    optimizer.register_step_pre_hook(_clip)
    batches = list(islice(_spoken_batches(recipe), recipe.num_steps))
    snapshots: list[dict[str, Any]] = []
    start = time.process_time()

    def keep_snapshot(step: int) -> None:
        snapshots.append({"step": step, "seconds": time.process_time() - start, "weights": halved(model)})

    def with_snapshots() -> Iterator[tuple[Tensor, ...]]:
        for step, batch in enumerate(watched(batches, "a voice")):
            if step in {round(share * recipe.num_steps) for share in SNAPSHOTS}:
                keep_snapshot(step)
            yield batch

    losses = fit(
        model, with_snapshots(), optimizer, num_steps=recipe.num_steps, warm_up=recipe.warm_up, seed=recipe.seed
    )
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


def fast_products() -> torch.autocast:
    """Multiply in the faster type. No copy of a weight is kept, since the weights change inside this context."""
    dtype = fast_type()
    return torch.autocast("cpu", dtype, enabled=dtype == torch.bfloat16, cache_enabled=False)


def _train_chat(generator: Generator, recipe: ChatRecipe, pairs: Sequence[Pair]) -> dict[str, Any]:
    prompts, replies = [pair.prompt for pair in pairs], [pair.reply for pair in pairs]
    batches = _chat_batches(generator, prompts, replies, None, recipe.batch_size, recipe.read, recipe.seed)
    return _fit_chat(generator.model, batches, recipe, f"a generator on {recipe.read:,} pairs")


def _train_refine(generator: Generator, recipe: RefineRecipe, keep: bool) -> dict[str, Any]:
    every = chat_pairs()[: recipe.start.num_pairs]
    pairs = random.Random(recipe.seed).sample(every, min(len(every), recipe.num_pairs))  # noqa: S311  no secret
    prompts, replies, found = [pair.prompt for pair in pairs], [pair.reply for pair in pairs], None
    if recipe.alpha is not None:
        which = {"of": recipe.start.num_pairs, "num_pairs": recipe.num_pairs, "seed": recipe.seed}
        found = cached("retrieved", which, lambda: {"replies": _retrieved(every, pairs)}, keep, CHAT)["replies"]
        found = refine.blend(found, replies, recipe.alpha, recipe.seed)
    batches = _chat_batches(generator, prompts, replies, found, recipe.start.batch_size, len(pairs), recipe.seed)
    return _fit_chat(generator.model.train(), batches, recipe, f"a refined one on {len(pairs):,} pairs")


def _retrieved(every: Sequence[Pair], pairs: Sequence[Pair]) -> list[str]:
    """Find a reply to each prompt, in another conversation than its own."""
    return TfidfRetriever(every).retrieve([pair.prompt for pair in pairs], [pair.conversation for pair in pairs])


def _chat_batches(
    generator: Generator,
    prompts: Sequence[str],
    replies: Sequence[str],
    retrieved: Sequence[str] | None,
    batch_size: int,
    read: int,
    seed: int,
) -> list[tuple[Tensor, Tensor]]:
    """Encode pairs, in batches of like length."""
    sources = generator.source_rows(prompts, retrieved)
    targets = generator.target_rows(replies)
    order, batches = random.Random(seed), []  # noqa: S311  no secret
    for done in range(0, read, len(prompts)):
        places = order.sample(range(len(prompts)), min(len(prompts), read - done))
        for start in range(0, len(places), 50 * batch_size):
            block = sorted(
                places[start : start + 50 * batch_size], key=lambda row: (len(targets[row]), len(sources[row]))
            )
            batches += [block[first : first + batch_size] for first in range(0, len(block), batch_size)]
    order.shuffle(batches)
    return [(text.pad([sources[row] for row in rows]), text.pad([targets[row] for row in rows])) for rows in batches]


def _fit_chat(
    model: Seq2Seq, batches: Sequence[tuple[Tensor, Tensor]], recipe: ChatRecipe | RefineRecipe, what: str
) -> dict[str, Any]:
    optimizer = torch.optim.AdamW(model.parameters(), lr=recipe.rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    steps = {"num_steps": len(batches), "warm_up": min(recipe.warm_up, len(batches) // 5), "seed": recipe.seed}
    with fast_products():
        losses = fit(model, watched(batches, what), optimizer, **steps)
    return {"weights": halved(model), "losses": losses}


def filled(model: Model, weights: Mapping[str, Tensor]) -> Model:
    """Give a network the weights that the cache keeps in halves."""
    model.load_state_dict({name: weight.float() for name, weight in weights.items()})
    return model.eval()


def _loaded(generator: Generator, kept: dict[str, Any]) -> ChatBot:
    filled(generator.model, kept["weights"])
    return ChatBot(generator, kept["losses"])


def halved(model: nn.Module) -> dict[str, Tensor]:
    """Keep weights in 16 bits: half the file."""
    return {name: weight.half() for name, weight in model.state_dict().items()}


def watched(batches: Sequence[Item], what: str) -> Iterator[Item]:
    """Yield batches; where they take minutes, say after each tenth of them how many more."""
    start = time.perf_counter()
    for done, batch in enumerate(batches):
        if done and done % max(1, len(batches) // 10) == 0:
            minutes = (time.perf_counter() - start) * (len(batches) / done - 1) / 60
            if minutes > 0.5:
                print(f"training {what}: {done / len(batches):.0%}, {minutes:.0f} more minutes", flush=True)
        yield batch


def cached(
    kind: str, settings: dict[str, Any], make: Callable[[], dict[str, Any]], keep: bool, corpus: str | None = None
) -> dict[str, Any]:
    """Load what ``make`` once made, or make it, and store it if it is to be kept; a setting of None names no file."""
    if not keep:
        return make()
    named = {name: value for name, value in settings.items() if value is not None}
    key = hashlib.sha256(json.dumps([corpus or CORPUS, kind, named]).encode()).hexdigest()[:12]
    path = models_dir() / f"{kind}-{key}.pt"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}")
        torch.save(make(), part)
        part.replace(path)
    return torch.load(path, weights_only=True)


def main() -> None:
    """Train all models that are not in the cache."""
    from nano import pretrained_t5  # it takes its loop and its cache from here

    recipes = [DecoderRecipe(read=read) for read in (*SMALLER, DecoderRecipe().read)]
    for recipe in recipes:
        decoder(recipe)
    bilm()
    for alpha in ALPHAS:
        refined(RefineRecipe(alpha=alpha))
    for each in VOICES:
        voice(each)
    for recipe in (pretrained_t5.T5Recipe(), pretrained_t5.SPANS_ALONE):
        pretrained_t5.text_to_text_model(recipe)
    print(f"the models of the course are in {models_dir()}")


if __name__ == "__main__":
    main()
