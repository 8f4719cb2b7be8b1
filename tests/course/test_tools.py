"""The book's own signs, the rules of a run, the notebooks and pages that are made of a lesson."""

from __future__ import annotations

import nbformat
import pytest

from booktools import __main__ as cli
from booktools import execute, forms, layout, notebooks, site
from booktools.lessons import Lesson, LessonError, find_lessons

QUIZ = """```{quiz}
- question: Is `1 < 2`?
  options:
    "yes, *it* is": true
    "no": "It *is*."
    maybe: It is for sure.
  why: It is.
- {question: b, options: {c: true, d: one, e: two}, why: f}
- {question: b, options: {c: true, d: one, e: two}, why: f}
```"""
SOURCE = f"""---
kernelspec: {{name: python3, display_name: Python 3}}
lesson: {{title: T, part: P, question: "Why?", assets: []}}
---
# T

It is {{n}}`07.share` of all.

:::{{hint}} Where?
Look *there*.
:::

```{{code-cell}} ipython3
print(1)
```

```{{code-cell}} ipython3
:tags: [solution]
print(2)
```

{QUIZ}
"""


@pytest.fixture
def lesson(tmp_path):
    path = tmp_path / "07-a-test.md"
    path.write_text(SOURCE, encoding="utf-8")
    return Lesson(path)


def test_numbers_come_from_results_or_not_at_all():
    assert forms.with_numbers("{n}`07.share`!", {"07.share": "77.4%"}) == "77.4%!"
    assert forms.with_numbers("{n}`07.share`", {}, draft=True) == "…"
    with pytest.raises(LessonError, match="LESSONS=07"):
        forms.with_numbers("{n}`07.share`", {})


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("6e-08", "6 \u00d7 10<sup>\u22128</sup>"),
        ("1.5e+03 s", "1.5 \u00d7 10<sup>3</sup> s"),
        ("0e+00", "0"),
        ("size-08", "size-08"),
    ],
)
def test_a_power_of_ten_is_written_as_people_do(printed, shown):
    assert forms.with_numbers("*p* = {n}`07.p`", {"07.p": printed}) == f"*p* = {shown}"


def test_a_quiz_becomes_a_form_on_the_page_and_folds_in_colab():
    page, colab = forms.for_page(QUIZ), forms.for_colab(QUIZ)
    assert page.count("<fieldset>") == 3
    assert page.count("data-right") == 3
    assert 'data-why="It &lt;em&gt;is&lt;/em&gt;."' in page
    assert "- Not *maybe*: It is for sure." in colab
    assert "<code>1 &lt; 2</code>" in page
    assert colab.count("<details>") == 3
    assert "{quiz}" not in page + colab


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("maybe: It is for sure.", "maybe: true"),
        ("maybe: It is for sure.", "maybe: false"),
        ("    maybe: It is for sure.\n", ""),
        ("why: It is.", "reason: It is."),
    ],
)
def test_a_quiz_without_one_right_answer_is_refused(old, new):
    with pytest.raises(LessonError):
        forms.for_page(QUIZ.replace(old, new))


def test_a_box_becomes_a_quotation_in_colab():
    assert forms.for_colab(":::{note}\nTwo\nlines.\n:::") == "> **Note.** Two\n> lines."


@pytest.fixture
def published(monkeypatch):
    """Name an owner of the repository."""
    home = {"owner": "someone", "name": "textwright", "branch": "main"}
    for module in (layout, notebooks, cli):
        monkeypatch.setattr(module, "repository", lambda: home)


def test_a_notebook_has_a_badge_a_setup_cell_and_no_solution_that_runs(lesson, published):
    notebook = notebooks.notebook_of(lesson, {"07.share": "77.4%"})
    nbformat.validate(notebook)
    sources = [cell.source for cell in notebook.cells]
    assert "(https://colab.research.google.com/github/someone/textwright/blob/main/course/notebooks/" in sources[0]
    assert sources[1].endswith('set_up("https://github.com/someone/textwright", "main", "07-a-test")')
    assert "It is 77.4% of all." in sources[2]
    assert [cell.source for cell in notebook.cells if cell.cell_type == "code"][1:] == ["print(1)"]
    assert all(not cell.get("outputs") for cell in notebook.cells)


