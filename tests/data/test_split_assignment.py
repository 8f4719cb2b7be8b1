"""Folds test every example once; subsets grow inside each other and never touch the test split."""

from pathlib import Path

import numpy as np
import pytest

from textwright.config import Settings
from textwright.data.load import cut, load_dataset, read_source
from textwright.data.settings import DataSettings
from textwright.errors import DataError, SettingsError


def write(path: Path, num: int = 120, header: str = "text,label", tail: str = "") -> str:
    words = np.random.default_rng(0).integers(3_000, size=(num, 12))
    lines = [f"{' '.join(f'w{word}' for word in row)},{('neg', 'pos')[n % 2]}{tail}" for n, row in enumerate(words)]
    path.write_text("\n".join([header, *lines, ""]))
    return str(path)


def test_folds_test_every_example_once(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv")
    tested = [load_dataset(source, DataSettings(num_folds=4, fold=fold)).test.texts for fold in range(4)]
    everything = [text for texts in tested for text in texts]
    assert len(everything) == len(set(everything)) == 120
    assert {len(texts) for texts in tested} == {30}


def test_a_fold_is_never_trained_or_validated_on(tmp_path: Path) -> None:
    dataset = load_dataset(write(tmp_path / "a.csv"), DataSettings(num_folds=4, fold=2))
    train, validation, test = (set(split.texts) for split in dataset.splits.values())
    assert not train & test
    assert not validation & (train | test)
    assert len(train | validation | test) == 120


def test_subsets_are_nested_and_leave_the_test_split_alone(tmp_path: Path) -> None:
    collected = read_source(write(tmp_path / "a.csv"), DataSettings())
    whole, large, small = (cut(collected, DataSettings(subset_size=size)) for size in (None, 48, 12))
    assert [len(dataset.train) for dataset in (whole, large, small)] == [96, 48, 12]
    assert [len(dataset.validation) for dataset in (whole, large, small)] == [12, 6, 2]
    assert set(small.train.texts) < set(large.train.texts) < set(whole.train.texts)
    assert set(small.validation.texts) < set(large.validation.texts) < set(whole.validation.texts)
    assert whole.test.texts == large.test.texts == small.test.texts
    assert whole.fingerprint == small.fingerprint
    other = cut(collected, DataSettings(subset_size=12, subset_seed=1))
    assert set(other.train.texts) != set(small.train.texts)


@pytest.mark.parametrize("size", [1, 97])
def test_a_subset_of_impossible_size_names_the_bounds(size: int, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=rf"subset_size is {size}; .* between 2 and 96"):
        load_dataset(write(tmp_path / "a.csv"), DataSettings(subset_size=size))


def test_a_source_too_small_for_its_folds_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="needs at least 10 to be in each of the 10 folds"):
        load_dataset(write(tmp_path / "a.csv", 18), DataSettings(num_folds=10))


def test_given_splits_are_not_cut_into_folds(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", header="text,label,split", tail=",train")
    with (tmp_path / "a.csv").open("a") as file:
        file.write("something else,neg,test\n")
    with pytest.raises(SettingsError, match="brings its own splits"):
        load_dataset(source, DataSettings(num_folds=3))


@pytest.mark.parametrize("values", [{"fold": 1}, {"num_folds": 3, "fold": 3}])
def test_a_fold_that_there_is_not_is_refused(values: dict[str, int]) -> None:
    kind: type[Settings] = DataSettings
    with pytest.raises(SettingsError, match="folds, counted from 0"):
        kind.parse(values, source="flags")
