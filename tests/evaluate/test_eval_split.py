"""The rows that are measured are the ones that were held out, or the selection says what they are."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from textwright.core.artifact import Manifest, Variant
from textwright.core.labels import Labels, Task
from textwright.data.dataset import Dataset
from textwright.data.load import load_dataset
from textwright.data.settings import DataSettings
from textwright.data.text_hashes import read_text_hashes, write_text_hashes
from textwright.errors import DataError, NotFoundError, SettingsError
from textwright.evaluate.eval_split import select

NO_FLAGS = DataSettings()
WORDS = np.random.default_rng(5).choice([f"word{index}" for index in range(4_000)], (60, 12))
ROWS = [(" ".join(words), ("bad", "good")[index % 2]) for index, words in enumerate(WORDS.tolist())]


def write(path: Path, rows: list[tuple[str, ...]], *columns: str) -> str:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns or ("text", "label"), *rows])
    return str(path)


def manifest_of(source: str, settings: DataSettings) -> tuple[Manifest, Dataset]:
    """Describe a model trained on a source, as the pipeline does."""
    dataset = load_dataset(source, settings)
    data = {"source": source, "fingerprint": dataset.fingerprint, "settings": settings.model_dump(mode="json")}
    return Manifest("m", "bow", dataset.labels, 16, {"fp32": Variant("model.onnx")}, data=data), dataset


@pytest.mark.parametrize("split", ["auto", "train", "validation", "test"])
def test_the_training_data_is_cut_as_at_training(tmp_path: Path, split: str) -> None:
    source = write(tmp_path / "reviews.csv", ROWS)
    manifest, dataset = manifest_of(source, DataSettings(split_seed=3, test_fraction=0.2))
    selection = select(source, NO_FLAGS, manifest, split)
    expected = dataset.splits["test" if split == "auto" else split]
    assert list(selection.examples.texts) == list(expected.texts)
    assert selection.examples.targets.tolist() == expected.targets.tolist()
    assert ("flatter" in selection.description) == (split in {"train", "validation"})
    assert f"{len(expected)} rows" in selection.description


def test_the_training_data_is_known_by_its_content_not_its_name(tmp_path: Path) -> None:
    rows = [(*row, ("train", "train", "val", "test")[index // 2 % 4]) for index, row in enumerate(ROWS)]
    source = write(tmp_path / "reviews.csv", rows, "body", "stars", "fold")
    columns = {"text_column": "body", "label_column": "stars"}
    manifest, dataset = manifest_of(source, DataSettings(split_column="fold", **columns))
    copied = write(tmp_path / "copy.csv", rows, "body", "stars", "fold")
    selection = select(copied, DataSettings(**columns), manifest)
    assert selection.split == "test"
    assert list(selection.examples.texts) == list(dataset.test.texts)


def test_a_flag_that_would_leak_is_refused(tmp_path: Path) -> None:
    source = write(tmp_path / "reviews.csv", ROWS)
    manifest, _ = manifest_of(source, DataSettings(split_seed=3))
    with pytest.raises(SettingsError, match=r"split_seed 3, and 4 would measure rows .* leave --split-seed out"):
        select(source, DataSettings(split_seed=4), manifest)
    assert select(source, DataSettings(split_seed=3), manifest).split == "test"


def test_all_rows_of_the_training_data_are_said_to_flatter(tmp_path: Path) -> None:
    source = write(tmp_path / "reviews.csv", ROWS)
    manifest, _ = manifest_of(source, NO_FLAGS)
    selection = select(source, NO_FLAGS, manifest, "all")
    assert len(selection.examples) == len(ROWS)
    assert "flatter" in selection.description


def test_another_source_is_measured_whole(tmp_path: Path) -> None:
    manifest, _ = manifest_of(write(tmp_path / "reviews.csv", ROWS), NO_FLAGS)
    selection = select(write(tmp_path / "new.csv", [("fine", "good")]), NO_FLAGS, manifest)
    assert (selection.split, list(selection.examples.texts)) == ("all", ["fine"])
    assert selection.examples.targets.tolist() == [manifest.labels.index["good"]]
    assert "whether training has seen any of these texts is not known" in selection.description
    assert selection.num_trained is None


def test_rows_of_the_training_are_known_in_another_file(tmp_path: Path) -> None:
    manifest, dataset = manifest_of(write(tmp_path / "reviews.csv", ROWS), NO_FLAGS)
    seen = read_text_hashes(tmp_path, write_text_hashes(dataset, tmp_path))
    trained = [(text.upper(), "good") for text in dataset.train.texts[:7]]
    rows = [*trained, (dataset.validation.texts[0], "bad"), (dataset.test.texts[0], "bad"), ("of its own", "bad")]
    source = write(tmp_path / "new.csv", rows)

    selection = select(source, NO_FLAGS, manifest, seen=seen)
    assert (selection.num_trained, selection.num_validated, len(selection.examples)) == (7, 1, 10)
    assert "the model was trained on 7 of these texts and training chose its best epoch on 1 of them, so the" in (
        selection.description
    )

    fresh = select(source, NO_FLAGS, manifest, seen=seen, exclude_seen=True)
    assert list(fresh.examples.texts) == [dataset.test.texts[0], "of its own"]
    assert (fresh.num_trained, fresh.num_excluded) == (0, 8)
    assert fresh.description.endswith("8 seen ones left out; none of these texts was seen in training")


def test_seen_texts_that_cannot_be_left_out_are_said(tmp_path: Path) -> None:
    manifest, dataset = manifest_of(write(tmp_path / "reviews.csv", ROWS), NO_FLAGS)
    seen = read_text_hashes(tmp_path, write_text_hashes(dataset, tmp_path))
    source = write(tmp_path / "new.csv", [(dataset.train.texts[0], "good")])
    with pytest.raises(DataError, match="all 1 texts were seen in training"):
        select(source, NO_FLAGS, manifest, seen=seen, exclude_seen=True)
    with pytest.raises(SettingsError, match="--exclude-seen needs to know the training texts"):
        select(source, NO_FLAGS, manifest, exclude_seen=True)


def test_a_held_out_row_that_is_in_training_too_is_counted(tmp_path: Path) -> None:
    texts = {"same text": "train", "more": "train", "a b": "val", "Same  text": "test"}
    rows = [(text, ("bad", "good")["ame" in text], split) for text, split in texts.items()]
    source = write(tmp_path / "reviews.csv", rows, "text", "label", "split")
    manifest, dataset = manifest_of(source, NO_FLAGS)
    seen = read_text_hashes(tmp_path, write_text_hashes(dataset, tmp_path))
    selection = select(source, NO_FLAGS, manifest, seen=seen)
    assert (selection.split, selection.num_trained) == ("test", 1)
    assert "the model was trained on 1 of these texts" in selection.description


def test_another_source_gives_its_own_test_split(tmp_path: Path) -> None:
    manifest, _ = manifest_of(write(tmp_path / "reviews.csv", ROWS), NO_FLAGS)
    source = write(tmp_path / "new.csv", [("a b", "good", "train"), ("c d", "good", "test")], "text", "label", "split")
    assert list(select(source, NO_FLAGS, manifest).examples.texts) == ["c d"]
    assert list(select(source, NO_FLAGS, manifest, "train").examples.texts) == ["a b"]
    assert len(select(source, NO_FLAGS, manifest, "all").examples) == 2
    with pytest.raises(SettingsError, match="no validation split"):
        select(source, NO_FLAGS, manifest, "validation")


def test_a_split_that_is_not_there_is_refused(tmp_path: Path) -> None:
    manifest, _ = manifest_of(write(tmp_path / "reviews.csv", ROWS), NO_FLAGS)
    source = write(tmp_path / "new.csv", ROWS[:10])
    for split in ("train", "validation", "test"):
        with pytest.raises(SettingsError, match=f"no {split} split.*--split all"):
            select(source, NO_FLAGS, manifest, split)


def test_labels_are_matched_by_name_not_by_position(tmp_path: Path) -> None:
    manifest, _ = manifest_of(write(tmp_path / "reviews.csv", ROWS), NO_FLAGS)
    turned = replace(manifest, labels=Labels(("good", "bad")))
    selection = select(write(tmp_path / "new.csv", [("a", "bad"), ("b", "good")]), NO_FLAGS, turned)
    assert selection.examples.targets.tolist() == [1, 0]


def test_an_unknown_label_is_refused_with_its_line(tmp_path: Path) -> None:
    manifest, _ = manifest_of(write(tmp_path / "reviews.csv", ROWS), NO_FLAGS)
    source = write(tmp_path / "new.csv", [("a", "good"), ("b", "so-so")])
    with pytest.raises(DataError, match=r"new\.csv.*line 3.*'so-so'"):
        select(source, NO_FLAGS, manifest)


def test_the_label_separator_of_training_holds_for_other_sources(tmp_path: Path) -> None:
    rows = [(text, ("a|b", "b", "a")[index % 3]) for index, (text, _) in enumerate(ROWS)]
    manifest, _ = manifest_of(write(tmp_path / "reviews.csv", rows), DataSettings(label_separator="|"))
    assert manifest.labels.task is Task.MULTI_LABEL
    selection = select(write(tmp_path / "new.csv", [("x", "b|a"), ("y", "")]), NO_FLAGS, manifest)
    assert selection.examples.targets.tolist() == [[True, True], [False, False]]


def test_one_column_per_label_is_read_as_at_training(tmp_path: Path) -> None:
    rows = [(text, str(index % 2), str(index % 3 // 2), "1") for index, (text, _) in enumerate(ROWS)]
    source = write(tmp_path / "reviews.csv", rows, "text", "x", "y", "closed")
    manifest, dataset = manifest_of(source, DataSettings(label_columns="*,-closed"))
    assert list(select(source, NO_FLAGS, manifest).examples.texts) == list(dataset.test.texts)

    columns = write(tmp_path / "new.csv", [("a", "1", "0", "0"), ("b", "", "1", "1")], "text", "y", "closed", "x")
    names = write(tmp_path / "names.csv", [("a", "['y']"), ("b", "['x']")], "text", "tags")

    expected = [[False, True], [True, False]]
    assert select(columns, NO_FLAGS, manifest).examples.targets.tolist() == expected
    assert select(names, DataSettings(label_column="tags"), manifest).examples.targets.tolist() == expected


def test_label_names_of_training_hold_for_other_sources(tmp_path: Path) -> None:
    rows = [(text, str(index % 2)) for index, (text, _) in enumerate(ROWS)]
    manifest, _ = manifest_of(write(tmp_path / "reviews.csv", rows), DataSettings(label_names="bad,good"))
    selection = select(write(tmp_path / "new.csv", [("x", "1"), ("y", "bad")]), NO_FLAGS, manifest)
    assert selection.examples.targets.tolist() == [1, 0]


def test_no_source_is_said(tmp_path: Path) -> None:
    manifest, _ = manifest_of(write(tmp_path / "reviews.csv", ROWS), NO_FLAGS)
    with pytest.raises(NotFoundError):
        select(str(tmp_path / "nothing.csv"), NO_FLAGS, manifest)


def test_a_model_without_data_settings_measures_all_rows(tmp_path: Path) -> None:
    source = write(tmp_path / "reviews.csv", ROWS)
    manifest, _ = manifest_of(source, NO_FLAGS)
    assert select(source, NO_FLAGS, replace(manifest, data={})).split == "all"