def test_without_an_owner_there_is_no_badge_and_publishing_is_refused(lesson, monkeypatch, capsys):
    for module in (layout, notebooks, cli):
        monkeypatch.setattr(module, "repository", lambda: {"owner": "", "name": "textwright", "branch": "main"})
    first = notebooks.notebook_of(lesson, {"07.share": "77.4%"}).cells[0].source
    assert first.endswith('set_up("", "main", "07-a-test")')
    assert "colab.research" not in site.index_of([lesson])
    cli._check_owner(refuse=False)
    assert "no Colab badge is written" in capsys.readouterr().out
    with pytest.raises(LessonError, match="set owner"):
        cli._check_owner(refuse=True)


def test_every_way_through_the_course_leads_to_its_lessons_with_hours():
    lessons = find_lessons([])
    numbers = {lesson.number for lesson in lessons}
    assert {number for path in layout.paths() for number in path["lessons"]} <= numbers
    page = site.index_of(lessons)
    rows = [line for line in page.splitlines() if line.startswith("| **")]
    assert len(rows) == len(layout.paths()) + 1
    assert all(int(row.split("|")[3]) >= 1 for row in rows)
    assert f"all {len(lessons)}" in rows[-1]


@pytest.mark.parametrize("tag", ["hide-input", "claim"])
def test_the_code_that_a_page_folds_is_closed_in_colab_and_jupyter(lesson, tag):
    lesson.notebook.cells[1].metadata["tags"] = [tag]
    cell = notebooks.notebook_of(lesson, {"07.share": "77.4%"}).cells[-3]
    assert cell.source.startswith("#@title ")
    assert cell.source.endswith(' { display-mode: "form" }\nprint(1)')
    assert cell.metadata["cellView"] == "form"
    assert cell.metadata["jupyter"]["source_hidden"] is True
    assert "hide-input" in cell.metadata["tags"]


def test_a_page_joins_present_prose_with_the_outputs_of_the_same_code(lesson):
    run = nbformat.from_dict(lesson.notebook)
    run.metadata["course"] = {"profile": "smoke", "code_sha256": lesson.code_hash}
    code = [cell for cell in run.cells if cell.cell_type == "code"]
    code[0].outputs = [nbformat.v4.new_output("stream", text="1\n")]
    page = site.page_of(lesson, run, {"07.share": "77.4%"})
    assert "small run" in page.cells[0].source
    assert page.cells[1].outputs[0].text == "1\n"
    assert "hide-cell" in page.cells[2].metadata["tags"]


@pytest.mark.parametrize(("tag", "text"), [("claim", "✓ share = 1\n2\n"), ("exercise", "2\n")])
def test_a_page_folds_the_cells_of_claims_and_leaves_their_lines_out_of_others(tag, text):
    words = [nbformat.v4.new_output("stream", text=line) for line in ("✓ share = 1\n2\n", "✓ share = 1\n")]
    cell = site._shown(nbformat.v4.new_code_cell(outputs=words, metadata={"tags": [tag]}))
    assert cell.outputs[0].text == text
    assert ("hide-cell" in cell.metadata["tags"]) == (tag == "claim")
    assert len(cell.outputs) == (2 if tag == "claim" else 1)


def test_a_run_of_other_code_is_not_shown(lesson, tmp_path, monkeypatch):
    monkeypatch.setattr(layout, "BUILD", tmp_path)
    with pytest.raises(LessonError, match="not executed since"):
        site.newest_run(lesson)


@pytest.mark.parametrize(
    ("report", "said"),
    [
        ({"profile": "full", "exercises": {"1": [False, True]}}, "ran as full"),
        ({"profile": "smoke", "exercises": {}}, "no exercise"),
        ({"profile": "smoke", "exercises": {"1": [True, True]}}, "its start must fail"),
        ({"profile": "smoke", "exercises": {"1": [False, False]}}, "its solution pass"),
    ],
)
def test_a_run_that_proves_nothing_is_refused(report, said):
    figure = nbformat.v4.new_output("display_data", {"text/html": "kit-figure"})
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("", outputs=[figure])])
    with pytest.raises(LessonError, match=said):
        execute.check_run(notebook, report, "smoke")
    with pytest.raises(LessonError, match="no figure"):
        execute.check_run(nbformat.v4.new_notebook(), {"profile": "smoke"}, "smoke")


