"""Settings as keywords, ``train(data, num_epochs=3, text_column="review")``, sorted into the groups they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from textwright.config import Settings
from textwright.data.did_you_mean import did_you_mean
from textwright.data.settings import DataSettings
from textwright.errors import SettingsError
from textwright.training.settings import TrainSettings

_AnySettings = TypeVar("_AnySettings", bound=Settings)


def parse_two(caller: str, kind: type[_AnySettings], settings: Mapping[str, Any]) -> tuple[_AnySettings, DataSettings]:
    """Sort keywords into the settings of a step and those of its data.

    Args:
        caller: The function that took them, for messages.
        kind: The step's settings.
        settings: Name -> value.

    Raises:
        SettingsError: If a name is unknown, or a value out of bounds.
    """
    refuse_unknown(caller, settings, [*kind.model_fields, *DataSettings.model_fields])
    return _part(caller, kind, settings), _part(caller, DataSettings, settings)


def parse_training(
    caller: str, family: str, settings: Mapping[str, Any]
) -> tuple[TrainSettings, DataSettings, dict[str, Any]]:
    """Sort keywords into the settings of training, of the data and of the family.

    Args:
        caller: The function that took them, for messages.
        family: The kind of model.
        settings: Name -> value.

    Returns:
        Settings of training and of the data, and those of the family by name, which the family checks itself.

    Raises:
        NotFoundError: If there is no such family.
        SettingsError: If a name is unknown, or a value out of bounds.
    """
    from textwright.models import find_family  # brings torch

    own = find_family(family).config.model_fields
    refuse_unknown(caller, settings, [*TrainSettings.model_fields, *DataSettings.model_fields, *own])
    training = _part(caller, TrainSettings, {"family": family, **settings})
    model = {name: value for name, value in settings.items() if name in own}
    return training, _part(caller, DataSettings, settings), model


def refuse_unknown(caller: str, settings: Mapping[str, Any], names: list[str]) -> None:
    """Refuse a keyword that is no setting.

    Args:
        caller: The function that took it.
        settings: Name -> value.
        names: The names that there are.

    Raises:
        SettingsError: Names the nearest one.
    """
    for name in settings:
        if name not in names:
            raise SettingsError(f"{caller}() has no setting {name!r}{did_you_mean(name, names)}")


def _part(caller: str, kind: type[_AnySettings], settings: Mapping[str, Any]) -> _AnySettings:
    own = {name: value for name, value in settings.items() if name in kind.model_fields}
    return kind.parse(own, source=f"{caller}()")
