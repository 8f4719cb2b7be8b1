"""A bot that writes its replies, alone or from what a retriever found: two of Blender's three recipes, in small.

::

    generate   prompt                         -> reply, token by token
    retrieve   prompt                         -> a reply that somebody gave to somebody else
    refine     prompt | a retrieved reply     -> reply, token by token

Sources: Roller et al., 2021, Recipes for Building an Open-Domain Chatbot, https://arxiv.org/abs/2004.13637; refining:
Weston, Dinan & Miller, 2018, Retrieve and Refine, https://arxiv.org/abs/1808.04776; distinct-n: Li et al., 2016,
https://arxiv.org/abs/1510.03055, section 5.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import pairwise

import numpy as np
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from torch import Tensor

from nano.bpe import BPE
from nano.dialogue import Pair
from nano.seq2seq import END, NUM_MARKS, SPLIT, Seq2Seq
from nano.text import pad, words

MAX_TOKENS = 32
"""Tokens of a prompt, of a retrieved reply and of a reply, its end included, that a generator reads or writes."""
UNKNOWING = re.compile(r"\b(?:do ?n[o']?t (?:really )?know|not (?:really )?sure|no idea|idk|dunno)\b")
"""What fits any prompt and says nothing."""
STOCK = 10
"""People typed a stock reply, word for word, as often as this or more."""

Choose = Callable[[Seq2Seq, Tensor], list[list[int]]]
"""A way to write: :func:`nano.seq2seq.beam` or another one, with its settings bound."""


class Generator:
    """A trained encoder-decoder that replies; in lower case, since a small model has no words to spare.

    Args:
        model: In evaluation mode; its first ids are marks, and the tokenizer's follow.
        tokenizer: Of bytes.
    """

    def __init__(self, model: Seq2Seq, tokenizer: BPE) -> None:
        self.model, self.tokenizer = model, tokenizer

    def ids(self, text: str) -> list[int]:
        """Turn a text into ids, none of them a mark."""
        return [token + NUM_MARKS for token in self.tokenizer.encode(" " + text.lower())]

    def text(self, ids: Iterable[int]) -> str:
        """Turn ids back into a text."""
        return self.tokenizer.decode(token - NUM_MARKS for token in ids).strip()

    def source_rows(self, prompts: Sequence[str], retrieved: Sequence[str] | None = None) -> list[list[int]]:
        """Encode the ends of prompts, and behind a SPLIT what was retrieved for each, if anything."""
        rows = [self.ids(prompt)[-MAX_TOKENS:] for prompt in prompts]
        if retrieved is None:
            return rows
        found = [self.ids(each)[: MAX_TOKENS - 1] for each in retrieved]
        return [[*row, SPLIT, *each] for row, each in zip(rows, found, strict=True)]

    def target_rows(self, replies: Sequence[str]) -> list[list[int]]:
        """Encode replies, each with its END unless it is cut off."""
        return [[*self.ids(reply), END][:MAX_TOKENS] for reply in replies]

    def reply(self, prompts: Sequence[str], choose: Choose, retrieved: Sequence[str] | None = None) -> list[str]:
        """Reply to each prompt.

        Args:
            prompts: N texts.
            choose: How.
            retrieved: A retrieved reply for each prompt, to be refined; None generates from the prompt alone.
        """
        replies = [""] * len(prompts)
        by_length = sorted(range(len(prompts)), key=lambda place: len(prompts[place]))
        for start in range(0, len(prompts), 32):
            places = by_length[start : start + 32]
            found = None if retrieved is None else [retrieved[place] for place in places]
            source = pad(self.source_rows([prompts[place] for place in places], found))  # (B, S)
            for place, ids in zip(places, choose(self.model, source), strict=True):
                replies[place] = self.text(ids)
        return replies

    @torch.no_grad()
    def surprise(self, prompts: Sequence[str], replies: Sequence[str], retrieved: Sequence[str] | None = None) -> float:
        """Return -log p of the replies that people gave, in nats, all together."""
        nats = 0.0
        for start in range(0, len(prompts), 32):
            rows = slice(start, start + 32)
            source = pad(self.source_rows(prompts[rows], None if retrieved is None else retrieved[rows]))  # (B, S)
            nats += self.model.losses(source, pad(self.target_rows(replies[rows]))).sum().item()
        return nats


def blend(retrieved: Sequence[str], replies: Sequence[str], alpha: float, seed: int = 0) -> list[str]:
    """Replace what was retrieved by the true reply, alpha of the time: Roller et al., section 3.3, alpha-blending.

    Without it a generator learns that what is retrieved has little to do with the reply, and to look past it; with
    alpha 1 it learns to copy.

    Args:
        retrieved: Of each training pair.
        replies: What people replied.
        alpha: 0 to 1.
        seed: Of the draws.
    """
    generator = random.Random(seed)  # noqa: S311  no secret
    return [true if generator.random() < alpha else found for found, true in zip(retrieved, replies, strict=True)]


def reply_words(text: str) -> list[str]:
    """Cut a text into the words that replies are compared by: lower case, no signs, no articles, as ParlAI does."""
    return [word for word in words(text.replace("\u2019", "'")) if word not in {"a", "an", "the"}]


def token_f1(reply: str, true: str) -> float:
    """Return the harmonic mean of precision and recall of a reply's words against a person's, 0 to 1."""
    one, other = Counter(reply_words(reply)), Counter(reply_words(true))
    shared = (one & other).total()
    return 2 * shared / max(1, one.total() + other.total())


def copied(reply: str, source: str) -> float:
    """Return the share of a reply's pairs of words that stand in the source too; 0 for a reply of less than two."""
    one, other = (Counter(pairwise(reply_words(text))) for text in (reply, source))
    return (one & other).total() / max(1, one.total())


