"""How a comparison was measured, in sentences that stand beside its numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from textwright.data.dataset import Dataset
from textwright.data.settings import DataSettings


def describe_protocol(dataset: Dataset, settings: DataSettings, num_seeds: int, sizes: Sequence[int]) -> str:
    """Say what was trained on, chosen with, measured on, and how often.

    Args:
        dataset: The whole source, cut; with folds, for the first of them.
        settings: How it was cut.
        num_seeds: Seeds of each row.
        sizes: Sizes of the learning curve below all examples.
    """
    return " ".join([*_split(dataset, settings), *_choosing(num_seeds), *_curve(sizes)])


def _split(dataset: Dataset, settings: DataSettings) -> Iterator[str]:
    train, validation, test = (f"{len(examples):,}" for examples in dataset.splits.values())
    if dataset.splits_are_given:
        yield f"The splits that the source brings, of {train} / {validation} / {test} texts"
        yield "(train / validation / test; what it lacks is drawn)."
    elif settings.num_folds is None:
        yield f"One stratified split of {train} / {validation} / {test} texts (train / validation / test), drawn with"
        yield f"seed {settings.split_seed}; near duplicates stay together; all rows share it."
    else:
        yield f"{settings.num_folds} stratified folds drawn with seed {settings.split_seed}, so that each of the"
        yield f"{sum(map(len, dataset.splits.values())):,} texts is tested once by a model that never saw it; near"
        yield "duplicates stay together; all rows share the folds; validation is drawn from the other folds."


def _choosing(num_seeds: int) -> Iterator[str]:
    seeds = "training seed 0" if num_seeds == 1 else f"training seeds 0 to {num_seeds - 1}"
    yield f"Each family is trained with {seeds}; validation chooses the epoch and the temperature,"
    yield "cross-validation on the training texts the settings of tf-idf,"
    yield "and test texts are read once per run, by the shipped artifact."


def _curve(sizes: Sequence[int]) -> Iterator[str]:
    if sizes:
        listed = ", ".join(f"{size:,}" for size in sizes)
        yield f"Learning curve: {listed} training texts, nested and stratified, drawn anew for each seed and alike for"
        yield "every row; validation shrinks in proportion, the test texts stay."
