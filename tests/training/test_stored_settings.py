"""What an earlier version stored keeps its meaning when a setting comes whose default does something else."""

from __future__ import annotations

import pytest

from textwright.training.run import as_recipe, resolve_settings, resolve_stored
from textwright.training.settings import TrainSettings


def stored(family: str) -> dict:
    return as_recipe(*resolve_settings(TrainSettings(family=family), {}))


def test_settings_that_came_since_are_as_they_were_before() -> None:
    settings = stored("bow-glove")
    model = settings.pop("model")
    del settings["min_steps"], model["pooling"], model["casing"], model["num_bigram_buckets"]
    training, family_settings = resolve_stored(settings, model, source="a manifest")
    assert (training.min_steps, family_settings.pooling) == (0, "mean")
    assert (family_settings.casing, family_settings.num_bigram_buckets) == ("uncased", 0)


@pytest.mark.parametrize("family", ["bow", "bow-glove", "cnn-glove", "frozen-bert", "linear"])
def test_what_is_stored_comes_back(family: str) -> None:
    settings = stored(family)
    model = settings.pop("model")
    resolved = resolve_stored(settings, model, source="a manifest")
    assert as_recipe(*resolved) == stored(family)
