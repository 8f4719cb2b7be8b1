"""A cost matrix is read from each of its forms, and what is wrong with it is said in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from textwright.core.labels import Labels, Task
from textwright.errors import DataError, NotFoundError, SettingsError
from textwright.training.costs import read_costs
from textwright.training.settings import TrainSettings

LABELS = Labels(("other", "urgent"))
COSTS = {"other": {"other": 0.0, "urgent": 1.0}, "urgent": {"other": 10.0, "urgent": 0.0}}


def read(path: Path, content: str, labels: Labels = LABELS, **fields: object) -> dict[str, dict[str, float]]:
    path.write_text(content, encoding="utf-8")
    return read_costs(TrainSettings(costs=str(path), **fields), labels)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("costs.csv", "true,urgent,other\nurgent,0,10\nother,1,0\n"),
        ("costs.csv", "\ufeff,other,urgent\n\nother,0,1\nurgent,10,0\n"),
        ("costs.toml", "[urgent]\nother = 10\n"),
        ("costs.json", '{"urgent": {"other": 10.0}}'),
    ],
)
def test_each_form_gives_the_same_costs(tmp_path: Path, name: str, content: str) -> None:
    assert read(tmp_path / name, content) == COSTS


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("costs.csv", "true,urgent\nurgent,0\n", "a column for each predicted label"),
        ("costs.csv", "true,urgent,other\nurgent,0,10\nother,1\n", "the row of 'other' has 2 cells"),
        ("costs.csv", "true,urgent,other\nurgent,0,much\nother,1,0\n", "'other' where 'urgent' is true is 'much'"),
        ("costs.csv", "", "no table of costs"),
        ("costs.toml", "[urgnt]\nother = 10\n", "'urgnt' is no label; the labels are other, urgent"),
        ("costs.toml", "urgent = 10\n", "a table for each true label"),
        ("costs.json", '{"urgent": {"other": -1}}', "is -1; it must be a number of 0 or more"),
        ("costs.json", '{"urgent": {"other": true}}', "is True; it must be a number"),
        ("costs.txt", "urgent", "not JSON"),
    ],
)
def test_what_is_no_cost_matrix_is_refused(tmp_path: Path, name: str, content: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path / name, content)


def test_no_file_gives_no_costs_and_a_missing_one_is_refused(tmp_path: Path) -> None:
    assert read_costs(TrainSettings(), LABELS) == {}
    with pytest.raises(NotFoundError, match="no file of costs"):
        read_costs(TrainSettings(costs=str(tmp_path / "costs.csv")), LABELS)


def test_one_rule_decides(tmp_path: Path) -> None:
    path = tmp_path / "costs.json"
    with pytest.raises(SettingsError, match="the task is multi-label"):
        read(path, "{}", Labels(LABELS.names, Task.MULTI_LABEL))
    for fields in ({"maximize": "f1"}, {"precision_at_least": 0.9}, {"max_error_rate": 0.1}):
        with pytest.raises(SettingsError, match="decided by one of them"):
            read(path, "{}", **fields)
