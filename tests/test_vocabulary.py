"""One word for one thing: class names are unique, and identifiers use no private words."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import textwright

SOURCE = Path(textwright.__file__).parent
PRIVATE = {"door", "doors", "walk", "walks", "walked", "told", "company", "asked", "stranger", "strangers"}
VAGUE = {"found", "there", "said", "gone"}
"""Names that do not say what a variable holds."""
GLOSSARY = Path(__file__).parents[1] / "CONTRIBUTING.md"
BRITISH = re.compile(
    r"\b\w*(colour|behaviour|neighbour|favour|labelled(?!by)|labelling|licence|catalogue|centre\b|centred"
    r"|(?:quanti|optimi|tokeni|normali|recogni|initiali|generali|minimi|regulari|standardi|summari)s(?:e|ed|es|er|ing|ation)\b)"
)


def trees() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(SOURCE.rglob("*.py")):
        yield path.relative_to(SOURCE), ast.parse(path.read_text(encoding="utf-8"))


def identifiers(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute) and not is_of_library(node):
            yield node.attr


def is_of_library(node: ast.Attribute) -> bool:
    """Say whether it is a name of the standard library, as in ``os.walk`` and ``ast.walk``."""
    return isinstance(node.value, ast.Name) and node.value.id in {"os", "ast"}


def words_of(identifier: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", identifier)}


def test_no_class_name_is_defined_twice() -> None:
    places = defaultdict(list)
    for path, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(str(path))
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_no_identifier_has_a_private_word() -> None:
    used = {f"{path}: {name}" for path, tree in trees() for name in identifiers(tree) if words_of(name) & PRIVATE}
    assert used == set()


def test_no_variable_has_a_vague_name() -> None:
    used = {f"{path}: {name}" for path, tree in trees() for name in identifiers(tree) if name in VAGUE}
    assert used == set()


def test_the_glossary_has_at_most_40_terms() -> None:
    glossary = GLOSSARY.read_text(encoding="utf-8").partition("## Glossary")[2].partition("\n## ")[0]
    terms = re.findall(r"^\| (?!term \|)([^|]+) \|", glossary, flags=re.MULTILINE)
    assert 20 <= len(terms) <= 40
    assert "encoder" in terms
    assert "tokenizer" in terms


def test_code_and_docs_are_in_american_spelling() -> None:
    files = [*SOURCE.rglob("*.py"), *SOURCE.rglob("*.j2"), GLOSSARY, GLOSSARY.with_name("README.md")]
    files += (GLOSSARY.parent / "docs").rglob("*.md")
    found = {
        f"{path.relative_to(GLOSSARY.parent)}: {match.group()}"
        for path in files
        for match in BRITISH.finditer(path.read_text(encoding="utf-8"))
    }
    assert found == set()
