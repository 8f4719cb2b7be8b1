"""What a bag of words decides by itself before it is trained: whether case counts, and whether pairs of words do.

Both are decided by naive Bayes in cross-validation on training texts alone. It takes seconds, and what a word or a
pair says can be counted. Cased words and pairs are rarer than lower-cased words, so that they cost where case or order
say nothing: they are taken where they are far better. Callers: the families that are bags of words.
"""

from __future__ import annotations

from statistics import fmean
from typing import Final

import numpy as np

from textwright.core.labels import Labels, Task
from textwright.core.metrics import is_correct
from textwright.core.scripts import is_unspaced
from textwright.core.tokenizer import train_word_level
from textwright.core.types import Floats, Ints
from textwright.data.dataset import Examples
from textwright.models.family import BuildContext, Casing, TrainingSplit
from textwright.models.naive_bayes import held_out_scores

_GAIN: Final = 0.1
"""Gain in accuracy from which on case or pairs pay for what they cost in size and in rarer tokens."""
_FEWEST_BUCKETS, _MOST_BUCKETS = 2**10, 2**17
"""Bounds of the number of buckets that is chosen automatically; more cost time and gain little."""
_MOST_SCORES: Final = 2**24
"""Most scores of pairs, buckets times labels, that are chosen automatically: 64 MB of the shipped graph."""
_BLOCK_IDS: Final = 2**22
"""Token ids that are looked at at once, so that memory does not grow with the texts."""
_MOST_COUNTED_TEXTS: Final = 4_000
_MOST_COUNTED_IDS: Final = 200_000
_MOST_COUNTED_CHARACTERS: Final = 500_000
"""Texts, and token ids or characters of them, that naive Bayes counts; some seconds of one core."""
_UNLIMITED: Final = 2**31 - 1


def choose_casing(examples: Examples, labels: Labels, max_length: int) -> Casing:
    """Choose whether "Apple" and "apple" are two words.

    Args:
        examples: The training split alone.
        labels: The label names, with the task.
        max_length: Longest text in tokens, >= 1.

    Returns:
        ``CASED`` where naive Bayes on words that keep their case is 10 points more accurate in cross-validation.
    """
    places = _spread(len(examples), _MOST_COUNTED_TEXTS)
    mean_length = fmean(len(examples.texts[place]) for place in places.tolist()) if len(places) else 0
    places = places[_spread(len(places), _most(_MOST_COUNTED_CHARACTERS, mean_length))]
    texts = [examples.texts[place] for place in places.tolist()]
    if all(text == text.lower() for text in texts):
        return Casing.UNCASED
    tokenizer = train_word_level(texts, vocab_size=_UNLIMITED, min_frequency=1, max_length=max_length, cased=True)
    if tokenizer.vocab_size * len(labels) > _MOST_SCORES:
        return Casing.UNCASED
    split = TrainingSplit(tokenizer.encode(texts), examples.targets[places])
    of_text, cased = _tokens(split)
    lowered: dict[str, int] = {}
    for word in tokenizer.vocabulary:
        lowered.setdefault(word.lower(), len(lowered))
    uncased = np.array([lowered[word.lower()] for word in tokenizer.vocabulary])[cased]
    holds, num_ids = split.holds(len(labels)), tokenizer.vocab_size
    gain = _accuracy(held_out_scores(cased, of_text, holds, num_ids=num_ids), split, labels)
    gain -= _accuracy(held_out_scores(uncased, of_text, holds, num_ids=num_ids), split, labels)
    return Casing.CASED if gain >= _GAIN else Casing.UNCASED


def choose_num_buckets(context: BuildContext) -> int:
    """Choose buckets for pairs: twice the distinct pairs, rounded up; 0 where words alone will do."""
    if not (_is_mostly_unspaced(context) or _order_decides(context)):
        return 0
    encodings = context.training.encodings
    pairs = np.empty(0, dtype=np.int64)
    for start in range(0, len(encodings.ids), _BLOCK_IDS):
        block = encodings.ids[start : start + _BLOCK_IDS + 1]
        pairs = np.union1d(pairs, block[:-1].astype(np.int64) * context.tokenizer.vocab_size + block[1:])
    most = min(_MOST_BUCKETS, 1 << (_MOST_SCORES // len(context.labels)).bit_length() - 1)
    return min(max(1 << (2 * len(pairs) - 1).bit_length(), _FEWEST_BUCKETS), most)


def _is_mostly_unspaced(context: BuildContext) -> bool:
    """Tell whether most training tokens are of scripts without spaces."""
    ids = context.training.encodings.ids
    is_unit = np.array([is_unspaced(token) for token in context.tokenizer.vocabulary])
    blocks = (ids[start : start + _BLOCK_IDS] for start in range(0, len(ids), _BLOCK_IDS))
    return sum(int(is_unit[block].sum()) for block in blocks) > 0.5 * len(ids)


def _order_decides(context: BuildContext) -> bool:
    """Tell whether naive Bayes is far more accurate with pairs of words than without, in cross-validation."""
    split, vocab_size = context.training, context.tokenizer.vocab_size
    if len(split.encodings) == 0:
        return False
    most = min(_MOST_COUNTED_TEXTS, _most(_MOST_COUNTED_IDS, float(split.encodings.lengths.mean())))
    chosen = _spread(len(split.encodings), most)
    split = TrainingSplit(split.encodings.take(chosen), split.targets[chosen])
    holds = split.holds(len(context.labels))
    texts, ids = _tokens(split)
    is_pair = texts[1:] == texts[:-1]
    distinct, pairs = np.unique((ids[:-1] * vocab_size + ids[1:])[is_pair], return_inverse=True)
    if max(vocab_size, len(distinct)) * len(context.labels) > _MOST_SCORES:
        return False
    words_alone = held_out_scores(ids, texts, holds, num_ids=vocab_size)
    with_pairs = words_alone + held_out_scores(pairs, texts[1:][is_pair], holds, num_ids=max(len(distinct), 1))
    gain = _accuracy(with_pairs, split, context.labels) - _accuracy(words_alone, split, context.labels)
    return gain >= _GAIN


def _most(budget: int, mean_length: float) -> int:
    """Say how many texts of a mean length fit into a budget, 1 or more."""
    return int(budget / max(mean_length, 1)) + 1


def _spread(num_texts: int, most: int) -> Ints:
    """Select places of texts, in order and evenly spread."""
    return np.unique(np.linspace(0, num_texts - 1, min(num_texts, most)).astype(np.int64))


def _tokens(split: TrainingSplit) -> tuple[Ints, Ints]:
    """List the tokens of all texts, (M,) each: which text a token is of, and its id."""
    encodings = split.encodings
    return np.repeat(np.arange(len(encodings)), encodings.lengths), encodings.ids.astype(np.int64)


def _accuracy(scores: Floats, split: TrainingSplit, labels: Labels) -> float:
    """Measure naive Bayes' scores, (N, K): the accuracy, of several labels the exact match."""
    if labels.task is Task.SINGLE_LABEL:
        return float(is_correct(split.targets, scores.argmax(axis=1)).mean())
    holds = split.holds(len(labels))
    shares = (holds.sum(axis=0) + 1) / (len(holds) + 2)
    return float(is_correct(holds, scores + np.log(shares / (1 - shares)) > 0).mean())
