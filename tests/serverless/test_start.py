"""The start: settings, an untrusted artifact, the guard, SnapStart's hooks, a light import path."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import snapshot_restore_py
from lambda_events import Context, function_url

from textwright.core.artifact import GOLDEN
from textwright.errors import ArtifactCorruptError, GoldenMismatchError, NotFoundError, SettingsError
from textwright.serverless.logs import Log
from textwright.serverless.settings import LambdaSettings, defaults, read_settings
from textwright.serverless.start import refuse_unmeasured, start

PREFIX = "TEXTWRIGHT_LAMBDA_"


def test_absent_and_empty_settings_have_their_defaults():
    assert read_settings({PREFIX + "VARIANT": "", "PATH": "/bin"}) == LambdaSettings()
    assert set(defaults()) >= {PREFIX + "ARTIFACT", PREFIX + "MAX_TEXTS"}


def test_settings_are_read_by_their_kind():
    read = read_settings({PREFIX + "MAX_TEXTS": "7", PREFIX + "VARIANT": "int8", PREFIX + "TIME_MARGIN_S": "0.5"})
    assert (read.max_texts, read.variant, read.time_margin_s) == (7, "int8", 0.5)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [("MAX_TEXTS", "many", "it must be int"), ("MAX_TEXTS", "0", "at least 1"), ("MAX_TEXT", "1", "is no setting")],
)
def test_wrong_settings_are_refused_by_their_variable(name, value, says):
    with pytest.raises(SettingsError, match=f"{PREFIX}{name} is .*{says}|{PREFIX}{name} {says}"):
        read_settings({PREFIX + name: value})


def test_another_processor_is_refused_loudly():
    refuse_unmeasured("x86_64")
    with pytest.raises(SettingsError, match="aarch64"):
        refuse_unmeasured("aarch64")


def test_a_corrupt_artifact_is_refused_and_logged(tiny_artifact, make_handler, lines):
    (tiny_artifact / "model.onnx").write_bytes(b"x" * (tiny_artifact / "model.onnx").stat().st_size)
    with pytest.raises(ArtifactCorruptError):
        make_handler()
    assert lines()[-1]["event"] == "the function cannot start"
    assert lines()[-1]["error"]["code"] == "artifact-corrupt"


def test_a_missing_variant_is_refused(make_handler):
    with pytest.raises(NotFoundError, match="no variant 'int4'"):
        make_handler(variant="int4")


@pytest.fixture
def hooks(monkeypatch):
    """Catch what is registered with the runtime's own library."""
    registered = {}
    for name in ("register_before_snapshot", "register_after_restore"):
        monkeypatch.setattr(snapshot_restore_py, name, lambda function, name=name: registered.update({name: function}))
    return registered


def snap_start(artifact: Path, stream):
    environment = {"TEXTWRIGHT_LAMBDA_ARTIFACT": artifact.name, "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}
    return start(artifact.parent, environment=environment, log=Log(stream))


def test_hooks_are_registered_under_snap_start_alone(tiny_artifact, make_handler, stream, hooks):
    make_handler()
    assert hooks == {}
    snap_start(tiny_artifact, stream)
    assert set(hooks) == {"register_before_snapshot", "register_after_restore"}


def test_restored_instances_are_new_and_answer(tiny_artifact, stream, hooks, lines):
    handler = snap_start(tiny_artifact, stream)
    hooks["register_before_snapshot"]()
    event = function_url(json.dumps({"text": "a good film"}))
    first = handler(event)
    hooks["register_after_restore"]()
    second = handler(event, Context())
    assert json.loads(first["body"]) == json.loads(second["body"])
    told = lines()
    assert [line["event"] for line in told] == ["ready for the snapshot", "request", "restored", "request"]
    assert told[-1]["cold_start"] == 1


def test_two_restores_do_not_share_their_ids(tiny_artifact, stream, hooks):
    handler = snap_start(tiny_artifact, stream)
    seen = set()
    for _ in range(2):
        hooks["register_after_restore"]()
        seen.add(handler(function_url(method="GET", path="/healthz"))["headers"]["x-request-id"].partition("-")[0])
    assert len(seen) == 2


def test_a_model_that_does_not_reproduce_is_never_published(make_artifact, stream, hooks, monkeypatch):
    artifact = make_artifact()
    handler = snap_start(artifact, stream)
    golden = handler.predictor.artifact.golden()
    wrong = [golden[0].__class__(item.text, tuple(value + 1 for value in item.logits)) for item in golden]
    monkeypatch.setattr(type(handler.predictor.artifact), "golden", lambda *_: wrong)
    with pytest.raises(GoldenMismatchError):
        hooks["register_before_snapshot"]()
    assert (artifact / GOLDEN).is_file()


def test_the_import_path_is_light(tiny_artifact):
    code = (
        "import json, sys\nfrom pathlib import Path\nfrom textwright.serverless.start import start\n"
        "path = Path(sys.argv[1])\n"
        "handler = start(path.parent, environment={'TEXTWRIGHT_LAMBDA_ARTIFACT': path.name})\n"
        "handler({'version': '2.0', 'rawPath': '/healthz', 'requestContext': {'http': {'method': 'GET'}}})\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    command = [sys.executable, "-c", code, str(tiny_artifact)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    modules = set(json.loads(done.stdout.splitlines()[-1]))
    heavy = {"fastapi", "starlette", "pydantic", "pydantic_core", "rich", "cyclopts", "torch", "boto3", "asyncio"}
    assert not heavy & modules
