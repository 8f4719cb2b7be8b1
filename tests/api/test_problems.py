"""Every error has a status, a code and a sentence, and nothing of the server's inside."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter

from textwright import errors
from textwright.api.problems import STATUS, encode_problem, problem_of, refuse
from textwright.api.record import RequestRecord
from textwright.api.schemas import Problem


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
    assert (problem.type, problem.request_id) == ("about:blank", "id")


def test_why_it_cannot_answer_now_is_told():
    problem = problem_of(errors.DeadlineError("no answer in 30 seconds"), "id")
    assert (problem.status, problem.code, problem.detail) == (504, "deadline", "no answer in 30 seconds")


@pytest.mark.parametrize("error", [errors.BackendError("/secret/path"), RuntimeError("/secret/path")])
def test_the_inside_is_not_told(error):
    problem = problem_of(error, "id")
    assert problem.status >= 500
    assert "secret" not in encode_problem(problem).decode()


def test_a_problem_is_what_the_documentation_says():
    sent = problem_of(errors.TextError("naïve 🙂"), "id")
    assert TypeAdapter(Problem).validate_json(encode_problem(sent)) == sent


def test_a_refusal_is_noted_in_the_record():
    record = RequestRecord("id")
    refuse(errors.RequestLimitError("too many", 6), record)
    assert (record.code, record.num_texts) == ("request-limit", 6)
