"""What the models read: the texts, their words, and batches of ids."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")
TOPICS = ("business", "entertainment", "politics", "sports", "tech")


def corpus() -> list[str]:
    """Read whole reviews of films, news, and the sentences of ``movie-reviews`` that no model is tested on.

    A text that is nearly the same as one of the test split is left out, so that no model here has read what it is
    measured with.

    Returns:
        Some 36,000 texts of 6.9 million words.
    """
    import textwright

    movies, settings = textwright.load_dataset("movie-reviews"), textwright.DataSettings()
    reviews = textwright.load_examples("imdb-reviews", settings, movies.labels).texts
    news = textwright.load_examples("bbc-news", settings, textwright.Labels(TOPICS)).texts
    texts = [*reviews, *news, *movies.train.texts, *movies.validation.texts]
    groups = textwright.find_duplicates([*movies.test.texts, *texts]).near
    tested = set(groups[: len(movies.test.texts)].tolist())
    own = groups[len(movies.test.texts) :].tolist()
    return [text for text, group in zip(texts, own, strict=True) if group not in tested]


def words(text: str) -> list[str]:
    """Cut a text into its words, in lower case; signs are dropped."""
    return WORD.findall(text.lower())


class Vocabulary:
    """The frequent words of a corpus, the most frequent first.

    Args:
        documents: Words of each text.
        min_count: A word that occurs less often is left out.
    """

    def __init__(self, documents: Iterable[Sequence[str]], min_count: int) -> None:
        counted = Counter(word for document in documents for word in document)
        ranked = sorted(counted.items(), key=lambda each: (-each[1], each[0]))
        self.words = [word for word, count in ranked if count >= min_count]
        self.counts = np.array([count for _, count in ranked if count >= min_count])
        self.index = {word: number for number, word in enumerate(self.words)}

    def __len__(self) -> int:
        return len(self.words)

    def ids(self, document: Sequence[str]) -> np.ndarray:
        """Turn words into ids; those left out leave no gap."""
        return np.array([self.index[word] for word in document if word in self.index], dtype=np.int64)


def pad(rows: Sequence[Sequence[int]], value: int = 0) -> Tensor:
    """Stack rows of ids, (B, T), the short ones filled up with ``value``."""
    return torch.nn.utils.rnn.pad_sequence(
        [torch.as_tensor(row) for row in rows], batch_first=True, padding_value=value
    )


def windows(ids: Tensor, num_tokens: int, batch_size: int, seed: int = 0) -> Iterator[tuple[Tensor]]:
    """Yield stretches of a stream of ids from random places, (B, T), for ever.

    Args:
        ids: The stream, (N,), N at least T.
        num_tokens: T.
        batch_size: B.
        seed: Of the places.
    """
    generator = torch.Generator().manual_seed(seed)
    while True:
        starts = torch.randint(len(ids) - num_tokens + 1, (batch_size, 1), generator=generator)  # (B, 1)
        yield (ids[starts + torch.arange(num_tokens)],)  # (B, T)
