"""The error tree: every class has a code of its own, a meaning in the docstring and an exit code."""

from __future__ import annotations

from textwright import errors
from textwright.cli.exit_codes import MEANINGS, exit_code_of


def tree(kind=errors.TextwrightError):
    return [kind, *(leaf for child in kind.__subclasses__() for leaf in tree(child))]


def test_codes_are_distinct():
    codes = [kind.code for kind in tree()]
    assert len(set(codes)) == len(codes)


def test_the_module_docstring_shows_the_whole_tree():
    assert all(kind.__name__ in errors.__doc__ for kind in tree())


def test_every_error_has_an_exit_code_with_a_meaning():
    for kind in tree()[1:]:
        error = kind.__new__(kind)
        assert exit_code_of(error) in set(MEANINGS) - {0, 1}, f"{kind.__name__} has no exit code"
