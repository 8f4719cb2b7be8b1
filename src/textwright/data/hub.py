"""Read datasets of the Hugging Face hub, or saved by its library, when ``datasets`` is installed.

A single file of a dataset's repository needs ``huggingface_hub`` alone. Called by :mod:`textwright.data.sources`;
nothing else of Textwright imports ``datasets``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from textwright.core.hub import HubAddress, fetch_file
from textwright.data.tables import SAMPLE_ROWS, SPLIT_NAMES, Row, Table
from textwright.errors import DataError, NotFoundError

_HUB_ID: Final = re.compile(r"[\w.-]+/[\w.-]+(:[\w.-]+)?")
_SAVED: Final = ("dataset_dict.json", "state.json")
_UNLABELED: Final = -1
"""What the hub's benchmarks put where the label of the test split is kept secret."""


def is_hub_id(source: str) -> bool:
    """Say whether a source has the form of a hub id: "owner/name" or "owner/name:configuration"."""
    return _HUB_ID.fullmatch(source) is not None


def is_saved_dataset(folder: Path) -> bool:
    """Say whether a folder was written by ``Dataset.save_to_disk``."""
    return any((folder / name).exists() for name in _SAVED)


def open_hub(source: str) -> list[Table]:
    """Open a dataset of the hub.

    Args:
        source: "owner/name" or "owner/name:configuration"; or an address, "hf://datasets/owner/name@revision".

    Returns:
        A table for each split; splits without labels are left out.

    Raises:
        NotFoundError: If ``datasets`` is not installed, or the hub does not give the dataset.
        SettingsError: If an address has another form.
    """
    datasets = _import_datasets(source)
    address = HubAddress.parse(source, kind="dataset")
    try:
        loaded = datasets.load_dataset(
            address.repo, address.configuration or None, **({"revision": address.revision} if address.revision else {})
        )
    except Exception as error:
        raise NotFoundError(
            f"{source!r} is no file, and the Hugging Face hub does not give it: {_first_line(error)}; check the "
            "spelling and the network, or give a local file"
        ) from error
    return dataset_tables(loaded, source)


def fetch_hub_file(source: str) -> Path | None:
    """Bring the file that an address names onto this machine.

    Args:
        source: "hf://datasets/owner/name@revision/train.csv"; without a path it is a whole dataset.

    Returns:
        The file in the hub's cache; None if the address names no file.

    Raises:
        SettingsError: If the address has another form.
        NotFoundError: If there is no such repository, revision or file.
        HubError: If the hub refuses, cannot be reached or fails.
    """
    address = HubAddress.parse(source, kind="dataset")
    return fetch_file(address, address.path) if address.path else None


def open_saved(folder: Path) -> list[Table]:
    """Open a folder written by ``Dataset.save_to_disk``.

    Args:
        folder: The folder.

    Returns:
        A table for each split.

    Raises:
        NotFoundError: If ``datasets`` is not installed.
        DataError: If the library cannot read the folder.
    """
    datasets = _import_datasets(str(folder))
    try:
        loaded = datasets.load_from_disk(str(folder))
    except Exception as error:
        raise DataError(f"{folder}: not a saved dataset that can be read: {_first_line(error)}") from error
    return dataset_tables(loaded, str(folder))


def _import_datasets(source: str) -> Any:  # noqa: ANN401  a module
    if find_spec("datasets") is None:
        raise NotFoundError(
            f"there is no file or folder {source!r} that can be read as it is; to read it as a Hugging Face dataset, "
            "pip install datasets"
        )
    import datasets

    return datasets


def dataset_tables(loaded: Any, source: str) -> list[Table]:  # noqa: ANN401
    """Open a dataset of the library ``datasets`` that is loaded.

    Args:
        loaded: A ``Dataset``, or a ``DatasetDict`` of splits.
        source: What messages call it.

    Returns:
        A table for each split; splits without labels are left out.

    Raises:
        DataError: If no split has labels.
    """
    splits = dict(loaded) if hasattr(loaded, "keys") else {"": loaded}
    known = {name: SPLIT_NAMES[name] for name in splits if name in SPLIT_NAMES}
    wanted = known or dict.fromkeys(splits)  # other splits hold unlabeled rows, or the same rows again
    tables = [_table(splits[name], f"{source}[{name}]" if name else source, split) for name, split in wanted.items()]
    labeled = [table for table in tables if table is not None]
    if not labeled:
        raise DataError(f"{source}: no split has rows with labels")
    return labeled


def _table(split: Any, name: str, split_name: str | None) -> Table | None:  # noqa: ANN401
    columns = tuple(split.column_names)
    sample = list(_rows(split.select(range(min(SAMPLE_ROWS, len(split)))), columns))
    is_unlabeled = not sample or any(
        all(row.values[column] in (_UNLABELED, None) for row in sample) for column in _class_columns(split)
    )
    if is_unlabeled:
        return None
    names = _class_columns(split)
    return Table(name, columns, sample, partial(_rows, split), unit="row", split=split_name, class_names=names)


def _rows(split: Any, columns: Sequence[str]) -> Iterator[Row]:  # noqa: ANN401
    number = 0
    for batch in split.select_columns(list(columns)).iter(batch_size=1_024):
        for cells in zip(*(batch[column] for column in columns), strict=True):
            number += 1
            yield Row(number, dict(zip(columns, cells, strict=True)))


def _class_columns(split: Any) -> dict[str, list[str]]:  # noqa: ANN401
    """Map each column of class indices, or of lists of them, to the names of its classes."""
    features = {name: getattr(feature, "feature", feature) for name, feature in split.features.items()}
    return {name: list(feature.names) for name, feature in features.items() if hasattr(feature, "names")}


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
