"""The pages of the reference say what the code does; they are built and opened by ``.ci/course``."""

from __future__ import annotations

import inspect
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_words import SENTIMENT

from reference import docstrings, error_codes, flags, guides, markdown
from reference.openapi import Example, curl, python
from reference.settings import OTHER_VARIABLES
from textwright.cli.main import COMMANDS, build_app
from textwright.core import artifact as artifacts

SOURCES = Path(inspect.getfile(artifacts)).parents[1]
INTERNAL = {
    *("ORT_DISABLE_TELEMETRY", "RAY_USAGE_STATS_ENABLED", "TOKENIZERS_PARALLELISM"),
    *("TEXTWRIGHT_LAMBDA_", "TEXTWRIGHT_SERVE_"),
}
"""What Textwright sets itself, and beginnings of names."""


@pytest.fixture(scope="module")
def commands():
    return list(flags.commands(row for row in COMMANDS if row.name in {"train", "serve", "deploy"}))


@pytest.mark.parametrize("error", list(error_codes.error_classes()), ids=lambda error: error.__name__)
def test_every_error_has_a_meaning_and_a_cure(error):
    meaning, cure = docstrings.meaning_and_cure(error)
    assert meaning.endswith(".")
    assert cure.endswith(".")


def test_an_error_without_a_cure_is_refused():
    class NewError(Exception):
        """Something is wrong."""

    with pytest.raises(ValueError, match="NewError has no paragraph"):
        docstrings.meaning_and_cure(NewError)


def test_every_environment_variable_that_the_code_reads_is_listed():
    text = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES.rglob("*.py"))
    read = set(re.findall(r'"(TEXTWRIGHT_[A-Z_]+)"', text)) | set(re.findall(r'environ(?:\.get\(|\[)"(\w+)"', text))
    assert "TEXTWRIGHT_CACHE" in read
    assert read - INTERNAL <= {name for name, _, _ in OTHER_VARIABLES}


@pytest.mark.parametrize(
    ("typed", "flag", "value"), [("serve runs/demo", "--max-texts", "7"), ("deploy logs demo", "--region", "eu-west-1")]
)
def test_the_variable_of_a_page_sets_its_flag(monkeypatch, commands, typed, flag, value):
    words = typed.split()
    (found,) = [
        one for page in commands if page.name == " ".join(words[:-1]) for one in page.flags if flag in one.names
    ]
    monkeypatch.setenv(found.variable, value)
    _, bound, _ = build_app(words).parse_args(words, print_error=False, exit_on_error=False)
    assert re.search(rf"{flag.lstrip('-').replace('-', '_')}\W+{value}\b", repr(bound.arguments))


def test_pages_name_defaults_bounds_and_choices(commands):
    train = {flag.names[0]: flag for page in commands if page.name == "train" for flag in page.flags}
    assert train["--out"].is_required
    assert (train["--seed"].default, train["--seed"].bounds) == ("0", "0 or more, below 4,294,967,296")
    assert train["--min-examples-per-label"].bounds == "1 or more"
    assert train["--device"].kind == "auto|cpu|cuda|mps"
    assert train["--baselines"].names == ("--baselines", "--no-baselines")
    assert all(flag.help for flag in train.values())


def test_a_field_came_with_the_format_that_the_page_says(tmp_path, make_artifact, tiny_cascade):
    from reference.artifact_format import SINCE

    read = artifacts.read(make_artifact())
    contents = {name: (read.path / name).read_bytes() for name in read.files}
    thresholds = replace(read.manifest, thresholds={SENTIMENT.names[0]: 0.4})
    abstaining = replace(read.manifest, min_confidence=0.9)
    pairs = {true: {name: float(name != true) for name in SENTIMENT.names} for true in SENTIMENT.names}
    costly = replace(read.manifest, costs=pairs)
    unlike = replace(read.manifest, out_of_distribution={"max_surprisal": 3.0})
    formats = {"staged": json.loads((tiny_cascade / artifacts.MANIFEST).read_text(encoding="utf-8"))["format_version"]}
    for name, manifest in (
        ("plain", read.manifest),
        ("thresholds", thresholds),
        ("abstaining", abstaining),
        ("costs", costly),
        ("out of distribution", unlike),
    ):
        artifacts.write(tmp_path / name, manifest, contents | {artifacts.SURPRISALS: b""})
        text = (tmp_path / name / artifacts.MANIFEST).read_text(encoding="utf-8")
        formats[name] = int(re.search(r'"format_version": (\d+)', text)[1])
    assert formats["plain"] == 1
    assert {
        (artifacts.Variant, "stages"): formats["staged"],
        (artifacts.Manifest, "thresholds"): formats["thresholds"],
        (artifacts.Manifest, "min_confidence"): formats["abstaining"],
        (artifacts.Manifest, "costs"): formats["costs"],
        (artifacts.Manifest, "out_of_distribution"): formats["out of distribution"],
    } == SINCE


def test_a_role_that_names_nothing_is_noticed():
    from reference.extension import _exists

    assert _exists("textwright.core.artifact.Manifest.variant")
    assert not _exists("textwright.core.artifact.Manifesto")


@pytest.mark.parametrize(
    ("owner", "readme"), [("me", "[c](https://github.com/me/tw/blob/main/README.md#x)"), ("", "c (`README.md`)")]
)
def test_links_out_of_docs_lead_to_the_repository(monkeypatch, owner, readme):
    monkeypatch.setattr(guides, "repository", lambda: {"owner": owner, "name": "tw", "branch": "main"})
    page = guides.DOCS / "optimize" / "int8.md"
    text = "[a](cascade.md#b) [c](../../README.md#x) [d](../decisions) costs $5, not $6 `$HOME` [e](https://x.org/y)\n"
    code = "```\n$HOME [f](../../README.md)\n```\n"
    links = f"[a](cascade.md#b) {readme} [d](../decisions/index.md)"
    prose = f"{links} costs \\$5, not \\$6 `$HOME` [e](https://x.org/y)\n"
    assert guides.adapted(text + code, page) == prose + code


def test_help_becomes_markdown_that_shows_the_same_text():
    assert markdown.prose("a *b* ``c_d`` :class:`~x.Y` <e>") == r"a \*b\* `c_d` `x.Y` \<e\>"
    assert markdown.prose("in --out, or --model.dropout -- a dash") == "in `--out`, or `--model.dropout` -- a dash"
    assert markdown.table(("a",), [("b\nc",)]) == "| a |\n| --- |\n| b c |\n"


def test_examples_quote_what_a_shell_and_python_would_change():
    example = Example("POST", "/v1/predict", "application/json", {"text": "It's $5."}, needs_key=True)
    assert r"""--data-binary '{"text": "It'\''s $5."}'""" in curl(example)
    assert 'json={"text": "It\'s $5."}' in python(example)
    with pytest.raises(ValueError, match="differently"):
        python(Example("POST", "/", "application/json", {"explain": True}, needs_key=False))
