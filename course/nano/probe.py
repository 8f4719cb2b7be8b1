"""What the models are measured with: people's judgments, analogies, perplexity, a trigram, four probes, few labels.

Sources: WordSim-353: Finkelstein et al., 2002, https://doi.org/10.1145/503104.503110; SimLex-999: Hill, Reichart &
Korhonen, 2015, https://aclanthology.org/J15-4004; analogies: Mikolov et al., 2013, https://arxiv.org/abs/1301.3781;
Kneser-Ney: Kneser & Ney, 1995, https://doi.org/10.1109/ICASSP.1995.479394, interpolated as in Chen & Goodman, 1999,
https://dash.harvard.edu/handle/1/25104739.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sklearn.model_selection import GridSearchCV

    from textwright import Dataset

Pair = tuple[str, str, float]
Question = tuple[str, str, str, str]
Predict = Callable[[Sequence[str]], np.ndarray]
"""Texts -> labels, (N,)."""
Fit = Callable[[Sequence[str], np.ndarray], Predict]
"""Texts and their labels, (N,) -> a function that predicts."""
Encode = Callable[[str], np.ndarray]
"""A text -> one vector, (E,)."""
RIVER_BANKS = (
    "He fished from the bank of the river.", "The boat drifted to the muddy bank.",
    "Trees grew along the bank of the stream.", "They sat on the grassy bank by the water.",
    "The flood rose over the bank.", "Ducks slept on the bank of the lake.",
)  # fmt: skip
MONEY_BANKS = (
    "She opened an account at the bank.", "The bank raised its interest rate.",
    "He borrowed money from the bank.", "The bank refused the loan.",
    "Robbers stole the cash of the bank.", "The bank sold its shares.",
)  # fmt: skip
OPPOSITES = (
    ("good", "great", "bad"), ("best", "finest", "worst"), ("love", "adore", "hate"), ("funny", "amusing", "dull"),
    ("strong", "powerful", "weak"), ("happy", "cheerful", "sad"), ("boring", "tedious", "exciting"),
    ("success", "triumph", "failure"),
)  # fmt: skip
"""A word, one that means nearly the same, and its opposite."""
SAME = 1e-5
"""Differences up to here are rounding."""


def word_pairs(name: str) -> list[Pair]:
    """Read word pairs and how alike people find them, of "wordsim353" or "simlex999", in lower case."""
    import textwright

    (path,) = textwright.asset_path("word-similarity").glob(f"{name}.*")
    rows = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return [(first.lower(), second.lower(), float(score)) for first, second, score in rows]


def analogy_questions() -> list[Question]:
    """Read 19,544 questions "a is to b as c is to d", in lower case."""
    import textwright

    text = (textwright.asset_path("word-similarity") / "questions-words.txt").read_text(encoding="utf-8")
    rows = (line.lower().split() for line in text.splitlines() if not line.startswith(":"))
    return [(a, b, c, d) for a, b, c, d in rows]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far vectors order word pairs as people do.

    Args:
        rho: Spearman's rank correlation, -1 to 1.
        low: Lower end of its 95 % interval, by bootstrap over the pairs.
        high: Its upper end.
        num_pairs: Pairs of which both words have a vector.
    """

    rho: float
    low: float
    high: float
    num_pairs: int


def ranks(values: np.ndarray) -> np.ndarray:
    """Number values from 1 in rising order; equal ones share the mean of their numbers."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]


def spearman(left: np.ndarray, right: np.ndarray) -> float:
    """Correlate two orders, -1 to 1."""
    return float(np.corrcoef(ranks(left), ranks(right))[0, 1])


def agreement(vectors: np.ndarray, index: Mapping[str, int], pairs: Sequence[Pair], seed: int = 0) -> Agreement:
    """Compare cosines of vectors (V, E) with people's judgments.

    Args:
        vectors: One row for each word.
        index: Word -> its row.
        pairs: Of :func:`word_pairs`.
        seed: Of the bootstrap.
    """
    known = [(index[a], index[b], score) for a, b, score in pairs if a in index and b in index]
    first, second, people = (np.array(each) for each in zip(*known, strict=True))  # (N,) each
    unit = normalized(vectors)  # (V, E)
    cosines = (unit[first] * unit[second]).sum(axis=1)  # (N,)
    random = np.random.default_rng(seed)
    resampled = [
        spearman(cosines[rows], people[rows]) for rows in random.integers(len(people), size=(1000, len(people)))
    ]
    low, high = np.quantile(resampled, [0.025, 0.975])
    return Agreement(spearman(cosines, people), float(low), float(high), len(people))


def analogies(
    vectors: np.ndarray, index: Mapping[str, int], questions: Sequence[Question], *, may_repeat: bool = False
) -> float:
    """Answer "a is to b as c is to ?" by the word nearest to b - a + c, and return the share that is right.

    Args:
        vectors: (V, E).
        index: Word -> its row, below V.
        questions: Those with a word that has no vector are left out.
        may_repeat: True lets a, b and c be answers too, which is what "king - man + woman" mostly gives then.
    """
    known = np.array([[index[word] for word in each] for each in questions if all(word in index for word in each)])
    unit, num_right = normalized(vectors), 0  # (V, E)
    for block in np.array_split(known, math.ceil(len(known) / 500)):
        a, b, c, d = block.T  # (N,) each
        scores = (unit[b] - unit[a] + unit[c]) @ unit.T  # (N, V)
        if not may_repeat:
            scores[np.arange(len(block))[:, None], block[:, :3]] = -np.inf
        num_right += int((scores.argmax(axis=1) == d).sum())
    return num_right / len(known)


def normalized(vectors: np.ndarray) -> np.ndarray:
    """Scale each row to length 1; a row of zeros stays."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


