"""A served model meets other texts: is it noticed, relabeled, retrained, promoted and shifted to, by the real commands?

Run: ``python benchmarks/after_the_first_day.py``; a test runs it too. Protocol: a model of the default family learns
movie sentences and is served. First its own held-out sentences come, then sentences of Amazon reviews (asset ``vader``,
whose ratings stand for the person who labels). The recorded texts are compared with the model's reference profile, the
300 that the model is least sure of are labeled on the review page, and models with the default settings and with
lower-cased words learn old and new rows. 1,200 further Amazon sentences, put aside, decide about the promotion of each;
then the model that was promoted answers a third of the requests.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

os.environ.update(ORT_DISABLE_TELEMETRY="1", TOKENIZERS_PARALLELISM="false", OMP_NUM_THREADS="1")

import httpx
import numpy as np

from _common import save, versions
from textwright import Client
from textwright.data.assets import asset_path
from textwright.data.load import load_dataset
from textwright.data.settings import DataSettings

NUM_REQUESTS: Final = 1_000
NUM_LABELED: Final = 300
NUM_FROZEN: Final = 1_200
TEXTS_PER_REQUEST: Final = 20
ALARM, NOT_PROMOTED = 12, 13


def main() -> None:
    """Go once around and write down what was seen."""
    with tempfile.TemporaryDirectory() as folder:
        content = go_round(Path(folder))
    save(
        "after_the_first_day",
        {
            "protocol": " ".join((__doc__ or "").split("Protocol: ")[1].split()),
            "versions": versions("textwright", "scipy", "scikit-learn"),
            **content,
        },
    )


def go_round(folder: Path, *, max_latency_ratio: float = 2.0) -> dict[str, Any]:
    """Go from one model to the next.

    Args:
        folder: Takes runs, records and files.
        max_latency_ratio: Of ``promote``; a test allows anything, since other tests run beside it.

    Returns:
        What each command said, in numbers.
    """
    amazon = amazon_sentences()
    traffic, frozen = amazon[:NUM_REQUESTS], amazon[NUM_REQUESTS : NUM_REQUESTS + NUM_FROZEN]
    movies, frozen_file = folder / "movies.csv", write_rows(folder / "frozen.csv", frozen)
    held_out = write_movies(movies)
    old, new, labels = folder / "old", folder / "new", folder / "labels.csv"
    textwright("train", movies, "--out", old)
    quiet = monitored(folder / "quiet", old, held_out[:NUM_REQUESTS])
    alarm = monitored(folder / "loud", old, [text for text, _ in traffic])
    label_on_page(folder / "loud" / "records", old, labels, dict(traffic))
    rows = joined(folder / "joined.csv", movies, labels)
    textwright("train", rows, "--out", folder / "cased")
    textwright("train", rows, "--out", new, "--model.casing", "uncased")
    names = ("old", "cased", "new")
    return {
        "accuracy_on_movies": {name: accuracy(folder / name, movies, "--split", "test") for name in names},
        "accuracy_on_frozen": {name: accuracy(folder / name, frozen_file) for name in names},
        "num_labeled": sum(1 for _ in read_rows(labels)),
        "same_texts": quiet,
        "other_texts": alarm,
        "promotion": {name: promoted(folder / name, old, frozen_file, max_latency_ratio) for name in names[1:]},
        "shift": shifted(old, new, [text for text, _ in frozen]),
    }


def amazon_sentences() -> list[tuple[str, str]]:
    """Read distinct sentences of Amazon reviews, shuffled, with the label that their mean rating stands for."""
    path = asset_path("vader") / "amazonReviewSnippets_GroundTruth.txt"
    rows = [line.split("\t", 2) for line in path.read_text(encoding="latin-1").splitlines() if line.count("\t") >= 2]
    labels = {row[2].strip(): "positive" if float(row[1]) > 0 else "negative" for row in rows}
    order = np.random.default_rng(0).permutation(len(labels)).tolist()
    items = list(labels.items())
    return [items[position] for position in order]


def write_movies(path: Path) -> list[str]:
    """Write the movie sentences with their splits; return the texts of the test split."""
    dataset = load_dataset("movie-reviews", DataSettings())
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "label", "split"])
        for split, examples in dataset.splits.items():
            names = [dataset.labels.names[target] for target in examples.targets.tolist()]
            rows.writerows(zip(examples.texts, names, [split] * len(names), strict=True))
    return list(dataset.test.texts)


def write_rows(path: Path, rows: Sequence[tuple[str, str]]) -> Path:
    """Write labeled texts."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *rows])
    return path


