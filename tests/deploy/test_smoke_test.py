"""The golden examples against a function that really runs; and what differs is refused."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from textwright.core import artifact as artifacts
from textwright.deploy.package.context import read_template
from textwright.deploy.package.function_zip import find_python, write_function_zip
from textwright.deploy.package.single_variant import write_single_variant
from textwright.deploy.smoke_test import ASK_FUNCTION, SmokeTest
from textwright.errors import GoldenMismatchError, SettingsError


@pytest.fixture
def shipped(tiny_artifact, tmp_path):
    artifact = write_single_variant(artifacts.read(tiny_artifact), None, tmp_path / "artifact")
    (tmp_path / "function.py").write_text(read_template("function.py"))
    return artifact


@pytest.fixture
def output(shipped, tmp_path):
    command = [sys.executable, "-c", ASK_FUNCTION, *SmokeTest(shipped).bodies]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    return done.stdout


def test_a_function_that_runs_reproduces(shipped, output):
    assert SmokeTest(shipped).check_output(output, "it") == len(shipped.golden())


def test_one_probability_that_differs_is_named(shipped, output):
    answers = json.loads(output.splitlines()[-1])
    content = json.loads(answers[2]["body"])
    content["predictions"][0]["probabilities"]["positive"] += 0.01
    answers[2]["body"] = json.dumps(content)
    with pytest.raises(GoldenMismatchError, match=r"golden example 3: a probability differs by 0\.01"):
        SmokeTest(shipped).check_output(json.dumps(answers), "it")


def test_a_missing_answer_is_refused(shipped, output):
    answers = json.loads(output.splitlines()[-1])[:-1]
    with pytest.raises(GoldenMismatchError, match="shape"):
        SmokeTest(shipped).check_output(json.dumps(answers), "it")


@pytest.mark.parametrize("said", ["", "Traceback (most recent call last):\nImportError: libgomp"])
def test_what_cannot_start_is_refused_with_what_it_said(shipped, said):
    with pytest.raises(GoldenMismatchError, match=f"no answer to its golden examples: {said[:9]}"):
        SmokeTest(shipped).check_output(said, "it")


def test_a_refusal_is_told(shipped, output):
    answers = json.loads(output.splitlines()[-1])
    answers[0] = {"statusCode": 503, "body": json.dumps({"detail": "it is tired"})}
    with pytest.raises(GoldenMismatchError, match="it is tired"):
        SmokeTest(shipped).check_output(json.dumps(answers), "it")


def test_a_runtime_that_lambda_has_not_is_refused(tiny_artifact, tmp_path):
    with pytest.raises(SettingsError, match=r"--python is 3\.11"):
        write_function_zip(artifacts.read(tiny_artifact), None, tmp_path, python="3.11", report=print)


def test_an_interpreter_is_found_by_its_version():
    assert find_python("2.99") is None
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    found = find_python(here)
    assert found is None or found.is_file()