def distinct(replies: Iterable[str], n: int = 2, num_grams: int | None = None) -> float:
    """Return the share of different n-grams among all n-grams of all replies: distinct-n of Li et al., 2016.

    Args:
        replies: Texts.
        n: Words of a gram.
        num_grams: The first so many n-grams count; more text repeats more, so sets are compared at one size.
    """
    texts = (reply_words(reply) for reply in replies)
    grams = [gram for text in texts for gram in zip(*(text[start:] for start in range(n)), strict=False)]
    return len(set(grams[:num_grams])) / max(1, len(grams[:num_grams]))


def stock_replies(replies: Iterable[str]) -> frozenset[str]:
    """List the replies that people typed :data:`STOCK` times or more, as words."""
    counts = Counter(" ".join(reply_words(reply)) for reply in replies)
    return frozenset(reply for reply, count in counts.items() if count >= STOCK)


def is_generic(reply: str, stock: Collection[str] = ()) -> bool:
    """Tell whether a reply fits any prompt: it says that it does not know, it is a stock reply, or it has no word."""
    one = " ".join(reply_words(reply))
    return not one or one in stock or UNKNOWING.search(one) is not None


class TfidfRetriever:
    """Finds the reply of the pair whose prompt and reply have most rare words in common with a prompt.

    Args:
        pairs: What people said to each other.
        prompt_weight: How much the pair's prompt counts beside its reply, 0 to 1.
    """

    def __init__(self, pairs: Sequence[Pair], prompt_weight: float = 0.5) -> None:
        self.pairs = list(pairs)
        self.vectorizer = TfidfVectorizer(analyzer=words, sublinear_tf=True, dtype=np.float32)
        replies = self.vectorizer.fit_transform([pair.reply for pair in pairs])  # (N, V)
        prompts = self.vectorizer.transform([pair.prompt for pair in pairs])  # (N, V)
        self.table = ((1 - prompt_weight) * replies + prompt_weight * prompts).T.tocsr()  # (V, N)
        keys = {key: number for number, key in enumerate({pair.conversation: None for pair in pairs})}
        self.keys, self.conversations = keys, np.array([keys[pair.conversation] for pair in pairs])  # (N,)

    def retrieve(self, prompts: Sequence[str], conversations: Sequence[str] | None = None) -> list[str]:
        """Find a reply to each prompt.

        Args:
            prompts: Texts.
            conversations: Where each is from, so that nothing is found there; None leaves nothing out.
        """
        found = []
        for start in range(0, len(prompts), 256):
            rows = slice(start, start + 256)
            scores = (self.vectorizer.transform(prompts[rows]) @ self.table).toarray()  # (256, N)
            for row, key in enumerate([] if conversations is None else conversations[rows]):
                scores[row, self.conversations == self.keys.get(key, -1)] = -1.0
            found += [self.pairs[place].reply for place in scores.argmax(axis=1).tolist()]
        return found
