"""Texts without labels are read as they are or cut into sentences, and never let a held-out text in."""

from __future__ import annotations

from pathlib import Path

import pytest

from textwright.data.settings import DataSettings
from textwright.data.unlabeled import apart_from, read_unlabeled, sentences
from textwright.errors import DataError

REVIEW = 'A film of our time. "Is it any good?" Mr. Smith asks (he would!) I fell asleep\nNo. And so did all of them.'


def test_sentences_end_at_full_stops_before_capitals_and_at_line_ends() -> None:
    assert list(sentences(REVIEW)) == [
        "A film of our time.",
        '"Is it any good?"',
        "Smith asks (he would!)",
        "And so did all of them.",
    ]


def test_what_is_too_short_or_too_long_for_a_sentence_is_left_out() -> None:
    assert list(sentences(f"Too short. {'word ' * 46}. Just right for us.")) == ["Just right for us."]
    assert list(sentences("")) == []


def test_a_file_is_read_whole_or_cut_or_in_part(tmp_path: Path) -> None:
    file = tmp_path / "more.csv"
    file.write_text("text\nOne is here. Two is over there.\n\nThree is a charm indeed.\nThree is a charm indeed.\n")

    def read(**settings: object) -> list[str]:
        return read_unlabeled(str(file), DataSettings(), **settings)

    assert read() == ["One is here. Two is over there.", "Three is a charm indeed."]
    assert read(by_sentence=True) == ["Two is over there.", "Three is a charm indeed."]
    assert read(max_texts=1) == read(max_texts=1)
    assert len(read(max_texts=1)) == 1
    assert read(max_texts=2) == read()


def test_a_source_without_a_sentence_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "short.csv"
    file.write_text("text\nToo short\n")
    with pytest.raises(DataError, match=r"short\.csv holds no sentence of 4 to 45 words .*another file"):
        read_unlabeled(str(file), DataSettings(), by_sentence=True)
    file.write_text('text\n" "\n')
    with pytest.raises(DataError, match=r"short\.csv holds no text .*--adapt-to"):
        read_unlabeled(str(file), DataSettings(), option="--adapt-to")


def test_what_is_nearly_held_out_is_left_out() -> None:
    held_out = ["It is a wonderful film that nobody who loves cinema should ever think of missing, not even for a day."]
    alike = "it is a wonderful film that nobody who loves cinema should ever think of missing not even for a day !"
    nearly = alike.replace("ever think", "once think")
    other = "a dull film that nobody should see ."
    assert apart_from(held_out, [alike, other, nearly, *held_out, other]) == [other]
    assert apart_from([], [other]) == [other]
