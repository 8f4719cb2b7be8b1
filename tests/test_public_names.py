"""The public names of the package: each is there, is the room's own object, and costs nothing until it is used."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

import pytest

import textwright

MOST_NAMES = 25
SOURCE = ast.parse(Path(textwright.__file__).read_text(encoding="utf-8"))


def further_names():
    """List what is public for type checkers, and left out of ``dir(textwright)``."""
    (addition,) = (item for item in ast.walk(SOURCE) if isinstance(item, ast.AugAssign))
    return ast.literal_eval(addition.value)


def is_module(name):
    return (Path(textwright.__file__).parent / f"{name}.py").is_file()


@pytest.mark.parametrize("name", [*textwright.__all__, *further_names()])
def test_a_public_name_is_what_type_checkers_are_told(name):
    if is_module(name):
        assert getattr(textwright, name) is import_module(f"textwright.{name}")
        return
    for statement in ast.walk(SOURCE):
        if isinstance(statement, ast.ImportFrom) and statement.module.startswith("textwright"):
            for alias in statement.names:
                if (alias.asname or alias.name) == name:
                    assert getattr(textwright, name) is getattr(import_module(statement.module), alias.name)
                    return
    pytest.fail(f"{name} is not imported for type checkers")


def test_public_names_are_listed_once_and_the_first_are_few():
    names = [*textwright.__all__, *further_names()]
    assert len(set(names)) == len(names)
    assert set(dir(textwright)) == {*textwright.__all__, "__version__"}
    assert len(dir(textwright)) <= MOST_NAMES
    assert textwright.__all__[:3] == ["train", "load", "compare"]


def test_no_public_name_hides_another_module():
    modules = {path.stem for path in Path(textwright.__file__).parent.iterdir()}
    assert {name for name in [*textwright.__all__, *further_names()] if name in modules} <= {"sklearn"}


def test_another_name_is_refused():
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        textwright.trian  # noqa: B018
