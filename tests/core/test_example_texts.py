"""Which texts stand as examples: short, of two labels, and none that shows an address or a long number."""

from __future__ import annotations

import pytest

from textwright.core.example_texts import MAX_CHARS, check_typed, choose_example_texts, stored_example_texts
from textwright.errors import ArtifactFormatError, SettingsError

PERSONAL = [
    "write to maria.lopez@mail.example",
    "see https://example.org/ticket",
    "or www.example.org",
    "order 48213 is late",
    "call 555 01 99",
    "ring 01 23 45 67 89",
    "two\nlines",
    "\N{RIGHT-TO-LEFT OVERRIDE}turned around",
    "ok",
]


def test_the_first_fitting_text_and_one_of_another_label_are_chosen():
    texts = [*PERSONAL, "Muy amables", "El 12 de marzo llegó", "Llegó roto"]
    assert choose_example_texts(texts, [0] * (len(PERSONAL) + 2) + [1]) == ("Muy amables", "Llegó roto")


def test_targets_of_several_labels_are_compared_as_a_whole():
    assert choose_example_texts(["first", "second"], [[True, False], [True, False]]) == ("first",)
    assert choose_example_texts(["first", "second"], [[True, False], [True, True]]) == ("first", "second")


@pytest.mark.parametrize("text", PERSONAL)
def test_a_text_with_signs_of_personal_data_is_never_chosen(text):
    assert choose_example_texts([text], [0]) == ()


def test_a_short_text_comes_before_a_long_one_and_a_long_one_is_cut_at_a_space():
    long = "palabra " * 60
    assert choose_example_texts([long, "short"], [0, 0]) == ("short",)
    (cut,) = choose_example_texts([long], [0])
    assert len(cut) <= 160
    assert cut.endswith("palabra \N{HORIZONTAL ELLIPSIS}")


def test_a_language_without_spaces_is_cut_too():
    (cut,) = choose_example_texts(["\u5f71" * 500], [0])
    assert len(cut) == 160


def test_a_typed_text_is_bounded():
    assert check_typed(" a parcel came late ") == "a parcel came late"
    assert check_typed("") == ""
    with pytest.raises(SettingsError, match="blank"):
        check_typed(" ")
    with pytest.raises(SettingsError, match=r"1,001 characters; at most 1,000"):
        check_typed("x" * (MAX_CHARS + 1))


@pytest.mark.parametrize("texts", ["a text", [1], [""], ["x" * (MAX_CHARS + 1)], ["\ud800"], ["a"] * 9])
def test_what_a_manifest_says_is_not_believed(texts):
    with pytest.raises(ArtifactFormatError, match="example_texts"):
        stored_example_texts({"example_texts": texts})


def test_an_older_manifest_has_none():
    assert stored_example_texts({"source": "reviews.csv"}) == ()
