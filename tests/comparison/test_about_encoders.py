"""A comparison says where the English encoder will not do."""

from __future__ import annotations

from pathlib import Path

import pytest

from textwright.comparison.comparison import about_encoders
from textwright.comparison.examples import Source
from textwright.comparison.options import resolve_options
from textwright.data.settings import DataSettings


@pytest.fixture
def cyrillic(tmp_path: Path) -> str:
    labeled = [("Фильм хороший", "a"), ("Фильм плохой", "b")]
    rows = [f"{text} номер {number},{label}" for number in range(40) for text, label in labeled]
    (tmp_path / "films.csv").write_text("\n".join(["text,label", *rows, ""]), encoding="utf-8")
    return str(tmp_path / "films.csv")


def test_each_family_with_the_english_encoder_is_named_once(cyrillic: str, tmp_path: Path) -> None:
    source = Source(cyrillic, DataSettings())
    (sentence,) = about_encoders(resolve_options(cyrillic, DataSettings(), families="linear,frozen-bert"), source)
    assert "frozen-bert reads English" in sentence
    assert not about_encoders(resolve_options(cyrillic, DataSettings(), families="linear,bow"), source)
    (tmp_path / "other.toml").write_text('family = "bert"\n[model]\nencoder = "intfloat/multilingual-e5-small"\n')
    others = resolve_options(cyrillic, DataSettings(), families="none", recipes=[tmp_path / "other.toml"])
    assert not about_encoders(others, source)
