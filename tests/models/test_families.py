from __future__ import annotations

import pytest

from textwright.errors import NotFoundError
from textwright.family_catalog import CATALOG, list_entries
from textwright.models import FAMILIES, find_family, list_families
from textwright.models.write_catalog import catalog_text, entry_of
from textwright.training.settings import TrainSettings


def test_each_family_is_found_by_its_own_name() -> None:
    assert [find_family(name) for name in FAMILIES] == list_families()
    assert [family.name for family in list_families()] == list(FAMILIES)


def test_a_mistyped_family_suggests_the_nearest() -> None:
    with pytest.raises(NotFoundError, match="no family 'bov'; did you mean 'bow'"):
        find_family("bov")


@pytest.mark.parametrize("name", FAMILIES)
def test_every_setting_of_a_family_has_a_help_text(name: str) -> None:
    described = entry_of(FAMILIES[name]).settings
    assert list(described) == list(FAMILIES[name].config.model_fields)
    assert all(metadata["help"].endswith(".") for metadata in described.values())


def test_the_catalog_is_what_the_families_are() -> None:
    command = "run python -m textwright.models.write_catalog"
    assert CATALOG.read_text(encoding="utf-8") == catalog_text(), command
    assert list_entries() == [entry_of(family) for family in list_families()]


@pytest.mark.parametrize("name", FAMILIES)
def test_the_defaults_of_a_family_are_settings_of_training(name: str) -> None:
    TrainSettings.parse(FAMILIES[name].defaults, source="defaults")


@pytest.mark.parametrize("name", FAMILIES)
def test_no_setting_of_a_family_has_the_name_of_one_of_training(name: str) -> None:
    assert not set(FAMILIES[name].config.model_fields) & set(TrainSettings.model_fields)
