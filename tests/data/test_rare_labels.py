"""Labels with too few texts are all named at once, and dropped when the user says so."""

from pathlib import Path

import numpy as np
import pytest

from textwright.core.labels import Labels
from textwright.data.load import load_dataset, read_source
from textwright.data.settings import DataSettings
from textwright.errors import DataError


def texts(num: int, seed: int = 0) -> list[str]:
    words = np.random.default_rng(seed).integers(5_000, size=(num, 10))
    return [" ".join(f"w{word}" for word in row) for row in words.tolist()]


def write(path: Path, labels: list[str]) -> str:
    rows = zip(texts(len(labels)), labels, strict=True)
    path.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows))
    return str(path)


def test_all_rare_labels_are_named(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", ["a", "b"] * 10 + [f"rare{n}" for n in range(40)])

    with pytest.raises(DataError) as caught:
        load_dataset(source)

    message = str(caught.value)
    assert "40 of 42 labels have too few distinct texts: 'rare0' (1), 'rare1' (1)" in message
    assert "and 10 more; each needs at least 3" in message
    assert "--min-examples-per-label 3" in message


def test_rare_labels_are_dropped_with_their_rows(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", ["a", "rare", "b"] + ["a", "b"] * 10 + ["rare"])
    settings = DataSettings(min_examples_per_label=3)

    dataset = load_dataset(source, settings)
    collected = read_source(source, settings)

    assert dataset.labels.names == ("a", "b")
    assert sum(map(len, dataset.splits.values())) == 22
    assert "1 labels with too few distinct texts were dropped with their 2 rows" in dataset.warnings[0]
    assert "'rare' (2)" in dataset.warnings[0]
    assert collected.at(1).endswith("line 4")
    names = list(collected.names)
    assert [names[number] for number in collected.label_ids[:3]] == ["a", "b", "a"]


def test_a_rare_label_of_several_leaves_its_row(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", ["a|b", "rare|a", "b", "rare", "a", "b"])
    settings = DataSettings(label_separator="|", min_examples_per_label=3)

    collected = read_source(source, settings)

    assert (collected.num_dropped, collected.dropped_labels) == (2, {"rare": 2})
    targets = collected.targets(collected.labels())
    assert targets.tolist() == [[1, 1], [1, 0], [0, 1], [0, 0], [1, 0], [0, 1]]


def test_rare_labels_are_dropped_also_when_a_model_knows_the_others(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", ["b", "a", "rare"] + ["b", "a"] * 5)
    settings, labels = DataSettings(min_examples_per_label=3), Labels(("a", "b"))

    assert read_source(source, settings, labels=labels).targets(labels).tolist() == [1, 0] * 6
    with pytest.raises(DataError, match=r"a.csv, line 2: label 'b' is unknown to the model"):
        read_source(source, settings, labels=Labels(("a", "c")))


def test_near_duplicates_count_once(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = [(text, "ab"[n % 2]) for n, text in enumerate(texts(20))] + [("the very same words", "rare")] * 9
    path.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows))

    assert read_source(str(path), DataSettings(min_examples_per_label=2)).dropped_labels == {"rare": 1}


def test_nothing_is_left(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", ["a", "b"])

    with pytest.raises(DataError, match="no row can be used; 2 labels with too few distinct texts were dropped"):
        load_dataset(source, DataSettings(min_examples_per_label=3))
