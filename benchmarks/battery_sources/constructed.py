"""The constructed sources: what carries the label is known, and so is the best accuracy that is possible."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable
from itertools import product
from typing import Final

from battery_sources.source import BatterySource, Example, Rows
from battery_sources.topics import TopicTexts, english_words

# fmt: off
_FRENCH: Final = (
    "le", "la", "les", "dans", "avec", "pour", "sur", "une", "des", "mais", "nous", "vous", "elle", "leur", "cette",
    "comme", "tout", "bien", "encore", "toujours", "jamais", "souvent", "monde", "maison", "jour", "chose", "homme",
    "femme", "enfant", "ville", "pays", "temps", "livre", "main", "nuit", "eau", "terre", "grand", "petit", "autre",
)
_FRENCH_LABELS: Final = {
    "école": ("école", "élève", "étude", "leçon", "diplôme", "collège", "lycée", "récréation"),
    "santé": ("santé", "médecin", "hôpital", "fièvre", "remède", "guérir", "infirmière", "épidémie"),
    "cuisine": ("crème", "pâte", "gâteau", "purée", "légume", "rôti", "mûre", "pêche"),
}
_JAPANESE: Final = (
    "私は", "彼は", "今日", "昨日", "とても", "少し", "それは", "この", "その", "そして", "しかし", "だから", "町で",
    "家で", "友達と", "母が", "父が", "時間を", "本を", "話を", "聞いた", "思った", "言った", "行った", "来た",
    "見ました", "でした", "です。", "ました。", "かもしれない。",
)
_JAPANESE_LABELS: Final = {
    "天気": ("雨が降る", "晴れ", "台風", "気温", "雪", "曇り"),
    "料理": ("味噌汁", "寿司", "醤油", "天ぷら", "うどん", "弁当"),
    "鉄道": ("電車", "駅員", "新幹線", "切符", "線路", "乗客"),
    "野球": ("投手", "打者", "本塁打", "球場", "捕手", "監督"),
}
_EMOJI: Final = {
    "happy": ("😀", "😍", "🎉", "👍", "❤️", "😂"),
    "angry": ("😡", "👎", "🤬", "💩", "😤", "🙄"),
    "sad": ("😢", "😭", "💔", "😞", "🥺", "☹️"),
}
_NOUNS: Final = ("room", "meal", "service", "phone", "ticket", "driver", "screen", "hotel", "story", "seat", "delivery")
_GOOD: Final = ("good", "great", "clean", "friendly", "fast", "useful", "fair", "honest", "fresh", "clear")
_BAD: Final = ("bad", "awful", "dirty", "rude", "slow", "useless", "unfair", "broken", "stale", "boring")
_NAMES: Final = ("apple", "amazon", "shell", "target", "gap", "orange", "oracle", "sprint", "subway", "visa", "dove")
_PATHS: Final = ("login", "cart", "search", "images/logo.png", "api/v2/orders", "health", "users/41/edit", "feed.xml")
# fmt: on
_STATUS: Final = {"success": (200, 201, 204, 206), "client": (400, 401, 403, 404, 429), "server": (500, 502, 503, 504)}
_TAGS: Final = 12
_TAG_SHARE, _TAG_WORDS, _TAG_SEEN = 0.12, 2, 0.7
"""Probability that a tag holds; words that it may leave in a text; probability of each that it does."""


def _background(rng: random.Random, num_words: int) -> list[str]:
    return rng.choices(english_words()[:2000], k=num_words)


def _texts(write: Callable[[random.Random, str], str], labels: tuple[str, ...]) -> Callable[[int], Rows]:
    """Make rows of a function of label and chance that leaves no doubt about the label."""

    def make(num_rows: int) -> Rows:
        rng = random.Random(0)
        chosen = [labels[number % len(labels)] for number in range(num_rows)]
        rng.shuffle(chosen)
        return Rows([Example(write(rng, label), (label,)) for label in chosen], ceiling=1.0)

    return make


def _order(rng: random.Random, label: str) -> str:
    """Say "not good" or "bad" of one thing and praise or blame nothing else: single words tell nothing."""
    is_negated = rng.random() < 0.5
    adjective = rng.choice(_GOOD if (label == "positive") != is_negated else _BAD)
    claim = f"the {rng.choice(_NOUNS)} was {'not ' if is_negated else 'really '}{adjective}"
    # The other of "not" and "really" stands elsewhere, so that no single word carries the label.
    rest = f"we did {'really' if is_negated else 'not'} {rng.choice(('expect', 'wait', 'ask', 'know', 'pay'))}"
    return " ".join([claim, "and", rest, *_background(rng, 4)])


def _casing(rng: random.Random, label: str) -> str:
    name = rng.choice(_NAMES)
    words = [word.capitalize() if rng.random() < 0.1 else word for word in _background(rng, 12)]
    words.insert(rng.randrange(len(words)), name.capitalize() if label == "company" else name)
    return " ".join(words)


def _emoji(rng: random.Random, label: str) -> str:
    return " ".join([*_background(rng, rng.randint(4, 15)), rng.choice(_EMOJI[label]) * rng.randint(1, 3)])


def _log_line(rng: random.Random, label: str) -> str:
    address = ".".join(str(rng.randint(1, 254)) for _ in range(4))
    verb = rng.choice(("GET", "POST", "PUT"))
    status, size = rng.choice(_STATUS[label]), rng.randint(100, 99_999)
    return f'{address} - - "{verb} /{rng.choice(_PATHS)} HTTP/1.1" {status} {size} {rng.random():.3f}'


def _html(num_rows: int) -> Rows:
    """Wrap texts of known topics in the same page, with classes and links that differ by chance."""
    rng = random.Random(0)
    rows = TopicTexts(("sport", "politics", "science"), length=(20, 60), signal=0.05, confusion=0.03).make(num_rows)
    examples = [Example(_page(rng, example.text), example.labels) for example in rows.examples]
    return Rows(examples, rows.ceiling)


def _page(rng: random.Random, text: str) -> str:
    number = rng.randint(1, 9999)
    return (
        f'<div class="post post-{number}" style="margin:0 auto"><a href="https://example.org/p?id={number}&amp;ref=rss">'
        f"<h2>{text[:30]}</h2></a><p>{text}</p><br/>&nbsp;<span>&copy; 2024</span></div>"
    )


def _accents(num_rows: int) -> Rows:
    """Write accents composed for training and decomposed for testing: the same letters, other code points."""
    rows = TopicTexts(
        tuple(_FRENCH_LABELS), own=tuple(_FRENCH_LABELS.values()), vocabulary=_FRENCH, length=(10, 20), signal=0.2
    ).make(num_rows)
    starts = {int(num_rows * 0.7): "validation", int(num_rows * 0.8): "test"}
    examples, split = [], "train"
    for number, example in enumerate(rows.examples):
        split = starts.get(number, split)
        text = unicodedata.normalize("NFD" if split == "test" else "NFC", example.text)
        examples.append(Example(text, example.labels, split))
    return Rows(examples, rows.ceiling)


def _tags(num_rows: int) -> Rows:
    """Let tags hold independently of each other; a fifth of the rows has none, some show no word of their tag."""
    rng = random.Random(0)
    names = [f"tag-{number:02}" for number in range(1, _TAGS + 1)]
    own = [english_words()[100 + 8 * number : 108 + 8 * number] for number in range(_TAGS)]
    rest = english_words()[100 + 8 * _TAGS : 2000]
    examples = []
    for _ in range(num_rows):
        holds = [rng.random() < _TAG_SHARE for _ in names]
        words = rng.choices(rest, k=20)
        for position, _ in product([at for at, held in enumerate(holds) if held], range(_TAG_WORDS)):
            if rng.random() < _TAG_SEEN:
                words.insert(rng.randrange(len(words)), rng.choice(own[position]))
        labels = tuple(name for name, held in zip(names, holds, strict=True) if held)
        examples.append(Example(" ".join(words), labels))
    unseen = _TAG_SHARE * (1 - _TAG_SEEN) ** _TAG_WORDS  # a tag that holds and left no word is missed
    return Rows(examples, ceiling=(1 - unseen) ** _TAGS)


CONSTRUCTED: Final = (
    BatterySource(
        "fifty",
        "50 rows",
        "English",
        50,
        TopicTexts(("first", "second"), length=(10, 30), signal=0.3).make,
        num_test=2_000,
    ),
    BatterySource(
        "order",
        "single words tell nothing, their order does: 'not good'",
        "English",
        3_000,
        _texts(_order, ("negative", "positive")),
        num_test=2_000,
    ),
    BatterySource(
        "one-percent",
        "99 rows of one label for each of the other",
        "English",
        6_000,
        TopicTexts(("ordinary", "fraud"), (0.99, 0.01), length=(15, 40), signal=0.08, confusion=0.005).make,
        layout="jsonl",
        num_test=6_000,
    ),
    BatterySource(
        "tickets-40",
        "40 labels, the rarest in 1 of 300 rows",
        "English",
        4_000,
        TopicTexts(
            tuple(f"queue-{number:02}" for number in range(1, 41)),
            tuple(1 / (number + 3) / sum(1 / (other + 3) for other in range(40)) for number in range(40)),
            num_own=8,
            length=(10, 60),
            signal=0.08,
            confusion=0.04,
        ).make,
        num_test=2_000,
    ),
    BatterySource(
        "thousand-labels",
        "1,000 labels with 20 rows each",
        "English",
        20_000,
        TopicTexts(tuple(f"item-{number:04}" for number in range(1000)), num_own=3, length=(8, 14), signal=0.3).make,
        layout="parquet",
    ),
    BatterySource(
        "three-words",
        "3 words a text",
        "English",
        3_000,
        TopicTexts(("a", "b", "c", "d"), num_own=40, length=(3, 3), signal=0.5, confusion=0.15).make,
        is_held=True,
        num_test=2_000,
    ),
    BatterySource(
        "long-end",
        "3,000 words a text, of which only the last 50 tell",
        "English",
        600,
        TopicTexts(("approve", "reject"), num_own=20, length=(2_900, 3_100), signal=0.2, tail=50).make,
        layout="jsonl",
        num_test=400,
    ),
    BatterySource(
        "long-spread",
        "3,000 words a text, of which a few anywhere tell",
        "English",
        600,
        TopicTexts(("law", "trade", "health"), num_own=20, length=(2_900, 3_100), signal=0.004, confusion=0.002).make,
        layout="jsonl",
        is_held=True,
        num_test=400,
    ),
    BatterySource(
        "noisy",
        "a fifth of the labels is wrong, in training and in testing",
        "English",
        3_000,
        TopicTexts(("no", "yes"), num_own=30, length=(20, 40), signal=0.2, flipped=0.2).make,
        num_test=2_000,
    ),
    BatterySource(
        "tags",
        "several of 12 labels, or none",
        "English",
        3_000,
        _tags,
        layout="jsonl",
        is_multi_label=True,
        num_test=2_000,
    ),
    BatterySource(
        "casing",
        "a capital letter carries the label",
        "English",
        2_000,
        _texts(_casing, ("company", "thing")),
        num_test=2_000,
    ),
    BatterySource(
        "emoji",
        "an emoji carries the label",
        "English",
        1_500,
        _texts(_emoji, ("angry", "happy", "sad")),
        is_held=True,
        num_test=2_000,
    ),
    BatterySource("html", "the same mark-up around every text", "English", 2_000, _html, num_test=2_000),
    BatterySource(
        "log-lines",
        "the first digit of a number carries the label",
        "none",
        2_000,
        _texts(_log_line, tuple(_STATUS)),
        is_held=True,
        num_test=2_000,
    ),
    BatterySource("accents", "composed letters in training, decomposed in testing", "French", 1_500, _accents),
    BatterySource(
        "japanese",
        "no spaces between words",
        "Japanese",
        1_000,
        TopicTexts(
            tuple(_JAPANESE_LABELS),
            own=tuple(_JAPANESE_LABELS.values()),
            vocabulary=_JAPANESE,
            length=(8, 20),
            signal=0.15,
            joint="",
        ).make,
        is_held=True,
        num_test=2_000,
    ),
    BatterySource(
        "million",
        "1,000,000 rows of 20 words",
        "English",
        1_000_000,
        TopicTexts(("north", "east", "south", "west"), num_own=50, signal=0.1, confusion=0.1).make,
        layout="parquet",
    ),
)
"""From few rows to many, in no other order that means something."""
