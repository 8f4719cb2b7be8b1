"""Which encoder is advised for which scripts."""

from __future__ import annotations

from pathlib import Path

import pytest

from textwright.data.check import check as check_source
from textwright.data.encoders import BUILT_IN, KNOWN_ENCODERS, advice_for_scripts
from textwright.data.settings import DataSettings
from textwright.models import FAMILIES
from textwright.models.token_counts import family_tokens


def test_an_encoder_of_many_languages_is_advised_where_the_english_one_reads_other_scripts():
    said = advice_for_scripts({"Cyrillic": 80, "Latin": 15, "Greek": 5}, "bert")
    assert said.startswith("85 texts (85.0 %) are mainly in other scripts than Latin (Cyrillic, Greek)")
    assert "--model.encoder intfloat/multilingual-e5-small" in said


@pytest.mark.parametrize(
    ("scripts", "family", "encoder"),
    [
        ({"Latin": 100}, "bert", BUILT_IN),
        ({"Latin": 95, "Han": 5}, "bert", BUILT_IN),
        ({"no letters": 100}, "bert", BUILT_IN),
        ({}, "bert", BUILT_IN),
        ({"Cyrillic": 100}, "linear", BUILT_IN),
        ({"Cyrillic": 100}, "frozen-bert", "intfloat/multilingual-e5-small"),
    ],
)
def test_nothing_is_advised_where_nothing_is_wrong(scripts, family, encoder):
    assert not advice_for_scripts(scripts, family, encoder)


def test_the_check_of_a_file_says_so(tmp_path):
    words = (("да", "a"), ("нет", "b"))
    rows = [f"Фильм номер {number} {word},{label}" for number in range(20) for word, label in words]
    (tmp_path / "films.csv").write_text("\n".join(["text,label", *rows, ""]), encoding="utf-8")
    source = str(tmp_path / "films.csv")
    warnings = check_source(source, DataSettings(), tokens=family_tokens("frozen-bert")).warnings
    assert any("built-in encoder of frozen-bert reads English" in warning for warning in warnings)
    assert not any("encoder" in warning for warning in check_source(source, DataSettings()).warnings)


def test_the_first_known_encoder_is_the_families_default():
    for name in ("bert", "frozen-bert"):
        assert FAMILIES[name].config.model_fields["encoder"].default == BUILT_IN == KNOWN_ENCODERS[0].name


def test_the_page_lists_the_known_encoders():
    page = (Path(__file__).parents[2] / "docs" / "languages.md").read_text(encoding="utf-8")
    rows = [f"| `{it.name}` | {it.languages} | {it.parameters} | {it.license} |" for it in KNOWN_ENCODERS]
    assert "\n".join(rows) in page
