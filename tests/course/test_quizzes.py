"""The quizzes together: none can be passed by choosing the longest option, or the same place each time."""

from __future__ import annotations

from collections import Counter

from booktools.forms import quizzes
from booktools.lessons import all_lessons

QUESTIONS = [
    (lesson.number, question) for lesson in all_lessons() for quiz in quizzes(lesson.prose) for question in quiz
]
RIGHT = [list(question["options"].values()).index(True) for _, question in QUESTIONS]


def test_options_are_of_like_length():
    for number, question in QUESTIONS:
        lengths = [len(str(option)) for option in question["options"]]
        assert max(lengths) <= 1.4 * min(lengths), f"lesson {number}, {question['question']!r}: {lengths} characters"


def test_the_longest_option_is_right_no_more_often_than_by_chance():
    longest = [max(question["options"], key=lambda option: len(str(option))) for _, question in QUESTIONS]
    num_right = sum(
        question["options"][option] is True for (_, question), option in zip(QUESTIONS, longest, strict=True)
    )
    assert num_right <= 0.45 * len(QUESTIONS), (
        f"the longest option is right in {num_right} of {len(QUESTIONS)} questions"
    )


def test_the_right_option_stands_anywhere():
    places = Counter(RIGHT)
    assert min(places[place] for place in range(3)) >= 0.2 * len(QUESTIONS), places


def test_no_quiz_has_its_right_options_in_one_place():
    by_lesson = {number: set() for number, _ in QUESTIONS}
    for (number, _), place in zip(QUESTIONS, RIGHT, strict=True):
        by_lesson[number].add(place)
    assert [number for number, places in by_lesson.items() if len(places) == 1] == []