def test_a_lesson_with_a_letter_comes_before_its_number(lesson):
    letter = lesson.path.with_name("07a-before.md")
    letter.write_text(SOURCE, encoding="utf-8")
    assert [one.number for one in find_lessons([], letter.parent)] == ["07a", "07"]
    assert [one.stem for one in find_lessons(["7a"], letter.parent)] == ["07a-before"]


def test_links_lead_to_lessons_and_to_files_of_the_repository(published, monkeypatch):
    text = "[API](24-rest-api.md), [`limits`](../../docs/limits.md#keys)"
    github = "https://github.com/someone/textwright/blob/main/docs/limits.md#keys"
    assert forms.for_page(text).startswith(f'[API](24-rest-api.ipynb), <a class="reference external" href="{github}">')
    assert "main/course/notebooks/24-rest-api.ipynb), " in forms.for_colab(text)
    assert forms.for_colab(text).endswith(f"[`limits`]({github})")
    monkeypatch.setattr(layout, "repository", lambda: {"owner": "", "name": "textwright", "branch": "main"})
    assert 'href="../../../docs/limits.md">`limits`</a>' in forms.for_page(text)
    assert forms.for_colab(text) == "[API](24-rest-api.ipynb), [`limits`](../../docs/limits.md#keys)"


def test_front_matter_that_is_no_yaml_is_refused_by_file_name(lesson):
    lesson.path.write_text(SOURCE.replace('"Why?"', "{"), encoding="utf-8")
    with pytest.raises(LessonError, match="07-a-test"):
        _ = lesson.header


def test_a_lesson_is_found_by_number_or_refused(lesson):
    assert find_lessons(["7"], lesson.path.parent) == [lesson]
    with pytest.raises(LessonError, match="there is no lesson 08; there are 07"):
        find_lessons(["8"], lesson.path.parent)


LITTLE = """---
lesson: {{title: T, part: P, question: "Why?", assets: []}}
---
# T

```{{code-cell}} ipython3
from pathlib import Path

import bookkit as kit

kit.show("<svg></svg>", "Nothing.", name="nothing")
kit.claim("share", {share}, "{{:.1%}}", smoke_at_least=0.5)
Path("here").touch()
answer = 41
kit.exercise("Exercise 1", lambda: [][42 - answer])
```
"""


@pytest.mark.parametrize(("share", "said"), [(0.4, "share is 0.4"), (0.75, "its solution pass")])
def test_a_lesson_is_executed_in_a_folder_of_its_own_and_its_fault_is_said(tmp_path, monkeypatch, share, said):
    monkeypatch.setattr(execute, "BUILD", tmp_path)
    path = tmp_path / "07-a-test.md"
    path.write_text(LITTLE.format(share=share), encoding="utf-8")
    outcome = execute.execute(Lesson(path), "smoke", offline=True)
    assert said in outcome.fault
    assert "\x1b" not in outcome.fault
    assert (tmp_path / "work" / "smoke" / "07-a-test" / "here").exists() == (share > 0.5)
    assert not (tmp_path / "executed").exists()


def test_a_lesson_whose_environment_is_missing_is_not_skipped(tmp_path, monkeypatch):
    monkeypatch.setattr(execute, "BUILD", tmp_path)
    path = tmp_path / "07-a-test.md"
    path.write_text(SOURCE.replace("assets: []", "assets: [], environment: none-such"), encoding="utf-8")
    outcome = execute.execute(Lesson(path), "smoke", offline=True)
    assert outcome.fault == "it needs the environment none-such; run: make course-none-such"


def test_the_setup_cell_asks_for_the_environment_of_its_lesson(lesson, published):
    assert notebooks.setup_cell(lesson.stem, "tensorflow").source.endswith('"main", "07-a-test", "tensorflow")')
    lesson.header.update(environment="tensorflow", packages=["mangum"])
    sources = [cell.source for cell in notebooks.notebook_of(lesson, {"07.share": "77.4%"}).cells]
    assert sources[1].endswith('"main", "07-a-test", "tensorflow", "mangum")')
