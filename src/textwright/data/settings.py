"""How a labeled source is read and split; each setting is defined here and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import Field, field_validator, model_validator

from textwright.config import Settings


class FileSettings(Settings):
    """How to find texts in a file."""

    text_column: str | None = None
    """Column of the text; detected where only one column fits."""
    encoding: str | None = None
    """Encoding of a text file, for example cp1252; absent: UTF-8, or what its byte-order mark says.

    The word "repair" reads UTF-8, takes bytes that are not for Windows-1252 and counts those lines."""
    quotes: bool = True
    """Whether double quotes enclose cells of a CSV or TSV file; false makes them ordinary characters."""
    delimiter: str | None = None
    """Character between the cells of a CSV or TSV file, for example ";", "|", or "\\t" for a tab.

    Absent: what a first line such as sep=; says, else the first of comma, semicolon, tab and | in the column names."""
    escape_character: str | None = None
    """Character before a quote inside a quoted cell of a CSV or TSV file, for example a backslash as in "a \\"b\\" c".

    Absent: such a quote is written twice."""

    sheet: str | None = None
    """Sheet of an Excel file; absent: the only one that has rows."""

    @field_validator("delimiter", "escape_character")
    @classmethod
    def _check_character(cls, value: str | None) -> str | None:
        character = "\t" if value == r"\t" else value
        if character is not None and (len(character) != 1 or character in '"\r\n'):
            raise ValueError(f"{value!r} must be one character, neither a double quote nor a line break")
        return character


class DataSettings(FileSettings):
    """How to find texts, labels and splits in a source."""

    label_column: str | None = None
    """Column of the label; detected where only one column fits."""
    split_column: str | None = None
    """Column that names each row's split (train, validation, test); absent: the splits are drawn at random."""
    label_separator: str | None = None
    """Text between the labels of one row, for example "|"; makes the task multi-label."""
    label_columns: str | None = None
    """Columns of 0 and 1, one for each label, separated by commas: toxic,insult; makes the task multi-label.

    A pattern stands for the columns of 0 and 1 that it matches: "is_*", or "*" for all of them;
    "-" before a name or a pattern leaves it out: "*,-is_closed"."""
    label_names: str | None = None
    """Names of the labels 0, 1, 2, ..., separated by commas, for labels that are numbers or 0/1 vectors."""
    min_examples_per_label: Annotated[int, Field(ge=1)] | None = None
    """Distinct texts that a label needs; labels with fewer are dropped, and the rows that then have none.

    Rows of a multi-label source stay, without those labels."""
    drop_unlabeled: bool = False
    """Skip rows without a label, and count them; without it the first such row is an error.

    In a multi-label source, a row to which no label applies is not one without a label."""
    validation_fraction: Annotated[float, Field(gt=0, lt=0.5)] = 0.1
    """Share of the examples that is drawn for validation when the source brings no splits."""
    test_fraction: Annotated[float, Field(gt=0, lt=0.5)] = 0.1
    """Share of the examples that is drawn for test when the source brings no splits."""
    split_seed: Annotated[int, Field(ge=0)] = 0
    """Seed of the drawn splits; not the training seed, so that seeds can be compared on one split."""
    num_folds: Annotated[int, Field(ge=2)] | None = None
    """Parts that take turns at being the test split, so that every example is tested once; absent: one split."""
    fold: Annotated[int, Field(ge=0)] = 0
    """Which of the folds is the test split, from 0; validation is drawn from the others."""
    subset_size: Annotated[int, Field(ge=1)] | None = None
    """Training examples to learn from: a stratified draw in which smaller ones lie inside larger ones.

    Validation is cut in the same proportion, as if there were no more labels; the test split stays whole."""
    subset_seed: Annotated[int, Field(ge=0)] = 0
    """Seed of that draw."""

    @model_validator(mode="after")
    def _check_fold(self) -> Self:
        if self.fold >= (self.num_folds or 1):
            raise ValueError(f"fold is {self.fold}, but there are {self.num_folds or 'no'} folds, counted from 0")
        return self

    @model_validator(mode="after")
    def _check_label_columns(self) -> Self:
        others = {
            "label_column": self.label_column,
            "label_separator": self.label_separator,
            "label_names": self.label_names,
        }
        in_conflict = [name for name, value in others.items() if value is not None]
        if self.label_columns is not None and in_conflict:
            raise ValueError(f"label_columns names one column for each label, so leave {in_conflict[0]} out")
        return self


def complete_settings(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Give settings that were stored by an earlier version the defaults of those that came since.

    Args:
        stored: JSON-ready values by name.

    Raises:
        SettingsError: If one is not known, as where a later version stored it.
    """
    return DataSettings.parse(stored, source="stored settings of the data").model_dump(mode="json")