def read_rows(path: Path) -> Iterator[dict[str, str]]:
    """Read the rows of a file."""
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def joined(path: Path, movies: Path, labels: Path) -> Path:
    """Put the new labels to the old rows; every tenth is for validation."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "label", "split"])
        rows.writerows(row.values() for row in read_rows(movies))
        for number, row in enumerate(read_rows(labels)):
            rows.writerow([row["text"], row["label"], "train" if number % 10 else "validation"])
    return path


def textwright(*words: object, allowed: Sequence[int] = (0,)) -> dict[str, Any]:
    """Run a command; return its JSON with the exit code."""
    command = [sys.executable, "-m", "textwright", *map(str, words), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in allowed:
        raise SystemExit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr}")
    content, _ = json.JSONDecoder().raw_decode(done.stdout.lstrip())
    return {**content, "exit_code": done.returncode}


@contextmanager
def running(*words: object) -> Iterator[str]:
    """Start a command that serves; yield its address, and stop it as Ctrl-C does."""
    command = [sys.executable, "-m", "textwright", *map(str, words), "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            shown = ""
            while not shown.endswith("}\n") and process.stdout is not None and (line := process.stdout.readline()):
                shown += line
            yield str(json.loads(shown)["url"])
        finally:
            process.terminate()


def ask(url: str, texts: Sequence[str]) -> list[str]:
    """Ask for predictions, some texts at a time; return which model gave each answer."""
    answered = []
    with Client(url, batch_size=TEXTS_PER_REQUEST) as client, httpx.Client(base_url=url) as plain:
        client.predict(texts[:TEXTS_PER_REQUEST])
        for start in range(TEXTS_PER_REQUEST, len(texts), TEXTS_PER_REQUEST):
            answer = plain.post("/v1/predict", json={"texts": list(texts[start : start + TEXTS_PER_REQUEST])})
            answered.append(str(answer.raise_for_status().json()["model"]["name"]))
    return answered


def promoted(candidate: Path, champion: Path, frozen: Path, max_latency_ratio: float) -> dict[str, Any]:
    """Ask whether a candidate may take the champion's place."""
    words = ("promote", candidate, "--against", champion, "--data", frozen, "--margin", 2)
    said = textwright(*words, "--max-latency-ratio", max_latency_ratio, allowed=(0, NOT_PROMOTED))
    return {name: said[name] for name in ("exit_code", "is_promoted", "verdict", "reasons")}


def monitored(folder: Path, model: Path, texts: Sequence[str]) -> dict[str, Any]:
    """Serve texts with records of them, and compare the records with the model's profile."""
    with running("serve", model, "--record", folder / "records", "--record-texts") as url:
        ask(url, texts)
    said = textwright("monitor", model, folder / "records", "--out", folder / "page", allowed=(0, ALARM))
    shown = ("tests", "expected_accuracy", "accuracy_after_label_shift")
    return {
        "num_texts": said["num_texts"],
        "is_alarm": said["exit_code"] == ALARM,
        **{name: said[name] for name in shown},
    }


def label_on_page(records: Path, model: Path, out: Path, truth: dict[str, str]) -> None:
    """Decide on the review page as a person would, by what is known of each text."""
    with running("review", records, "--artifact", model, "--out", out, "--num-texts", NUM_LABELED) as address:
        url, _, token = address.partition("#")
        with httpx.Client(base_url=url, headers={"x-review-token": token}, timeout=60) as page:
            state = page.get("api/state").raise_for_status().json()
            while (item := state["item"]) is not None:
                decision = {"index": item["index"], "labels": [truth[item["text"]]]}
                state = page.post("api/decide", json=decision).raise_for_status().json()


def accuracy(model: Path, source: Path, *flags: str) -> dict[str, float]:
    """Measure a model."""
    said = textwright("evaluate", model, source, *flags)
    return {name: float(value) for name, value in said["metrics"]["accuracy"].items()}


def shifted(old: Path, new: Path, texts: Sequence[str]) -> dict[str, Any]:
    """Let the new model answer a third of the requests, and count who answered."""
    split = ("--split", "old=67,new=33")
    with running("serve", f"old={old}", f"new={new}", *split) as url:
        answered = ask(url, texts)
    return {"num_requests": len(answered), "by_new": answered.count("new")}


if __name__ == "__main__":
    main()
