"""The public names of the package: each is there, is the room's own object, and costs nothing until it is used."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

import pytest

import textwright


@pytest.mark.parametrize("name", textwright.__all__)
def test_a_public_name_is_what_type_checkers_are_told(name):
    for statement in ast.walk(ast.parse(Path(textwright.__file__).read_text(encoding="utf-8"))):
        if isinstance(statement, ast.ImportFrom) and statement.module.startswith("textwright"):
            for alias in statement.names:
                if (alias.asname or alias.name) == name:
                    assert getattr(textwright, name) is getattr(import_module(statement.module), alias.name)
                    return
    pytest.fail(f"{name} is not imported for type checkers")


def test_public_names_are_listed_once_and_shown():
    assert len(set(textwright.__all__)) == len(textwright.__all__)
    assert set(textwright.__all__) < set(dir(textwright))


def test_no_public_name_hides_a_room():
    rooms = {path.stem for path in Path(textwright.__file__).parent.iterdir()}
    assert not rooms & set(textwright.__all__)


def test_another_name_is_refused():
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        textwright.trian  # noqa: B018
