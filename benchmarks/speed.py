"""How fast is `bow` from text, beside fastText, and how fast does a process come to its first prediction?

Run with nothing else running: ``make bench-speed``. Both models are trained here on the training split of
`movie-reviews`; both predict all of its sentences in one process on one thread; rounds alternate.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from random import Random
from time import perf_counter

os.environ.update(ORT_DISABLE_TELEMETRY="1", TOKENIZERS_PARALLELISM="false", OMP_NUM_THREADS="1")

import fasttext

import textwright
from _common import save, side_by_side, spread, versions
from textwright.data.dataset import Dataset
from textwright.data.load import load_dataset
from textwright.data.settings import DataSettings

ROUNDS = 15
FLOOR = "import numpy, onnxruntime, tokenizers"
FIRST = "import sys, textwright; print(textwright.load(sys.argv[1]).predict(['A touching film.'])[0].label)"


def train_bow(folder: Path, *settings: str) -> Path:
    """Train `bow` through the command line, as a user would."""
    command = [sys.executable, "-m", "textwright", "train", "movie-reviews", "--out", str(folder), "--quiet", *settings]
    subprocess.run(command, check=True)
    return folder


def train_fasttext(dataset: Dataset, **settings: float) -> tuple[fasttext.FastText._FastText, float]:
    """Train fastText on the same sentences, lower-cased and cut at spaces by itself, on one thread.

    Args:
        dataset: Its training split is learned.
        settings: Those that are not fastText's defaults.

    Returns:
        The model, and the seconds that training took.
    """
    examples = zip(dataset.train.texts, dataset.train.targets.tolist(), strict=True)
    lines = [f"__label__{dataset.labels.names[target]} {text.lower()}\n" for text, target in examples]
    Random(0).shuffle(lines)  # noqa: S311  an order, no secret: fastText learns from the lines as they come
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.writelines(lines)
        file.flush()
        for _ in range(20):
            start = perf_counter()
            try:
                model = fasttext.train_supervised(file.name, thread=1, verbose=0, **settings)
            except RuntimeError as error:  # this build meets a NaN in about every third training
                print(f"fastText: {error}; trying again")
            else:
                return model, perf_counter() - start
        raise RuntimeError("fastText met a NaN in 20 trainings")


def throughput(folder: Path, dataset: Dataset, *, word_ngrams: int) -> dict[str, object]:
    """Time both predictors over the same sentences, in turn."""
    texts = [text for split in dataset.splits.values() for text in split.texts]
    lines = [text.lower() for text in texts]  # fastText is given its preprocessing for free
    predictor = textwright.load(folder, num_threads=1)
    model, _ = train_fasttext(dataset, wordNgrams=word_ngrams)
    seconds = side_by_side(
        {"textwright": lambda: predictor.predict(texts), "fasttext": lambda: model.predict(lines)}, rounds=ROUNDS
    )
    rates = {name: spread([len(texts) / second for second in rounds]) for name, rounds in seconds.items()}
    ratios = [theirs / ours for ours, theirs in zip(seconds["textwright"], seconds["fasttext"], strict=True)]
    return {"num_texts": len(texts), "texts_per_second": rates, "ratio": spread(ratios)}


def start_up(folder: Path) -> dict[str, object]:
    """Time whole processes: to the first prediction, and the floor of importing what it needs."""
    seconds: dict[str, list[float]] = {"first_prediction": [], "imports_alone": []}
    for _ in range(ROUNDS):
        for name, code in (("first_prediction", FIRST), ("imports_alone", FLOOR)):
            start = perf_counter()
            subprocess.run([sys.executable, "-c", code, str(folder)], check=True, stdout=subprocess.DEVNULL)
            seconds[name].append(perf_counter() - start)
    ratios = [ours / floor for ours, floor in zip(*seconds.values(), strict=True)]
    return {"seconds": {name: spread(values) for name, values in seconds.items()}, "ratio": spread(ratios)}


def main() -> None:
    """Measure, print and save."""
    dataset = load_dataset("movie-reviews", DataSettings())
    with tempfile.TemporaryDirectory() as temporary:
        unigram = train_bow(Path(temporary) / "bow")
        bigram = train_bow(Path(temporary) / "bigram", "--config", "bow-bigram")
        content = {
            "command": "make bench-speed",
            "what": "texts per second from raw text to labeled predictions, one process, one thread, all sentences "
            "of movie-reviews in one call; fastText with its defaults, on lower-cased lines",
            "versions": versions("fasttext-numpy2", "numpy", "onnxruntime", "tokenizers"),
            "bow": throughput(unigram, dataset, word_ngrams=1),
            "bow_bigram": throughput(bigram, dataset, word_ngrams=2),
            "start_up": start_up(unigram),
        }
    save("speed", content)


if __name__ == "__main__":
    main()
