"""The zip, unpacked and run by AWS's client under a Python of its runtime's version, against the tests' Runtime API."""

from __future__ import annotations

import json
import subprocess

import pytest
from container_tools import ZIP_PYTHON
from lambda_events import function_url
from runtime_api import function_process

from textwright.core import artifact as artifacts
from textwright.deploy.package.function_zip import find_python

MODEL_ROOM_BYTES = 20_200_000
"""What a MiniLM in int8 takes in a zip: 19.7 MB of weights, which hardly compress, and its tokenizer."""
PYTHON = find_python(ZIP_PYTHON)
needs_python = pytest.mark.skipif(
    PYTHON is None, reason=f"no Python {ZIP_PYTHON}, the zip's runtime, is on this machine"
)
GOOD = function_url(json.dumps({"texts": ["a good film", "bad"]}))


@pytest.fixture
def run(tree, client, tmp_path):
    """Return a context manager that runs the function; its keywords are variables."""
    return lambda **environment: function_process(PYTHON, tree, client, tmp_path / "log", **environment)


@pytest.fixture
def told(tmp_path):
    """Return a function that reads what the function has written."""
    return (tmp_path / "log").read_text


def test_it_is_small_enough_to_upload_with_a_minilm(function_zip):
    assert function_zip.size_bytes + MODEL_ROOM_BYTES < 50_000_000


def test_nothing_in_it_needs_a_newer_c_library_than_the_runtime_has(tree):
    libraries = [path for path in tree.rglob("*.so*") if path.is_file()]
    assert len(libraries) > 5
    for path in libraries:
        done = subprocess.run(["objdump", "-T", str(path)], capture_output=True, text=True, check=True)
        needed = {word.strip("()") for word in done.stdout.split() if word.strip("()").startswith("GLIBC_2.")}
        assert all(int(word.split(".")[1]) <= 34 for word in needed), f"{path} needs {sorted(needed)}"


@needs_python
def test_it_was_compiled_and_has_answered_its_golden_examples(function_zip, tree, artifact):
    assert function_zip.is_compiled
    assert function_zip.num_golden == len(artifacts.read(artifact).golden())
    assert [path.relative_to(tree).as_posix() for path in tree.rglob("*.py")] == ["function.py"]
    assert {"numpy/__init__.pyc", "textwright/serverless/handler.pyc"} <= {
        path.relative_to(tree).as_posix() for path in tree.rglob("*.pyc")
    }


@needs_python
def test_the_same_artifact_gives_the_same_bytes(function_zip, artifact, tmp_path):
    from textwright.deploy.package.packaging import package
    from textwright.deploy.package.settings import PackageSettings
    from textwright.deploy.targets import find_format

    settings = PackageSettings(python=ZIP_PYTHON)
    again = package(artifacts.read(artifact), find_format("lambda-zip"), tmp_path / "again", settings, report=print)
    assert again.path.read_bytes() == function_zip.path.read_bytes()


@needs_python
def test_good_bad_and_oversized_requests(run):
    with run() as (api, _):
        kind, answer = api.invoke(GOOD)
        assert (kind, answer["statusCode"]) == ("response", 200)
        assert [row["label"] for row in json.loads(answer["body"])["predictions"]] == ["positive", "negative"]
        for body, status in [("{", 400), ('{"text": 1}', 422), (json.dumps({"text": "x" * 4_000_000}), 413)]:
            kind, answer = api.invoke(function_url(body))
            assert (kind, answer["statusCode"]) == ("response", status)
        assert api.invoke({"Records": []})[0] == "error"  # nobody would read an answer
        assert api.invoke(GOOD)[1]["statusCode"] == 200


@needs_python
def test_a_request_without_time_is_given_up_in_words(run):
    with run() as (api, _):
        answer = api.invoke(GOOD, timeout_ms=100)[1]
        assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (504, "deadline")
        assert api.invoke(GOOD)[1]["statusCode"] == 200


@needs_python
def test_a_corrupt_artifact_is_an_error_of_the_init(run, tree, told):
    graph = tree / "artifact" / "model.onnx"
    graph.write_bytes(b"x" * graph.stat().st_size)
    with run() as (api, process):
        kind, answer = api.answers.get(timeout=60)
        assert process.wait(timeout=60) != 0
    assert (kind, answer["errorType"]) == ("init-error", "ArtifactCorruptError")
    assert "the function cannot start" in told()


@needs_python
def test_snap_start_calls_the_hooks(run, told):
    with run(AWS_LAMBDA_INITIALIZATION_TYPE="snap-start") as (api, _):
        assert api.answers.get(timeout=60)[0] == "snapshot"
        assert "ready for the snapshot" in told()
        assert '"event":"restored"' not in told()
        api.restored.put(None)
        assert api.invoke(GOOD)[1]["statusCode"] == 200
        assert '"event":"restored"' in told()


def test_the_bill_of_materials_keeps_to_its_schema(function_zip):
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    text = (function_zip.path.parent / "sbom-lambda.cdx.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
