"""Every error has a status, a code and a sentence, and nothing of the server's inside."""

from __future__ import annotations

import pytest

from textwright import errors, wire
from textwright.api.problems import STATUS, problem_of


def tree(kind=errors.TextwrightError):
    return [kind, *(leaf for child in kind.__subclasses__() for leaf in tree(child))]


@pytest.mark.parametrize("kind", tree(), ids=lambda kind: kind.__name__)
def test_every_class_of_the_error_tree_has_a_status(kind):
    assert kind in STATUS, f"decide in api/problems.py which status {kind.__name__} gets"


def test_only_the_callers_mistakes_are_4xx():
    for kind, status in STATUS.items():
        is_refusal = issubclass(kind, errors.InputError | errors.QueueFullError)  # full: not wrong, but come back later
        assert (400 <= status < 500) == is_refusal, kind


def test_a_mistake_of_the_caller_is_told_in_words():
    problem = problem_of(errors.RequestError('"text" must be a string'), "id")
    assert (problem.status, problem.code, problem.detail) == (422, "request", '"text" must be a string')
    assert (problem.to_json()["type"], problem.request_id) == ("about:blank", "id")


def test_why_it_cannot_answer_now_is_told():
    problem = problem_of(errors.DeadlineError("no answer in 30 seconds"), "id")
    assert (problem.status, problem.code, problem.detail) == (504, "deadline", "no answer in 30 seconds")


@pytest.mark.parametrize("error", [errors.BackendError("/secret/path"), RuntimeError("/secret/path")])
def test_the_inside_is_not_told(error):
    problem = problem_of(error, "id")
    assert problem.status >= 500
    assert "secret" not in problem.encode().decode()


def test_a_problem_is_what_the_documentation_says():
    sent = problem_of(errors.TextError("naïve 🙂"), "id")
    told = wire.Problem.model_validate_json(sent.encode())
    assert told.model_dump() == sent.to_json()