@dataclass(frozen=True, slots=True)
class Answers:
    """What a machine answers to the four probes of Part 1.

    Args:
        order: "good, not bad" and "bad, not good" have different vectors.
        sense: Share of twelve sentences whose *bank* is nearer to its own sense; a half is a coin.
        unknown: Two invented words have different vectors.
        opposites: In how many triples of :data:`OPPOSITES` the second word is nearer to the first than the third is.
    """

    order: bool
    sense: float
    unknown: bool
    opposites: int

    @property
    def marks(self) -> dict[str, str]:
        """Turn the answers into check marks: sense from 80 %, opposites from six of eight."""
        passed = {
            "order": self.order, "sense": self.sense >= 0.8, "unknown": self.unknown, "opposites": self.opposites >= 6,
        }  # fmt: skip
        return {name: "✓" if is_passed else "✗" for name, is_passed in passed.items()}


def four_probes(of_text: Encode, of_bank: Encode) -> Answers:
    """Ask a machine for order, sense, unknown words and opposites, each machine in the same way.

    Args:
        of_text: Makes the vector of a text.
        of_bank: Makes the vector of the word "bank" in a text that has it once.
    """

    def differ(first: str, second: str) -> bool:
        return bool(np.abs(of_text(first) - of_text(second)).max() > SAME)

    banks = np.array([of_bank(each) for each in (*RIVER_BANKS, *MONEY_BANKS)])  # (N, E)
    near = [[of_text(word) for word in triple] for triple in OPPOSITES]
    return Answers(
        order=differ("good, not bad", "bad, not good"),
        sense=nearer_to_own(banks, np.arange(len(banks)) < len(RIVER_BANKS)),
        unknown=differ("an unsnorfable film", "an overblinged film"),
        opposites=sum(cosine(first, same) > cosine(first, other) + SAME for first, same, other in near),
    )


def nearer_to_own(vectors: np.ndarray, sides: np.ndarray) -> float:
    """Leave one vector out, average the others of either side, and see which is nearer; a tie counts half.

    Args:
        vectors: (N, E).
        sides: Which side each is of, (N,) of bool.
    """
    right, places = 0.0, np.arange(len(vectors))
    for place in places:
        own, other = (
            vectors[(places != place) & (sides == side)].mean(axis=0) for side in (sides[place], not sides[place])
        )  # (E,) each
        gap = cosine(vectors[place], own) - cosine(vectors[place], other)
        right += 0.5 if abs(gap) <= SAME else float(gap > 0)
    return right / len(vectors)


def cosine(first: np.ndarray, second: np.ndarray) -> float:
    """Compare two vectors, (E,) each; one of zeros is like none."""
    return float(normalized(first) @ normalized(second))


class KneserNey:
    """An n-gram model of 1995: count, take a discount D off every count, and give it to the shorter context.

    The longest context counts how often a token followed it; each shorter one counts after how many *different* tokens
    it did, so that "francisco", frequent but only after "san", is not expected elsewhere.

    Args:
        ids: A stream of tokens to learn from.
        num_tokens: V; a token never seen gets its share as well.
        order: n: 3 is a trigram.
        discount: D, 0 to 1.
    """

    def __init__(self, ids: Sequence[int], num_tokens: int, order: int = 3, discount: float = 0.75) -> None:
        self.num_tokens, self.order, self.discount = num_tokens, order, discount
        grams = Counter(zip(*(ids[start:] for start in range(order)), strict=False))
        self.counts = [grams]
        for _ in range(order - 1):
            self.counts.insert(0, Counter(gram[1:] for gram in self.counts[0]))  # once for each token before it
        self.totals = [_sums(counts) for counts in self.counts]
        self.kinds = [Counter(gram[:-1] for gram in counts) for counts in self.counts]

    def probability(self, context: Sequence[int], token: int) -> float:
        """Return p(token | context), of which the last n - 1 tokens matter; over all V tokens it sums to 1."""
        p = 1 / self.num_tokens
        for length in range(min(self.order, len(context) + 1)):
            history = tuple(context[len(context) - length :])
            total = self.totals[length][history]
            if not total:  # a context that never occurred: the shorter one has the last word
                break
            discounted = max(self.counts[length][*history, token] - self.discount, 0) / total
            p = discounted + self.discount * self.kinds[length][history] / total * p
        return p

    def surprise(self, ids: Sequence[int]) -> float:
        """Return -log p of a stream in nats, each token after those before it."""
        starts = (max(0, place + 1 - self.order) for place in range(len(ids)))
        return -sum(math.log(self.probability(ids[start:place], ids[place])) for place, start in enumerate(starts))


def _sums(counts: Mapping[tuple[int, ...], int]) -> Counter[tuple[int, ...]]:
    """Sum the counts of each context."""
    totals: Counter[tuple[int, ...]] = Counter()
    for gram, count in counts.items():
        totals[gram[:-1]] += count
    return totals


def perplexity(nats: float, num_words: int) -> float:
    """Turn -log p of a text into the number of words among which a model wavers on average."""
    return math.exp(nats / num_words)


def bits_per_byte(nats: float, text: str) -> float:
    """Turn -log p of a text into a measure that does not depend on how it was cut into tokens."""
    return nats / math.log(2) / len(text.encode())


@dataclass(frozen=True, slots=True)
class Rung:
    """How accurate a method is with few labels.

    Args:
        mean: Accuracy, mean over the draws of labels.
        deviation: Its standard deviation over the draws; 0 for one draw.
        by_draw: Accuracy of each draw.
        num_right: In how many draws each test text was right, (N,): for a paired test.
    """

    mean: float
    deviation: float
    by_draw: tuple[float, ...]
    num_right: np.ndarray


def ladder(fit: Fit, *, num_labels: int = 500, num_draws: int = 5, num_tests: int | None = None) -> Rung:
    """Measure sentiment with few labels of ``movie-reviews``: the same draws and the same test texts in each lesson.

    Args:
        fit: Learns from texts and labels of 0 and 1: :func:`on_features`, :func:`on_tfidf`, or a model of one's own.
        num_labels: Texts to learn from, both labels together.
        num_draws: Times that it learns, each time from other texts.
        num_tests: The first of the test texts; None takes all.
    """
    right = []
    for draw in range(num_draws):
        dataset = few_labels(num_labels, draw)
        predict = fit(dataset.train.texts, dataset.train.targets)
        tests = slice(num_tests)
        right.append(np.asarray(predict(dataset.test.texts[tests])) == dataset.test.targets[tests])  # (N,)
    by_draw = tuple(float(each.mean()) for each in right)
    deviation = float(np.std(by_draw, ddof=1)) if num_draws > 1 else 0.0
    return Rung(float(np.mean(by_draw)), deviation, by_draw, np.sum(right, axis=0))


@cache
def few_labels(num_labels: int, draw: int) -> Dataset:
    """Draw training texts of ``movie-reviews``; the test split is the same whatever is drawn."""
    import textwright

    return textwright.load_dataset("movie-reviews", textwright.DataSettings(subset_size=num_labels, subset_seed=draw))


def on_features(features: Callable[[Sequence[str]], np.ndarray]) -> Fit:
    """Put a logistic regression on features (N, E), each scaled to deviation 1."""

    def fit(texts: Sequence[str], targets: np.ndarray) -> Predict:
        from sklearn.preprocessing import StandardScaler

        model = _with_logistic_regression(StandardScaler(), np.logspace(-4, 0, 5)).fit(features(texts), targets)
        return lambda unseen: model.predict(features(unseen))

    return fit


def on_tfidf(texts: Sequence[str], targets: np.ndarray) -> Predict:
    """Put one on TF-IDF of words and pairs of words: what a method has to beat."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    return _with_logistic_regression(vectorizer, np.logspace(-1, 3, 5)).fit(texts, targets).predict


def _with_logistic_regression(first: object, strengths: np.ndarray) -> GridSearchCV:
    """Put a logistic regression behind a step of scikit-learn; cross-validation on what it is given chooses C."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline

    model = make_pipeline(first, LogisticRegression(max_iter=1000))
    return GridSearchCV(model, {"logisticregression__C": strengths}, cv=5)
